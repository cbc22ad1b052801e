"""What one annotator says of one item, and its form in files: JSON lines."""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from labelbench_core.errors import InputError, shown
from labelbench_core.storage import files


class Outcome(StrEnum):
    """What became of an item that was shown to an annotator."""

    LABELED = "labelled"
    SKIPPED = "skipped"
    UNSURE = "unsure"
    NO_CLASS = "no-class"


Label = str | tuple[str, ...]
"""A class's name; with several labels the names of all classes that the item belongs to, sorted."""


@dataclass(frozen=True)
class Answer:
    """What one annotator says of one item.

    Attributes
    ----------
    item
        Id of a row of the pool.
    outcome
        Whether it is labelled.
    label
        With `Outcome.LABELED` a class's name; with several labels all names, none if the item
        belongs to none of the classes. With other outcomes None.
    annotator
        Who answered; empty: not known.
    seconds
        How long it took; None: not known.
    at
        When, in ISO 8601 with an offset from UTC; None: not known.
    batch
        With which batch it was handed out: its number and the first 8 digits of its hash, such as
        `3-0f6b2c1a`; None: not known.

    Raises
    ------
    ValueError
        Where a value is not allowed; the message is one line and does not name the item.
    """

    item: str
    outcome: Outcome
    label: Label | None = None
    annotator: str = ""
    seconds: float | None = None
    at: str | None = None
    batch: str | None = None

    def __post_init__(self) -> None:
        for key, value in (("item", self.item), ("annotator", self.annotator)):
            if not isinstance(value, str):
                raise ValueError(f"{key}: {shown(value)}; allowed: text")
        if not self.item:
            raise ValueError("item: empty; allowed: the id of a row of the pool")
        if self.batch is not None and not (isinstance(self.batch, str) and self.batch):
            raise ValueError(f"batch: {shown(self.batch)}; allowed: a batch's name, or nothing")
        object.__setattr__(self, "outcome", checked_outcome(self.outcome))
        object.__setattr__(self, "label", self._checked_label())
        object.__setattr__(self, "seconds", checked_seconds(self.seconds))
        if self.at is not None:
            moment(self.at)

    def _checked_label(self) -> Label | None:
        label = self.label
        if self.outcome is not Outcome.LABELED:
            if label is not None:
                told = f"label: {shown(label)} with outcome {self.outcome.value!r}"
                raise ValueError(f"{told}; allowed: no label, or outcome 'labelled'")
            return None
        if isinstance(label, str) and label:
            return label
        if isinstance(label, list | tuple) and all(isinstance(one, str) and one for one in label):
            if len(set(label)) < len(label):
                raise ValueError(f"label: {shown(label)}; allowed: each class once")
            return tuple(sorted(label))
        raise ValueError(f"label: {shown(label)}; allowed: a class, or a list of classes")

    def to_json(self) -> str:
        """The answer as one line of canonical JSON, without the line's end."""
        return files.canonical_json(asdict(self))

    @property
    def who(self) -> tuple[str, str]:
        """Item and annotator: of two answers with the same, the later one changes the earlier."""
        return self.item, self.annotator


def checked_outcome(value: Any) -> Outcome:
    """An outcome from its name; `ValueError` in one line for others."""
    try:
        return Outcome(value)
    except ValueError:
        allowed = ", ".join(one.value for one in Outcome)
        raise ValueError(f"outcome: {shown(value)}; allowed: {allowed}") from None


def checked_seconds(value: Any) -> float | None:
    """Seconds as a number; `ValueError` in one line unless they are finite, from 0, or None."""
    if value is None:
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number and 0 <= value < math.inf):
        raise ValueError(f"seconds: {shown(value)}; allowed: a number from 0, or nothing")
    return float(value)


def moment(at: Any) -> datetime:
    """A time in ISO 8601 with an offset; `ValueError` in one line for anything else."""
    try:
        found = datetime.fromisoformat(at)
    except (ValueError, TypeError):
        found = None
    if found is None or found.utcoffset() is None:
        told = f"at: {shown(at)}; allowed: a time in ISO 8601 with an offset"
        raise ValueError(f"{told}, such as 2026-03-01T09:30:00+01:00, or nothing")
    return found


def to_json_lines(answers: Iterable[Answer]) -> str:
    """Answers as JSON lines, in their order."""
    return "".join(f"{answer.to_json()}\n" for answer in answers)


def from_json_lines(text: str, path: str | Path) -> list[Answer]:
    """Answers of JSON lines as `to_json_lines` writes them.

    Raises
    ------
    InputError
        For a line that is no answer: the message names the file `path` and the line.
    """
    answers = []
    for number, line in enumerate(text.split("\n")[:-1] if text else [], start=1):
        try:
            answers.append(Answer(**json.loads(line)))
        except (ValueError, TypeError, RecursionError) as error:
            told = f"{path}: line {number}: not an answer ({' '.join(str(error).split())})"
            raise InputError(f"{told}; allowed: what was written there") from error
    if text and not text.endswith("\n"):
        raise InputError(f"{path}: its last line is not whole; allowed: what was written there")
    return answers
