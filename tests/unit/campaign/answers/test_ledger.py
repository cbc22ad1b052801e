"""What was received stays: whole or not at all, once, in order, and as it was."""

import hashlib
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import traceback

import pytest

from helpers.answered_batches import batch, expected, random_answers
from labelbench_core.campaign.answers.answer import Answer
from labelbench_core.campaign.answers.formats import csv_table, cvat, hugging_face, label_studio
from labelbench_core.campaign.answers.ledger import (
    answers_of,
    new_answers,
    receipts,
    receive,
)
from labelbench_core.errors import InputError

MADE = batch()
EXPECTED = expected(MADE)
ANSWERS = [one for seed in (1, 2) for one in random_answers(MADE, seed)]


def handed_in(folder, name, answers, write=csv_table.write):
    path = folder / "labels" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(write(MADE, answers), encoding="utf-8", newline="")
    return path


def tree(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def said(item, label, annotator="anna", at=None):
    return Answer(item, "labelled", label, annotator, at=at)


def test_files_of_all_formats_are_received_in_order(tmp_path):
    written = [csv_table.write, label_studio.write, cvat.write, hugging_face.write]
    parts = [random_answers(MADE, seed, [f"person {seed}"]) for seed in range(4)]
    paths = [
        handed_in(tmp_path, f"file {place}", part, write)
        for place, (part, write) in enumerate(zip(parts, written, strict=True))
    ]
    before = tree(tmp_path)
    result = receive(tmp_path, paths, EXPECTED)
    assert [one.number for one in result.receipts] == [1, 2, 3, 4]
    assert [one.file for one in result.receipts] == [path.name for path in paths]
    assert answers_of(tmp_path) == list(itertools.chain(*parts))
    assert receipts(tmp_path) == list(result.receipts)
    after = tree(tmp_path)
    assert {name: after[name] for name in before} == before
    for path, receipt in zip(paths, result.receipts, strict=True):
        assert (receipt.folder / path.name).read_bytes() == path.read_bytes()
        assert receipt.folder.name == f"{receipt.number:03d}-{receipt.file_sha256[:8]}"


def test_the_command_sha256sum_checks_a_receipt(tmp_path):
    paths = [handed_in(tmp_path, f"ü {n}", random_answers(MADE, n, ["a"])) for n in (1, 2)]
    for receipt in receive(tmp_path, paths, EXPECTED).receipts:
        command = ["sha256sum", "--strict", "-c", "SHA256SUMS"]
        subprocess.run(command, cwd=receipt.folder, check=True, capture_output=True)


def test_the_same_content_is_received_once(tmp_path):
    path = handed_in(tmp_path, "one.csv", ANSWERS)
    copy = handed_in(tmp_path, "copy of it.csv", ANSWERS)
    assert len(receive(tmp_path, [path, copy], EXPECTED).receipts) == 1
    before = tree(tmp_path)
    again = receive(tmp_path, [copy, path], EXPECTED)
    assert (again.receipts, again.known) == ((), (copy, path))
    assert tree(tmp_path) == before


def test_of_a_table_downloaded_twice_only_what_is_new_is_added(tmp_path):
    answers = random_answers(MADE, 9, ["anna", "ben"])
    assert len(answers) > 5
    assert any(one.at is None for one in answers)
    assert any(one.at is not None for one in answers)
    for size in (3, 3, 5, len(answers)):
        receive(tmp_path, [handed_in(tmp_path, f"{size}.csv", answers[:size])], EXPECTED)
    assert [len(one.answers) for one in receipts(tmp_path)] == [3, 2, len(answers) - 5]
    assert answers_of(tmp_path) == answers


def test_two_halves_in_any_order_say_the_same(tmp_path):
    answers = random_answers(MADE, 6, ["anna", "ben"])
    halves = [[one for one in answers if one.annotator == who] for who in ("anna", "ben")]
    found = []
    for place, order in enumerate([halves, halves[::-1]]):
        folder = tmp_path / str(place)
        folder.mkdir()
        for number, half in enumerate(order):
            receive(folder, [handed_in(folder, f"{number}.csv", half)], EXPECTED)
        found.append(set(answers_of(folder)))
    assert found == [set(answers)] * 2


def test_who_answered_may_be_given_for_a_file_that_does_not_say(tmp_path):
    path = handed_in(tmp_path, "m.csv", [said("é", "cat", ""), said("row-17", "dog", "ben")])
    receive(tmp_path, [path], EXPECTED, {path: "anna"})
    assert sorted(one.annotator for one in answers_of(tmp_path)) == ["anna", "ben"]


def test_a_file_with_an_error_is_not_received_and_keeps_no_other_out(tmp_path):
    good = handed_in(tmp_path, "good.csv", ANSWERS)
    bad, empty = tmp_path / "labels" / "bad.csv", handed_in(tmp_path, "empty.csv", [])
    bad.write_text(good.read_text() + "é,,,,cta,,,,,\nx,,,,cat,,,,,\n")
    gone = tmp_path / "labels" / "gone.csv"
    before = bad.read_bytes()
    result = receive(tmp_path, [bad, gone, empty, good], EXPECTED)
    assert [one.file for one in result.receipts] == ["good.csv"]
    assert result.unanswered == (empty,)
    first, second = result.errors
    assert [line.split(": ")[2] for line in first.splitlines()] == ["label", "item"]
    assert second.startswith(f"{gone}: cannot be read (No such file")
    assert bad.read_bytes() == before


@pytest.mark.parametrize(
    "name", ["answers.jsonl", "SHA256SUMS", "two\nlines \\ é.csv", b"\xff.csv"]
)
def test_any_name_of_a_file_is_kept(tmp_path, name):
    made = handed_in(tmp_path, "plain.csv", ANSWERS)
    path = made.with_name(os.fsdecode(name))
    made.rename(path)
    (receipt,) = receive(tmp_path, [path], EXPECTED).receipts
    assert receipts(tmp_path) == [receipt]
    assert (receipt.folder / receipt.file).read_bytes() == path.read_bytes()
    assert receipt.file.isprintable()


def three_receipts(folder):
    paths = [handed_in(folder, f"{n}.csv", random_answers(MADE, n, [f"p{n}"])) for n in (1, 2, 3)]
    return [one.folder for one in receive(folder, paths, EXPECTED).receipts]


def overwritten(path):
    path.write_bytes(path.read_bytes() + b"\n")


def edited_with_its_sums(folder):
    """What someone does who knows the command sha256sum."""
    answers, sums = folder / "answers.jsonl", folder / "SHA256SUMS"
    before = hashlib.sha256(answers.read_bytes()).hexdigest()
    answers.write_bytes(b"")
    after = hashlib.sha256(b"").hexdigest()
    sums.write_text(sums.read_text().replace(before, after))


CHANGES = {
    "its answers changed with its sums": lambda one, two, three: edited_with_its_sums(two),
    "the last renamed": lambda one, two, three: three.rename(three.with_name("003-00000000")),
    "its file changed": lambda one, two, three: overwritten(two / "2.csv"),
    "its answers changed": lambda one, two, three: overwritten(two / "answers.jsonl"),
    "its sums changed": lambda one, two, three: overwritten(two / "SHA256SUMS"),
    "its file lost": lambda one, two, three: (two / "2.csv").unlink(),
    "its answers lost": lambda one, two, three: (two / "answers.jsonl").unlink(),
    "its sums lost": lambda one, two, three: (two / "SHA256SUMS").unlink(),
    "lost": lambda one, two, three: shutil.rmtree(two),
    "the first lost": lambda one, two, three: shutil.rmtree(one),
    "renamed": lambda one, two, three: two.rename(two.with_name("002-00000000")),
    "a number twice": lambda one, two, three: three.rename(three.with_name("002-00000000")),
    "two swapped": lambda one, two, three: (
        one.rename(one.with_name(f"x{one.name}")),
        two.rename(two.with_name("001" + two.name[3:])),
        one.with_name(f"x{one.name}").rename(one.with_name("002" + one.name[3:])),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_receipt_that_is_not_as_it_was_is_an_error_that_says_what_to_do(tmp_path, change):
    CHANGES[change](*three_receipts(tmp_path))
    before = tree(tmp_path)
    new = handed_in(tmp_path, "new.csv", random_answers(MADE, 9, ["p9"]))
    for call in (
        lambda: receipts(tmp_path),
        lambda: answers_of(tmp_path),
        lambda: receive(tmp_path, [new], EXPECTED),
    ):
        with pytest.raises(
            InputError, match=rf"^{tmp_path}/received.*restore it from a copy"
        ) as one:
            call()
        assert "\n" not in str(one.value)
    new.unlink()
    assert tree(tmp_path) == before


def test_the_last_receipt_is_missed_by_who_used_it(tmp_path):
    folders = three_receipts(tmp_path)
    known = [one.sha256 for one in receipts(tmp_path)]
    assert len(receipts(tmp_path, known[:2])) == len(receipts(tmp_path, known)) == 3
    with pytest.raises(InputError, match=r"001-.*is not what rounds were made from"):
        receipts(tmp_path, known[::-1])
    shutil.rmtree(folders[-1])
    assert len(receipts(tmp_path)) == 2
    with pytest.raises(InputError, match="receipt 003 is missing"):
        receipts(tmp_path, known)


def test_everything_is_made_again_from_what_was_received(tmp_path):
    three_receipts(tmp_path)
    wanted = answers_of(tmp_path)
    shutil.copytree(tmp_path / "received", tmp_path / "elsewhere" / "received")
    shutil.rmtree(tmp_path / "labels")
    assert answers_of(tmp_path / "elsewhere") == wanted
    # What the error for a lost receipt says: the files that were kept are handed in again.
    kept = [one.folder / one.file for one in receipts(tmp_path)]
    receive(tmp_path / "new", kept, EXPECTED)
    assert answers_of(tmp_path / "new") == wanted
    assert tree(tmp_path / "new" / "received") == tree(tmp_path / "received")


def receive_and_die(folder, paths, at):
    """Receive in a child that kills itself before its `at`-th step on files; whether it did."""
    child = os.fork()
    if child == 0:
        try:
            steps = 0

            def before_each_step(event, arguments):
                nonlocal steps
                if event.split(".")[0] in ("open", "os", "shutil", "fcntl"):
                    steps += 1
                    if steps == at:
                        os.kill(os.getpid(), signal.SIGKILL)

            sys.addaudithook(before_each_step)
            receive(folder, paths, EXPECTED)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL)
    return status != 0


def test_killed_anywhere_a_receipt_is_whole_or_not_there(tmp_path):
    paths = [handed_in(tmp_path, f"{n}.csv", random_answers(MADE, n, ["a", "b"])) for n in (1, 2)]
    whole = tmp_path / "undisturbed"
    receive(whole, paths, EXPECTED)
    wanted, all_receipts = tree(whole), receipts(whole)
    left, at = set(), 1
    while receive_and_die(tmp_path / f"killed {at}", paths, at):
        folder = tmp_path / f"killed {at}"
        found = receipts(folder)
        assert [one.sha256 for one in found] == [one.sha256 for one in all_receipts[: len(found)]]
        left.add(len(found))
        receive(folder, paths, EXPECTED)
        assert tree(folder) == wanted
        assert {path.name for path in folder.iterdir()} <= {"received"}
        at += 1
    assert at > 30  # steps, and each was one at which it was killed
    assert left == {0, 1, 2}


def test_who_receives_at_the_same_time_waits(tmp_path):
    paths = [handed_in(tmp_path, f"{n}.csv", random_answers(MADE, n, [f"{n}"])) for n in range(6)]
    children = []
    for first in range(3):
        child = os.fork()
        if child == 0:
            receive(tmp_path, paths[first:] + paths[:first], EXPECTED)
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert sorted(one.file for one in receipts(tmp_path)) == [path.name for path in paths]


def test_a_full_disk_loses_nothing(tmp_path, monkeypatch):
    three_receipts(tmp_path)
    path = handed_in(tmp_path, "more.csv", random_answers(MADE, 8, ["p8"]))
    before = tree(tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(InputError, match=r"004-.*no space left"):
            receive(tmp_path, [path], EXPECTED)
    assert tree(tmp_path) == before
    assert len(receive(tmp_path, [path], EXPECTED).receipts) == 1


def test_what_is_new_of_answers_without_times():
    cat, dog, other = said("a", "cat"), said("a", "dog"), said("a", "cat", "ben")
    for told, given, new in (
        ([], [cat, cat], [cat]),
        ([cat], [cat], []),
        ([cat], [other], [other]),
        ([cat], [cat, dog], [dog]),
        ([cat, dog], [cat, dog], []),
        ([cat, dog], [dog], []),
        ([cat, dog], [cat], [cat]),  # changed back
        ([cat, dog], [dog, cat], [cat]),
        ([cat], [dog, other, cat], [dog, other, cat]),
    ):
        assert new_answers(given, told) == new


def test_what_is_new_of_answers_with_times():
    times = [f"2026-03-01T09:30:0{n}Z" for n in range(4)]
    for seed in range(50):
        draw = random.Random(seed)
        all_of = [
            said(draw.choice("ab"), draw.choice(["cat", "dog"]), at=at)
            for at in times
            for _ in "ab"
        ]
        told = draw.sample(all_of, 3)
        given = draw.choices(all_of, k=6)
        plain = []
        for one in given:
            if one not in told and one not in plain:
                plain.append(one)
        assert new_answers(given, told) == plain


def test_lines_of_answers_are_as_received(tmp_path):
    path = handed_in(tmp_path, "one.csv", [said("é", "cat", at="2026-03-01T09:30:00Z")])
    (receipt,) = receive(tmp_path, [path], EXPECTED).receipts
    (line,) = (receipt.folder / "answers.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "item": "é",
        "outcome": "labelled",
        "label": "cat",
        "annotator": "anna",
        "seconds": None,
        "at": "2026-03-01T09:30:00Z",
        "batch": None,
    }
