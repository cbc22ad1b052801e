"""Hashes of files: of their content always, read again only where a file may have changed."""

import hashlib
import os
import shutil
import time
from types import SimpleNamespace

import pytest

from labelbench_core.datasets.source_files import digests
from labelbench_core.datasets.source_files.digests import (
    Digests,
    contents_sha256,
    json_rows,
    statuses_sha256,
)

NAMES = ["a/1", "a/2", "b/1"]


@pytest.fixture(autouse=True)
def settled(monkeypatch):
    """Files need not be seconds old."""
    monkeypatch.setattr(digests, "SETTLED_SECONDS", 0.0)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "root"
    for name in NAMES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"content of {name}")
    return root


def look(folder, names=NAMES, **options):
    """What a new process finds, and how many files it reads."""
    told = []
    found = Digests(folder, folder.parent / "record", **options).of(names, tell=told.append)
    return found, sum(told)


def true(folder, names=NAMES):
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


def test_files_are_read_once(folder):
    assert look(folder) == (true(folder), 3)
    assert look(folder) == (true(folder), 0)
    assert look(folder, algorithm="sha256")[1] == 0


def test_changed_content_is_seen_and_touched_or_copied_files_are_read_once_more(folder):
    look(folder)
    before = os.stat(folder / "a/1")
    (folder / "a/1").write_text("CONTENT OF a/1")  # the same size and time
    os.utime(folder / "a/1", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert look(folder) == (true(folder), 1)
    os.utime(folder / "a/2")
    assert [look(folder)[1] for _ in range(2)] == [1, 0]
    shutil.move(folder, folder.with_name("old"))
    shutil.copytree(folder.with_name("old"), folder)
    assert look(folder) == (true(folder), 3)
    assert look(folder)[1] == 0


def test_a_file_that_changed_just_now_is_read_again(folder, monkeypatch):
    monkeypatch.setattr(digests, "SETTLED_SECONDS", 600.0)
    assert [look(folder)[1] for _ in range(2)] == [3, 3]
    paths = [folder / name for name in NAMES]
    assert statuses_sha256(NAMES, Digests(folder).statuses(NAMES), time.time()) is None
    monkeypatch.setattr(digests, "SETTLED_SECONDS", 0.0)
    assert [look(folder)[1] for _ in range(2)] == [3, 0]
    assert statuses_sha256(NAMES, Digests(folder).statuses(NAMES), time.time())
    paths[0].unlink()
    assert statuses_sha256(NAMES, Digests(folder).statuses(NAMES), time.time()) is None


def test_missing_files_are_left_out_and_unreadable_ones_named(folder):
    assert look(folder, [*NAMES, "a/none"]) == (true(folder), 3)
    with pytest.raises(IsADirectoryError, match="root/a"):
        look(folder, ["a", *NAMES])
    refused = {}
    found = Digests(folder).of(["a", *NAMES], refused=refused)
    assert (found, list(refused)) == (true(folder), ["a"])


def test_what_may_not_be_asked_for_is_told_apart_from_what_is_missing(folder, monkeypatch):
    """As in a folder that may be listed, but not entered."""
    real = os.stat

    def refusing(path, **options):
        if os.fspath(path).endswith("a/1"):
            raise PermissionError(13, "Permission denied", path)
        return real(path, **options)

    monkeypatch.setattr(os, "stat", refusing)
    statuses = Digests(folder).statuses([*NAMES, "none"])
    assert isinstance(statuses[0], PermissionError)
    assert statuses[3] is None
    assert statuses_sha256(NAMES, statuses[:3], time.time()) is None
    refused = {}
    assert set(Digests(folder).of(NAMES, refused=refused)) == set(NAMES[1:])
    assert list(refused) == NAMES[:1]


def test_the_time_that_counts_is_that_before_reading(folder, monkeypatch):
    """Reading and waiting for others may take longer than a file needs to look settled."""
    monkeypatch.setattr(digests, "SETTLED_SECONDS", 2.0)
    real, passed = hashlib.file_digest, [0]

    def slow(*arguments):
        passed[0] += 60
        return real(*arguments)

    monkeypatch.setattr(digests.hashlib, "file_digest", slow)
    monkeypatch.setattr(digests, "time", SimpleNamespace(time=lambda: time.time() + passed[0]))
    assert look(folder, ["a/1"])[1] == 1
    assert look(folder, ["a/1"])[1] == 1
    passed[0] = 0
    asked = time.time()
    statuses = Digests(folder).statuses(NAMES)
    passed[0] = 60
    assert statuses_sha256(NAMES, statuses, asked) is None


@pytest.mark.parametrize("damage", ["torn", "emptied", "nonsense", "other", "binary"])
def test_a_damaged_record_costs_reading_only(folder, damage):
    look(folder)
    record = folder.parent / "record"
    whole = record.read_text()
    damaged = {"torn": whole[:-20], "emptied": "", "nonsense": "{}\n[]\n", "other": "[1, 2]\n3"}
    record.write_bytes(b"\xff\x00\n" if damage == "binary" else damaged[damage].encode())
    assert look(folder) == (true(folder), 1 if damage == "torn" else 3)
    assert look(folder) == (true(folder), 0)
    assert len(record.read_text().splitlines()) == 3


def test_a_killed_reader_loses_little(folder, monkeypatch):
    monkeypatch.setattr(digests, "FLUSH_FILES", 1)
    reader = Digests(folder, folder.parent / "record")
    reader.of(NAMES[:2])  # and then no more is heard of it
    assert look(folder)[1] == 1


def test_records_do_not_grow_for_ever(folder, monkeypatch):
    monkeypatch.setattr(digests, "FLUSH_FILES", 4)
    for number in range(60):
        os.utime(folder / "a/1", ns=(0, number))
        look(folder)
    record = folder.parent / "record"
    assert len(record.read_text().splitlines()) <= 2 * 3 + 4 + 1
    many = [f"many/{number}" for number in range(20)]
    (folder / "many").mkdir()
    for name in many:
        (folder / name).touch()
    reader = Digests(folder, record)
    reader.of([*NAMES, *many])
    reader.forget_all_but(NAMES)
    assert len(record.read_text().splitlines()) == 3
    assert look(folder) == (true(folder), 0)


def test_where_nothing_can_be_remembered_all_is_read(folder):
    (folder.parent / "record").mkdir()
    assert [look(folder) for _ in range(2)] == [(true(folder), 3)] * 2


def test_odd_names_are_remembered(folder):
    names = ["a/" + os.fsdecode(b"\xff\xe9"), 'a/quote"\\', "a/new\nline", "a/ü"]
    for name in names:
        (folder / name).write_text("odd")
    assert look(folder, names) == (true(folder, names), 4)
    assert look(folder, names) == (true(folder, names), 0)
    assert len(contents_sha256(true(folder, names))) == 64


def test_names_and_contents_decide_one_hash():
    one = contents_sha256({"a": "1", "b": "2"})
    assert contents_sha256({"b": "2", "a": "1"}) == one
    for other in ({"a": "2", "b": "1"}, {"a": "1"}, {"a": "1", "c": "2"}, {}):
        assert contents_sha256(other) != one


@pytest.mark.parametrize(
    ("lines", "rows"),
    [
        (['["a", 1]', '["b", 2]'], [["a", 1], ["b", 2]]),
        (['["a", 1', '["b", 2]'], [None, ["b", 2]]),
        (['["a", 1], ["c", 3]', '["b", 2]'], [None, ["b", 2]]),
        (['["a",', "2]", '["b", 2]'], [None, None, ["b", 2]]),
        ([], []),
    ],
)
def test_damaged_lines_of_a_record_do_not_hide_the_others(lines, rows):
    assert json_rows(lines) == rows
