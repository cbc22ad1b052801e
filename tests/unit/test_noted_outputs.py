"""Files that are lost and come out equal get their former time."""

import os

from labelbench_core import noted_outputs
from labelbench_core.noted_outputs import note, put_times_back, read_notes


def made(path, text, seconds):
    path.write_text(text)
    os.utime(path, ns=(seconds * 10**9, seconds * 10**9))
    return str(path)


def time_of(path):
    return os.stat(path).st_mtime_ns // 10**9


def test_equal_content_gets_its_former_time(tmp_path):
    notes = tmp_path / "notes.json"
    one, other = made(tmp_path / "one", "a", 100), made(tmp_path / "other", "b", 100)
    note([one, other, str(tmp_path / "gone"), str(tmp_path)], notes=notes)
    made(tmp_path / "one", "a", 200)
    made(tmp_path / "other", "changed", 200)
    put_times_back([one, other, str(tmp_path / "gone")], notes=notes)
    assert (time_of(one), time_of(other)) == (100, 200)


def test_equal_content_keeps_the_time_noted_first(tmp_path):
    # What was made from it since then was made from the same bytes.
    notes = tmp_path / "notes.json"
    one = made(tmp_path / "one", "a", 100)
    note([one], notes=notes)
    note([made(tmp_path / "one", "a", 200)], notes=notes)
    put_times_back([one], notes=notes)
    assert time_of(one) == 100


def test_other_content_is_noted_anew_also_if_it_comes_back(tmp_path):
    notes = tmp_path / "notes.json"
    for seconds, text in ((100, "a"), (200, "b"), (300, "a")):
        note([made(tmp_path / "one", text, seconds)], notes=notes)
    put_times_back([made(tmp_path / "one", "a", 400)], notes=notes)
    assert time_of(tmp_path / "one") == 300


def test_what_a_killed_call_did_not_note_is_noted_by_the_next(tmp_path):
    notes = tmp_path / "notes.json"
    one, other = made(tmp_path / "one", "a", 100), made(tmp_path / "other", "b", 100)
    note([one], notes=notes)
    made(tmp_path / "one", "changed", 200)  # not by this call
    note([], planned=[one, other], notes=notes)
    assert {path: time // 10**9 for path, (_, time) in read_notes(notes).items()} == {
        one: 100,
        other: 100,
    }
    assert read_notes(notes)[one][0] != read_notes(notes)[other][0]


def test_unreadable_notes_are_none(tmp_path):
    notes = tmp_path / "notes.json"
    for text in ("", "[]", "{", "3"):
        notes.write_text(text)
        assert read_notes(notes) == {}
    one = made(tmp_path / "one", "a", 100)
    note([one], notes=notes)
    assert list(read_notes(notes)) == [one]


def test_notes_lie_outside_of_results():
    assert noted_outputs.NOTES.parts[0] == ".snakemake"
