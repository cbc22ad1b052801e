"""Commands for experiments refuse a campaign's file in one line; others know it."""

import dataclasses
import importlib.util
import json
import shutil

import pytest

from helpers.campaigns import campaign_in
from labelbench_core.campaign.settings import Campaign
from labelbench_core.errors import InputError, seen_from_here
from workflow_scripts import (
    _snakefile,
    archive_results,
    check_configuration,
    check_results,
    estimate_costs,
    keep_tables,
    restore_results,
    show_summary,
)
from workflow_scripts._campaigns import (
    check_packages,
    know_folder,
    rehearsed,
    tell_of_rehearsal,
    tell_what_to_do,
)

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
    tell_what_to_do(pets, call, page, tmp_path)
    assert capsys.readouterr().err == ""
    status = {"status": "waiting", "batch": 1, "size": 20, "answered": 5}
    call.write_text(json.dumps({**status, "new_files": 1, "new_answers": 5}))
    (tmp_path / "pets" / "labels" / "from CVAT").mkdir(parents=True)
    tell_what_to_do(pets, call, page, tmp_path)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "5 new answers in 1 file."
    assert "Campaign pets, batch 1: 15 of 20 to label." in lines[1]
    assert "not read, since they are folders: from CVAT; put the files" in lines[2]
    assert len(lines) == 3
    why = {"strategy": {"chosen": "margin", "reason": "margin, by some experiments."}}
    tell_what_to_do(dataclasses.replace(pets, advice=why), call, page, tmp_path)
    assert capsys.readouterr().err.splitlines() == [
        "Strategy: margin, by some experiments.",
        *lines,
    ]
    call.write_text(json.dumps({**status, "batch": 2, "new_files": 1, "new_answers": 5}))
    tell_what_to_do(dataclasses.replace(pets, advice=why), call, page, tmp_path)
    told = "As chosen when this campaign began (why: on its page): strategy margin.\n"
    assert capsys.readouterr().err.startswith(told)
    page.touch()
    tell_what_to_do(pets, call, page, tmp_path)
    assert capsys.readouterr().err.splitlines()[3] == f"Where it stands: {seen_from_here(page)}"


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
    assert all(seen_from_here(made[name]) in told for name in ("batches", "stopping", "page"))


def record_of_call(**changes):
    rows = {"come": 60, "gone": 0, "gone_labelled": 0}
    status = {"status": "waiting", "batch": 1, "size": 20, "answered": 5, "left": 15}
    counts = {"new_files": 0, "new_answers": 0, "files": 1, "answers": 5, "rows": rows}
    return {**status, **counts, "unreadable": {}, **changes}


def test_a_call_tells_what_is_new_since_the_last_that_told_somebody(tmp_path, capsys):
    pets = campaign_in(tmp_path, campaign="pets")
    call, page = tmp_path / "call-001.json", tmp_path / "campaign-001.html"

    def told(**changes):
        call.write_text(json.dumps(record_of_call(**changes)))
        tell_what_to_do(pets, call, page, tmp_path)
        return capsys.readouterr().err.splitlines()[:-1]

    assert told(new_files=1, new_answers=5) == ["5 new answers in 1 file."]
    assert told(new_files=1, new_answers=5) == []  # nothing was to be done
    # 4 answers were received by a call that failed, 1 by this one.
    assert told(new_files=1, new_answers=1, files=3, answers=10) == ["5 new answers in 2 files."]
    rows = {"come": 132, "gone": 2, "gone_labelled": 1}
    broken = {"count": 1, "examples": ["kaputt.png (truncated)"]}
    now = {"files": 3, "answers": 10, "rows": rows, "unreadable": broken}
    assert told(**now) == [
        "Pool: 72 new rows, 2 gone (1 of them labelled), 1 unreadable: kaputt.png (truncated)."
    ]
    assert told(**now) == []
    # Begun anew in the same folder: what an earlier campaign told counts for nothing.
    begin(pets, "{}")
    assert told(new_files=1, new_answers=3, files=1, answers=3) == ["3 new answers in 1 file."]


def test_what_is_left_of_a_batch_is_named_when_it_is_little(tmp_path, capsys):
    pets = campaign_in(tmp_path, campaign="pets")
    call, page = tmp_path / "call-001.json", tmp_path / "campaign-001.html"
    call.write_text(json.dumps(record_of_call(left=2, left_items=["a.png", "b.png"])))
    tell_what_to_do(pets, call, page, tmp_path)
    assert "batch 1: 2 of 20 to label (a.png, b.png). They are in" in capsys.readouterr().err


def begin(campaign, fact):
    (campaign.folder / "pool" / "arrival-001").mkdir(parents=True)
    (campaign.folder / "pool" / "arrival-001" / "arrival.json").write_text(fact)


def test_two_campaigns_of_one_name_do_not_share_a_folder_of_results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one, other = (campaign_in(tmp_path / name, campaign="pets") for name in ("one", "other"))
    know_folder(one, "one.yaml", note=True)
    know_folder(other, "other.yaml", note=False)  # the first has not begun
    begin(one, "one")
    know_folder(one, "one.yaml", note=True)
    for begun in (False, True):
        if begun:
            begin(other, "other")
        with pytest.raises(SystemExit) as stopped:
            know_folder(other, "other.yaml", note=True)
        assert str(stopped.value) == (
            "error: other.yaml: campaign: 'pets': of that name is the campaign in "
            f"{one.folder}, whose results are here, and that in {other.folder}; allowed: another "
            "name, or another folder (--directory)"
        )
    # Moved, or copied, it is the same campaign; and where the other is gone, nothing is lost.
    shutil.copytree(one.folder, tmp_path / "copy" / "birds")
    know_folder(campaign_in(tmp_path / "copy", campaign="pets"), "one.yaml", note=True)
    shutil.rmtree(tmp_path / "copy")
    know_folder(other, "other.yaml", note=True)
    with pytest.raises(SystemExit):
        know_folder(one, "one.yaml", note=True)


def test_a_package_that_jobs_lack_is_told_before_any(tmp_path, monkeypatch, capsys):
    plain = campaign_in(tmp_path)
    exports = dataclasses.replace(plain, finish={"onnx": True})
    joins = dataclasses.replace(plain, agreement="dawid-skene")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    check_packages(plain, ["finish"], dryrun=False)
    check_packages(exports, [], dryrun=False)
    check_packages(joins, ["embeddings"], dryrun=False)
    for asked, targets, extra in ((exports, ["finish"], "onnx-export"), (joins, [], "agreement")):
        with pytest.raises(SystemExit) as stopped:
            check_packages(asked, targets, dryrun=False)
        assert "not installed; allowed: " in str(stopped.value)
        assert f"`.venv/bin/pip install -e '.[{extra}]'` in the project's" in str(stopped.value)
        check_packages(asked, targets, dryrun=True)
        assert capsys.readouterr().err.startswith("planned, but a run would stop: ")


def test_the_pip_that_is_named_is_that_of_this_environment(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.executable", str(tmp_path / ".venv" / "bin" / "python"))
    told = "x is not installed: pip install x\ny: `.venv/bin/pip install -e '.[y]'`"
    assert str(_snakefile.stop(InputError(told))) == (
        "error: x is not installed: .venv/bin/pip install x\n"
        "error: y: `.venv/bin/pip install -e '.[y]'`"
    )
