"""Files that are lost and come out equal get their former time, if it is sure what it was."""

import os
from pathlib import Path

import pytest

from workflow_scripts import _noted_outputs
from workflow_scripts._noted_outputs import Former, changed_by_others, differing, note, read_notes


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes.json"


@pytest.fixture
def output(tmp_path: Path) -> str:
    """An output, noted when it was made at 100 s."""
    return made(tmp_path / "one", "a", 100)


def made(path: str | Path, text: str, seconds: int) -> str:
    Path(path).write_text(text)
    os.utime(path, ns=(seconds * 10**9, seconds * 10**9))
    return str(path)


def unknown(path: str) -> None:
    """When Snakemake made a file, if it does not know."""


def time_of(path: str) -> int:
    return os.stat(path).st_mtime_ns // 10**9


def times_noted(notes: Path) -> dict[str, int]:
    return {path: time // 10**9 for path, (_, time) in read_notes(notes).items()}


def test_equal_content_gets_its_former_time(notes: Path, output: str, tmp_path: Path) -> None:
    other, gone = made(tmp_path / "other", "b", 100), str(tmp_path / "gone")
    note([output, other, gone, str(tmp_path)], unknown, notes=notes)
    assert list(read_notes(notes)) == [output, other]
    former = Former(notes)
    note([made(output, "a", 200), made(other, "changed", 200)], unknown, notes=notes)
    assert former.other([output, other, gone]) == [other]
    former.put_times_back([output, other, gone])
    assert (time_of(output), time_of(other)) == (100, 200)
    assert times_noted(notes) == {output: 100, other: 200}


def test_only_who_restores_puts_times_back(notes: Path, output: str) -> None:
    """What was made from a file since then may have been made from other bytes, and killed."""
    note([output], unknown, notes=notes)
    note([made(output, "a", 200)], unknown, notes=notes)
    former = Former(notes)
    former.put_times_back([output])
    assert time_of(output) == 200


def test_what_a_killed_call_made_is_noted_by_the_next(
    notes: Path, output: str, tmp_path: Path
) -> None:
    note([output], unknown, notes=notes)
    made(output, "changed", 200)
    other = made(tmp_path / "other", "b", 100)
    assert Former(notes).other([output, other]) == [output, other]
    note([output, other], unknown, notes=notes)
    assert times_noted(notes) == {output: 200, other: 100}
    assert read_notes(notes)[output][0] != read_notes(notes)[other][0]


def test_who_was_interrupted_goes_on_with_what_was_noted_first(notes: Path, output: str) -> None:
    note([output], unknown, notes=notes)
    Former(notes)
    note([made(output, "a", 200)], unknown, notes=notes)
    former = Former(notes)
    former.put_times_back([output])
    assert time_of(output) == 100
    former.forget()
    note([made(output, "a", 300)], unknown, notes=notes)
    Former(notes).put_times_back([output])
    assert time_of(output) == 300


def test_a_file_of_the_time_noted_is_not_read_again(
    notes: Path, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    note([output], unknown, notes=notes)
    monkeypatch.setattr(_noted_outputs.files, "sha256_file", None)
    note([output], unknown, notes=notes)
    assert Former(notes).other([output]) == []


def test_what_cannot_be_read_is_not_noted(
    notes: Path, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: str) -> str:
        raise PermissionError(path)

    monkeypatch.setattr(_noted_outputs.files, "sha256_file", denied)
    note([output], unknown, notes=notes)
    assert read_notes(notes) == {}


def test_what_others_changed_is_told_from_what_snakemake_made(notes: Path, output: str) -> None:
    note([output], unknown, notes=notes)

    def changed(seconds: float | None) -> list[str]:
        return changed_by_others([output, "gone"], lambda path: seconds, notes=notes)

    assert changed(100) == []
    made(output, "a", 200)  # touched, or copied
    assert changed(100) == []
    made(output, "edited", 200)
    assert changed(100) == [output]
    assert changed(200) == changed(199) == []  # by a call that was killed
    assert changed(None) == []


def test_what_others_changed_is_not_noted_by_a_later_call(notes: Path, output: str) -> None:
    """Else the next call, or who packs results, would take it for what was made."""
    note([output], lambda path: 100, notes=notes)
    made(output, "edited", 200)
    note([output], lambda path: 100, notes=notes)
    assert times_noted(notes) == {output: 100}
    assert differing([output], notes=notes) == [output]
    note([output], lambda path: 200, notes=notes)
    assert times_noted(notes) == {output: 200}


def test_damage_that_keeps_the_time_is_seen_by_who_reads_all(notes: Path, output: str) -> None:
    note([output], unknown, notes=notes)
    assert differing([output, "gone"], notes=notes) == []
    made(output, "b", 100)
    assert changed_by_others([output], lambda path: 0, notes=notes) == []
    assert differing([output, "gone"], notes=notes) == [output]


@pytest.mark.parametrize("text", ["", "[]", "{", "3", '{"f": 5}', '{"f": ["x"]}', '{"f": [1, 2]}'])
def test_unreadable_notes_are_none(notes: Path, output: str, text: str) -> None:
    notes.write_text(text)
    assert read_notes(notes) == {}
    note([output], unknown, notes=notes)
    assert list(read_notes(notes)) == [output]
    assert Former(notes).other([output]) == []


def test_notes_lie_outside_of_results() -> None:
    assert _noted_outputs.NOTES.parts[0] == ".snakemake"
