"""Notes beside Snakemake's metadata: what others note meanwhile stays, damage costs nothing."""

import threading

import pytest

from workflow_scripts import _notes


def test_what_is_noted_at_the_same_time_is_all_kept(tmp_path):
    notes = tmp_path / "state" / "notes.json"

    def add(first):
        for number in range(first, first + 20):
            _notes.add(notes, {str(number): {"value": number}})

    threads = [threading.Thread(target=add, args=(20 * place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _notes.read(notes) == {str(number): {"value": number} for number in range(80)}


def test_a_key_that_is_noted_again_is_replaced(tmp_path):
    notes = tmp_path / "notes.json"
    _notes.add(notes, {"a": 1, "b": 2})
    _notes.add(notes, {"b": 3})
    assert _notes.read(notes) == {"a": 1, "b": 3}


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff", b"[" * 100_000])
def test_damaged_notes_are_as_if_there_were_none(tmp_path, content):
    notes = tmp_path / "notes.json"
    notes.write_bytes(content)
    assert _notes.read(notes) == {}
    _notes.add(notes, {"a": 1})
    assert _notes.read(notes) == {"a": 1}
