"""Answers received: append-only folders, hashed, from which everything else can be made again.

    received/001-1f0c52aa/batch 1, Anna.csv     the file as it came, to the byte
                          answers.jsonl         what it says that was not known, one answer a line
                          SHA256SUMS            of both, and of the receipt before it

A receipt appears whole or, where its writer is killed, not at all. The digits in its name are the
first of the file's SHA-256. `SHA256SUMS` is in the form of the command sha256sum, so that
`sha256sum -c SHA256SUMS` in a receipt's folder checks it without this program.
"""

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from labelbench_core.campaign.answers.answer import Answer, from_json_lines, to_json_lines
from labelbench_core.campaign.answers.formats import read_answers
from labelbench_core.campaign.answers.formats.handed import Expected
from labelbench_core.campaign.facts import whole_folder
from labelbench_core.errors import InputError, shown
from labelbench_core.storage import files
from labelbench_core.storage.places import printable

RECEIVED, ANSWERS, SUMS = "received", "answers.jsonl", "SHA256SUMS"
_RECEIPT = re.compile(r"([0-9]{3,})-([0-9a-f]{8})")
_SUM = re.compile(r"([0-9a-f]{64})  (.+)")


@dataclass(frozen=True)
class Receipt:
    """One file received.

    Attributes
    ----------
    number
        From 1, in order of receipt.
    folder
        Where it is kept.
    file
        The name of the file as it came.
    file_sha256
        SHA-256 of that file.
    sha256
        SHA-256 of the receipt, and thereby of all before it.
    answers
        What it said that was not known then.
    """

    number: int
    folder: Path
    file: str
    file_sha256: str
    sha256: str
    answers: tuple[Answer, ...] = field(repr=False)


@dataclass(frozen=True)
class Received:
    """What became of files that were handed in.

    Attributes
    ----------
    receipts
        New receipts. One without answers said nothing new.
    known
        Files whose content was received before.
    unanswered
        Files in which nothing is answered yet; they are not kept.
    errors
        One line for each value that is not allowed; no answer of such a file is received.
    """

    receipts: tuple[Receipt, ...] = ()
    known: tuple[Path, ...] = ()
    unanswered: tuple[Path, ...] = ()
    errors: tuple[str, ...] = ()


def receive(
    folder: str | Path,
    paths: Iterable[str | Path],
    expected: Expected,
    annotators: Mapping[str | Path, str] | None = None,
) -> Received:
    """Receive the files that people handed in, one after another.

    The same content is received once, whatever the file's name. Of a file that holds earlier
    answers, too, only what is new is added (`new_answers`). The files themselves stay as they are.

    Parameters
    ----------
    folder
        The campaign's.
    paths
        Files of any format (`formats`), in the order in which they are to be received.
    expected
        What answers may say, and of which items.
    annotators
        File → who answered, where the file does not say so.

    Returns
    -------
    Received
        With all errors of all files: a file with an error does not keep others from being received.

    Raises
    ------
    InputError
        If what was received before is not as it was, or the disk is full.
    """
    kept = Path(folder, RECEIVED)
    with files.exclusive(kept):
        before = receipts(folder)
        for left in kept.glob(".*.partial"):
            shutil.rmtree(left)  # left by a killed writer: the lock is held
        known_files = {one.file_sha256 for one in before}
        told = [answer for one in before for answer in one.answers]
        added, known, unanswered, errors = [], [], [], []
        for path in map(Path, paths):
            try:
                content = _content(path)
                digest = files.sha256_bytes(content)
                if digest in known_files:
                    known.append(path)
                    continue
                answers = read_answers(path, expected, content)
            except InputError as error:
                errors.append(str(error))
                continue
            if not answers:
                unanswered.append(path)
                continue
            who = (annotators or {}).get(path, "")
            named = [replace(one, annotator=one.annotator or who) for one in answers]
            new = new_answers(named, told)
            last = before[-1] if before else None
            receipt = _write(kept, path.name, content, new, last)
            known_files.add(digest)
            before.append(receipt)
            added.append(receipt)
            told += new
    return Received(tuple(added), tuple(known), tuple(unanswered), tuple(errors))


def new_answers(answers: Sequence[Answer], told: Sequence[Answer]) -> list[Answer]:
    """The answers of a file that are not among earlier ones, in the file's order.

    An answer with a time is new if no earlier one equals it. Answers without one are told apart by
    their order: where the first answers of a person to an item are the last ones known, only what
    follows them is new. A file that says cat where the last known answer of the same person is dog
    is therefore a change, even if cat was said before that.
    """
    timed = {one for one in told if one.at is not None}
    histories: dict[tuple[str, str], list[Answer]] = {}
    for one in told:
        if one.at is None:
            histories.setdefault(one.who, []).append(one)
    given: dict[tuple[str, str], list[int]] = {}
    new = set[int]()
    for place, one in enumerate(answers):
        if one.at is None:
            said = given.setdefault(one.who, [])
            if not said or answers[said[-1]] != one:
                said.append(place)
        elif one not in timed:
            timed.add(one)
            new.add(place)
    for who, places in given.items():
        said, history = [answers[place] for place in places], histories.get(who, [])
        sizes = range(min(len(said), len(history)), 0, -1)
        overlap = next((size for size in sizes if history[-size:] == said[:size]), 0)
        new.update(places[overlap:])
    return [answers[place] for place in sorted(new)]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        told = f"{path}: cannot be read ({error.strerror or error})"
        raise InputError(f"{told}; allowed: a file of answers") from error


