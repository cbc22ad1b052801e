"""Commands for experiments refuse a campaign's file in one line; others know it."""

import dataclasses
import json

import pytest

from labelbench_core.campaign.settings import Campaign
from workflow_scripts import (
    archive_results,
    check_configuration,
    check_results,
    estimate_costs,
    keep_tables,
    restore_results,
    show_summary,
)
from workflow_scripts._campaigns import rehearsed, tell_of_rehearsal, tell_what_to_do

PETS = """
campaign: pets
pool: photos
classes: [cat, dog]
backbone: efficientnet-lite0-64
catalogue:
  datasets:
    photos: {implementation: image-folder, options: {folder: FOLDER, unlabeled: true}}
"""


@pytest.fixture
def pets(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.png").touch()
    file = tmp_path / "pets.yaml"
    file.write_text(PETS.replace("FOLDER", str(tmp_path / "photos")))
    return file


@pytest.mark.parametrize(
    ("command", "more"),
    [
        (archive_results, ["archive.tar.gz"]),
        (check_results, []),
        (estimate_costs, []),
        (keep_tables, []),
        (restore_results, []),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_commands_for_experiments_refuse_it(command, more, pets, capsys):
    assert command.main([*more, "--configfile", str(pets)]) == 2
    told = capsys.readouterr().err
    assert "pets.yaml: campaign: 'pets'; allowed here: the file of an experiment" in told
    assert len(told.splitlines()) == 1


def test_the_end_of_make_run_and_the_check_know_it(pets, capsys):
    assert show_summary.main(["--configfile", str(pets)]) == 0
    assert capsys.readouterr().out == ""
    assert check_configuration.main([str(pets)]) == 0
    assert capsys.readouterr().out == f"{pets}: valid: a campaign on data set photos\n"


def test_a_call_that_failed_tells_nothing_and_folders_that_came_are_named(tmp_path, capsys):
    entry = {"id": "any", "implementation": "any"}
    classes = ("cat", "dog")
    pets = Campaign("pets", tmp_path / "pets", "photos", "any", entry, entry, entry, classes)
    call = tmp_path / "call-002.json"
    page = tmp_path / "campaign-002.html"
    tell_what_to_do(pets, call, page)
    assert capsys.readouterr().err == ""
    status = {"status": "waiting", "batch": 1, "size": 20, "answered": 5}
    call.write_text(json.dumps({**status, "new_files": 1, "new_answers": 5}))
    (tmp_path / "pets" / "labels" / "from CVAT").mkdir(parents=True)
    tell_what_to_do(pets, call, page)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "5 new answers in 1 files."
    assert "Campaign pets, batch 1: 15 of 20 to label." in lines[1]
    assert "not read, since they are folders: from CVAT; put the files" in lines[2]
    assert len(lines) == 3
    why = {"strategy": {"chosen": "margin", "reason": "margin, by some experiments."}}
    tell_what_to_do(dataclasses.replace(pets, advice=why), call, page)
    assert capsys.readouterr().err.splitlines() == [
        "Strategy: margin, by some experiments.",
        *lines,
    ]
    call.write_text(json.dumps({**status, "batch": 2, "new_files": 1, "new_answers": 5}))
    tell_what_to_do(dataclasses.replace(pets, advice=why), call, page)
    told = "As chosen when this campaign began (why: on its page): strategy margin.\n"
    assert capsys.readouterr().err.startswith(told)
    page.touch()
    tell_what_to_do(pets, call, page)
    assert capsys.readouterr().err.splitlines()[3] == f"Where it stands: {page}"


def test_a_rehearsal_that_failed_tells_nothing(tmp_path, capsys):
    entry = {"id": "any", "implementation": "any"}
    pets = Campaign("pets", tmp_path / "pets", "photos", "any", entry, entry, entry, ())
    made = {name: tmp_path / file for name, file in rehearsed(pets).items()}
    tell_of_rehearsal(pets, *made.values())
    assert capsys.readouterr().err == ""
    made["facts"].mkdir(parents=True)
    tell_of_rehearsal(pets, *made.values())
    told = capsys.readouterr().err
    assert told.startswith("Campaign pets was rehearsed: ")
    assert all(str(made[name]) in told for name in ("batches", "stopping", "page"))
