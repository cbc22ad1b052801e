"""When sources are looked at, by whom, and what damaged notes of former looks cost."""

import json
import os
import shutil

import pytest

from helpers.own_images import ENTRY, OPTIONS, add, changed, gone, move, new_image, prepare, touch
from labelbench_core import provenance
from labelbench_core.configuration.sources import since_prepared
from labelbench_core.datasets.source_files import looks
from labelbench_core.stages.table import STAGES
from labelbench_core.storage import files
from labelbench_core.storage.records import write_record
from workflow_scripts import check_sources

pytestmark = pytest.mark.usefixtures("settled")


def test_large_sources_are_looked_at_when_asked(mine, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(since_prepared, "MOST_FILES", 11)
    monkeypatch.setenv("LABELBENCH_DATA", str(tmp_path / "data"))
    command = ["--results", str(tmp_path), "--state", str(tmp_path / "state")]
    add(mine)
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", None)  # called, it would fail
        assert changed(tmp_path) is None
    assert changed(tmp_path, when="always") == "1 file added (pool/cat/new.png)"
    # Asked for by command, it holds for the next call that plans, until it is prepared.
    (tmp_path / "state" / "mine.json").unlink()
    assert changed(tmp_path) is None
    assert check_sources.main(command) == 0
    assert "mine: changed: 1 file added (pool/cat/new.png); the next" in capsys.readouterr().out
    assert changed(tmp_path) == "1 file added (pool/cat/new.png)"
    prepare(tmp_path)
    assert changed(tmp_path) is None
    assert check_sources.main(command) == 0
    assert capsys.readouterr().out == "mine: 13 files, none changed since it was prepared\n"
    # Changed, and back before it was prepared: the note does not stay.
    move(mine)
    check_sources.main(command)
    (mine / "pool" / "dog" / "was-a-cat.png").rename(mine / "pool" / "cat" / "1.png")
    assert changed(tmp_path) is None
    add_more = mine / "pool" / "cat" / "more.png"
    new_image(add_more)
    assert changed(tmp_path) is None


def test_at_the_limit_a_source_is_small(mine, tmp_path, monkeypatch):
    monkeypatch.setattr(since_prepared, "MOST_FILES", 12)
    add(mine)
    assert changed(tmp_path) == "1 file added (pool/cat/new.png)"


def test_reading_many_files_is_announced(mine, tmp_path, monkeypatch):
    monkeypatch.setattr(since_prepared, "MANY_FILES", 12)
    told = []
    changed(tmp_path, tell=told.append)
    assert told == []
    touch(mine)
    changed(tmp_path, tell=told.append)
    assert told == ["data set 'mine': reading 12 new files of its source"]


def test_what_is_made_anyway_is_not_looked_at(mine, tmp_path):
    add(mine)
    other = {**ENTRY, "options": {**OPTIONS, "image_size": 32}}
    assert changed(tmp_path, other) is None
    assert changed(tmp_path, {**ENTRY, "pool_size": 5}) is None
    for content in ("{}", "[]", "3", "", "{"):
        (tmp_path / "datasets" / "mine" / "manifest.json").write_text(content)
        assert changed(tmp_path) is None
    (tmp_path / "datasets" / "mine" / "manifest.json").unlink()
    assert changed(tmp_path) is None


@pytest.mark.parametrize(
    "damage",
    [
        {"source_files": {"count": 3}},
        {"source_files": "abc"},
        {"source_files": [1]},
        {"source_files": {"count": "3", "sha256": 5}},
        {"options": [1]},
        {"options": {"folder": 5}},
        {"source": None},
        {"splits": None},
        {"dataset": "yours"},
    ],
)
@pytest.mark.parametrize("sealed", [False, True])
def test_a_manifest_that_is_not_as_it_was_written_is_made_anyway(
    mine, tmp_path, monkeypatch, capsys, damage, sealed
):
    add(mine)
    path = tmp_path / "datasets" / "mine" / "manifest.json"
    content = {**files.read_json(path), **damage}
    content = {key: value for key, value in content.items() if value is not None}
    write_record(path, "data set", content) if sealed else path.write_text(json.dumps(content))
    if damage != {"options": {"folder": 5}}:  # which no catalogue has
        assert changed(tmp_path, {**ENTRY, "options": content["options"]}) is None
    monkeypatch.setenv("LABELBENCH_DATA", str(tmp_path / "data"))
    command = ["--results", str(tmp_path), "--state", str(tmp_path / "state")]
    assert check_sources.main(command) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert told.count("\n") == 1


def test_where_nothing_is_prepared_the_command_says_so(tmp_path, capsys):
    assert check_sources.main(["--results", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"no data set is prepared in {tmp_path}\n"


@pytest.mark.parametrize("listing", ['[["pool/cat/0.png", 5]]', '[[1, "x"]]', "[3]", "3", "{}"])
def test_damaged_listings_cost_only_the_details(mine, tmp_path, listing):
    add(mine)
    arrays = tmp_path / "datasets" / "mine" / "arrays"
    for split in ("pool", "test"):
        (arrays / f"{split}-files.json").write_text(listing)
    assert changed(tmp_path) == "its 13 files are not those it was prepared from"


@pytest.mark.parametrize("look", ["{}", "[]", '{"root": 1, "count": "x", "sha256": 3, "when": 0}'])
def test_a_damaged_note_of_a_look_is_none(tmp_path, look):
    (tmp_path / "mine.json").write_text(look)
    assert looks.read_look(tmp_path, "mine") is None


def test_lost_listings_cost_only_the_details(mine, tmp_path):
    add(mine)
    (tmp_path / "datasets" / "mine" / "arrays" / "pool-files.json").write_text("[]")
    assert changed(tmp_path) == "its 13 files are not those it was prepared from"


def test_results_do_not_depend_on_what_this_machine_knows(mine, tmp_path):
    target = tmp_path / "datasets" / "mine"
    before = {p.name: p.read_bytes() for p in target.rglob("*") if p.is_file()}
    shutil.rmtree(tmp_path / "state")
    prepare(tmp_path)
    assert {p.name: p.read_bytes() for p in target.rglob("*") if p.is_file()} == before
    text = (target / "manifest.json").read_text()
    assert str(tmp_path) not in text
    assert looks.now()[:10] not in text


def test_the_command_says_all_and_names_what_is_not_there(mine, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LABELBENCH_DATA", str(tmp_path / "data"))
    command = ["--results", str(tmp_path), "--state", str(tmp_path / "state")]
    assert check_sources.main([*command, "mine"]) == 0
    assert check_sources.main([*command, "yours"]) == 2
    captured = capsys.readouterr()
    assert captured.out == "mine: 12 files, none changed since it was prepared\n"
    assert "error: data set 'yours' is not prepared in" in captured.err
    shutil.rmtree(mine / "pool" / "dog")
    assert check_sources.main(command) == 2
    assert "error: data set 'mine': its source can no longer be prepared" in capsys.readouterr().err
    gone(mine)
    assert check_sources.main(command) == 0
    assert capsys.readouterr().out == (
        "mine: out of reach (nothing is there): what was prepared remains in use\n"
    )


def test_no_job_looks(request):
    scripts = request.config.rootpath / "workflow_scripts"
    jobs = {path.stem for path in scripts.glob("[a-z]*.py")} & set(STAGES)
    assert "prepare_dataset" in jobs
    for job in jobs:
        closure = provenance.import_closure({f"workflow_scripts.{job}"})
        assert "labelbench_core.configuration.sources.since_prepared" not in closure, job