def receipts(folder: str | Path, begins: Sequence[str] = ()) -> list[Receipt]:
    """All receipts of a campaign, in order of receipt, each as it was written.

    Parameters
    ----------
    folder
        The campaign's.
    begins
        `sha256` of receipts that must be the first ones: those that something was made from.

    Raises
    ------
    InputError
        If one is missing, changed, or of another campaign: the message says what to do.
    """
    kept = Path(folder, RECEIVED)
    numbered: dict[int, Path] = {}
    for path in sorted(kept.iterdir()) if kept.is_dir() else ():
        if (match := _RECEIPT.fullmatch(path.name)) is None:
            continue
        number = int(match[1])
        if number in numbered:
            raise _altered(path, f"number {number} is also {numbered[number].name}")
        numbered[number] = path
    found = list[Receipt]()
    for number in range(1, max(numbered, default=0) + 1):
        if number not in numbered:
            raise _altered(kept, f"receipt {number:03d} is missing")
        found.append(_read(number, numbered[number], found[-1] if found else None))
    for number, digest in enumerate(begins, start=1):
        if number > len(found):
            raise _altered(kept, f"receipt {number:03d} is missing")
        if found[number - 1].sha256 != digest:
            raise _altered(found[number - 1].folder, "is not what rounds were made from")
    return found


def answers_of(folder: str | Path) -> list[Answer]:
    """All answers of a campaign, in order of receipt; `InputError` as `receipts` raises it."""
    return [answer for one in receipts(folder) for answer in one.answers]


def _write(
    kept: Path, name: str, content: bytes, answers: Sequence[Answer], last: Receipt | None
) -> Receipt:
    """Write a receipt, whole or not at all."""
    number = last.number + 1 if last else 1
    digest = files.sha256_bytes(content)
    folder = kept / f"{number:03d}-{digest[:8]}"
    name, lines = _kept_name(name), to_json_lines(answers).encode()
    sums = f"{digest}  {name}\n{files.sha256_bytes(lines)}  {ANSWERS}\n"
    if last:
        sums += f"{last.sha256}  ../{last.folder.name}/{SUMS}\n"
    with whole_folder(folder) as aside:
        for file, written in ((name, content), (ANSWERS, lines), (SUMS, sums.encode())):
            (aside / file).write_bytes(written)
    sha256 = files.sha256_bytes(sums.encode())
    return Receipt(number, folder, name, digest, sha256, tuple(answers))


def _kept_name(name: str) -> str:
    """A file's name as it is kept: on one line, and not that of a receipt's own files."""
    plain = printable(name).replace("\\", "_")
    return f"file-{plain}" if plain in (ANSWERS, SUMS) else plain


def _read(number: int, folder: Path, last: Receipt | None) -> Receipt:
    """A receipt as it was written, after `last`."""
    sums = _bytes_of(folder / SUMS)
    entries = list[tuple[str, str]]()
    for line in sums.decode("utf-8", "replace").splitlines():
        if (match := _SUM.fullmatch(line)) is None:
            raise _altered(folder / SUMS, f"{shown(line)} is no SHA-256 and name")
        entries.append((match[2], match[1]))
    named = [name for name, _ in entries]
    previous = [f"../{last.folder.name}/{SUMS}"] if last else []
    if named[1:] != [ANSWERS, *previous] or "/" in named[0]:
        raise _altered(folder / SUMS, f"lists {', '.join(named) or 'nothing'}")
    if last and entries[2][1] != last.sha256:
        raise _altered(last.folder / SUMS, f"is not what {folder.name} was received after")
    (name, digest), (_, answers_digest) = entries[:2]
    for file, expected in ((name, digest), (ANSWERS, answers_digest)):
        if files.sha256_bytes(_bytes_of(folder / file)) != expected:
            raise _altered(folder / file, f"content does not match its SHA-256 in {SUMS}")
    if not folder.name.endswith(digest[:8]):
        raise _altered(folder, f"holds a file whose SHA-256 begins with {digest[:8]}")
    answers = from_json_lines(_bytes_of(folder / ANSWERS).decode(), folder / ANSWERS)
    return Receipt(number, folder, name, digest, files.sha256_bytes(sums), tuple(answers))


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise _altered(path, "file not found") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error


def _altered(path: Path, problem: str) -> InputError:
    """The error for what was received and is not as it was; nothing can make it again."""
    return InputError(
        f"{path}: {problem}; answers received are never edited: restore it from a copy (corrected "
        "answers are handed in as a new file), or, if there is no copy, move the folder "
        f"{RECEIVED} away and hand in the files in it again, in their order"
    )
