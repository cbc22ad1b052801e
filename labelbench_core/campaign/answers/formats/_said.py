"""What files say, before and after it is checked: every format is read into the same form."""

import contextlib
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelbench_core.campaign.answers.answer import (
    Answer,
    Label,
    Outcome,
    checked_outcome,
    checked_seconds,
)
from labelbench_core.campaign.answers.formats.handed import (
    NONE_OF_THEM,
    OUTCOME_LABELS,
    Expected,
    names_beside_classes,
)
from labelbench_core.errors import did_you_mean, listed, raise_all, shown

_MOST_HINTS, _MOST_NAMES = 5, 2000  # looking for similar names among very many takes long


@dataclass(frozen=True)
class Said:
    """What a place in a file says.

    Attributes
    ----------
    where
        The place, for messages, such as `line 3`.
    item
        An item, or the path of its file as a tool knows it.
    labels
        The labels chosen; None: the place says nothing of them.
    outcome
        An outcome's name; empty: it follows from the labels.
    annotator, seconds, at, batch
        As in `Answer`, not checked; empty text is None.
    """

    where: str
    item: Any
    labels: Sequence[Any] | None
    outcome: str = ""
    annotator: str = ""
    seconds: Any = None
    at: Any = None
    batch: Any = None


class Items:
    """The items that names in files may mean."""

    def __init__(self, expected: Expected) -> None:
        self._batches = {name: frozenset(items) for name, items in expected.handed.items()}
        known = frozenset(expected.pool).union(*self._batches.values())
        self._by_name = {_plain(item): item for item in known}
        self._by_last: dict[str, list[str]] = defaultdict(list)
        for name in self._by_name:
            self._by_last[name.rpartition("/")[2]].append(name)
        self._pool_is_known = bool(expected.pool)
        self._example = next(iter(expected.pool), "")
        self._hints = 0

    def find(self, name: Any, batch: Any) -> str:
        """The item that `name` means: an id, or a path that ends like that of one item only.

        Raises
        ------
        ValueError
            Where there is no such item, or it was not handed out with `batch`.
        """
        if not isinstance(name, str) or not name:
            raise ValueError(f"item: {shown(name)}; allowed: the id of a row of the pool")
        found = self._same(_plain(name))
        if not found:
            hint = ""
            if self._hints < _MOST_HINTS and len(self._by_name) <= _MOST_NAMES:
                self._hints += 1
                hint = did_you_mean(name, self._by_name.values())
            problem = "is not in the pool" if self._pool_is_known else "was never handed out"
            told = f"item: {shown(name)} {problem}{hint}"
            raise ValueError(f"{told}; allowed: {self._all()}")
        if len(found) > 1:
            told = f"item: {shown(name)} may be any of {listed(sorted(found)[:4])}"
            raise ValueError(f"{told}; allowed: the whole path, or a column `item`")
        item = found[0]
        if batch is not None:
            if not isinstance(batch, str) or batch not in self._batches:
                told = f"batch: {shown(batch)} is not of this campaign"
                raise ValueError(f"{told}; allowed: {listed(self._batches)}")
            if item not in self._batches[batch]:
                told = f"item: {shown(name)} was not handed out with batch {batch}"
                raise ValueError(f"{told}; allowed: items of that batch")
        return item

    def _same(self, name: str) -> list[str]:
        """Items of this name; if there is none, those that end with it, or with which it ends."""
        if name in self._by_name:
            return [self._by_name[name]]
        similar = self._by_last.get(name.rpartition("/")[2], ())
        return [
            self._by_name[one]
            for one in similar
            if name.endswith(f"/{one}") or one.endswith(f"/{name}")
        ]

    def _all(self) -> str:
        if self._pool_is_known:
            return f"rows of the pool, such as {shown(self._example)}"
        names = list(self._batches)
        return f"items of batch {names[0]}" if len(names) == 1 else f"items of {listed(names)}"


def _plain(name: str) -> str:
    """A name by which the same is found whatever the system: NFC, slashes, no `./` before it."""
    return unicodedata.normalize("NFC", name.strip()).replace("\\", "/").removeprefix("./")


def checked(said: Iterable[Said], expected: Expected, path: str | Path) -> list[Answer]:
    """The answers of a file in its order, without the places that say nothing.

    Parameters
    ----------
    said
        What the file says, in its order.
    expected
        What may be said.
    path
        The file, for messages.

    Raises
    ------
    InputError
        Naming everything that is not allowed, one line for each.
    """
    items, errors = Items(expected), list[str]()
    answers = list[Answer]()
    classes = {unicodedata.normalize("NFC", name): name for name in expected.classes}
    for one in said:
        if one.labels is None and not one.outcome:
            continue
        problems, found = list[str](), dict[str, Any]()
        for key, check in (
            ("item", lambda one=one: items.find(one.item, one.batch)),
            ("said", lambda one=one: _outcome_and_label(one, classes, expected.multilabel)),
            ("seconds", lambda one=one: _seconds(one.seconds)),
        ):
            try:
                found[key] = check()
            except ValueError as error:
                problems.append(str(error))
        if not problems:
            outcome, label = found["said"]
            try:
                answers.append(
                    Answer(
                        found["item"],
                        outcome,
                        label,
                        one.annotator.strip(),
                        found["seconds"],
                        one.at,
                        one.batch,
                    )
                )
            except ValueError as error:
                problems.append(str(error))
        errors += [f"{path}: {one.where}: {problem}" for problem in problems]
    raise_all(errors)
    return answers


def _outcome_and_label(
    one: Said, classes: dict[str, str], multilabel: bool
) -> tuple[Outcome, Label | None]:
    """The outcome and the label; `ValueError` in one line where they are not allowed."""
    outcome = checked_outcome(one.outcome.strip().lower()) if one.outcome else Outcome.LABELED
    labels = [_name(label) for label in one.labels or ()]
    standing = [label for label in labels if label in OUTCOME_LABELS or label == NONE_OF_THEM]
    if standing and (len(labels) > 1 or (one.outcome and not _agrees(standing[0], outcome))):
        told = f"label: {listed(labels)}" + (f" with outcome {outcome.value}" * bool(one.outcome))
        raise ValueError(f"{told}; allowed: {standing[0]} alone, or classes")
    if standing and standing[0] in OUTCOME_LABELS:
        return OUTCOME_LABELS[standing[0]], None
    if outcome is not Outcome.LABELED:
        if labels:
            told = f"label: {listed(labels)} with outcome {outcome.value!r}"
            raise ValueError(f"{told}; allowed: no label, or outcome 'labelled'")
        return outcome, None
    if standing:
        labels = []
        if not multilabel:
            raise ValueError(f"label: {NONE_OF_THEM}; allowed: {_allowed(classes, multilabel)}")
    for label in labels:
        if label not in classes:
            hint = _similar(label, classes)
            raise ValueError(
                f"label: {shown(label)}{hint}; allowed: {_allowed(classes, multilabel)}"
            )
    names = [classes[label] for label in labels]
    if multilabel:
        return outcome, tuple(dict.fromkeys(names))
    if len(set(names)) != 1:
        given = listed(names) if names else "empty"
        raise ValueError(f"label: {given}; allowed: one of {_allowed(classes, multilabel)}")
    return outcome, names[0]


def _similar(label: str, classes: Collection[str]) -> str:
    """A hint at a class that a label may mean, in whatever letters."""
    folded = {name.casefold(): name for name in classes}
    if label.casefold() in folded:
        return f" (did you mean {folded[label.casefold()]!r}?)"
    return did_you_mean(label, classes) or did_you_mean(label.casefold(), folded)


def _agrees(label: str, outcome: Outcome) -> bool:
    return OUTCOME_LABELS.get(label, Outcome.LABELED) is outcome


def _name(label: Any) -> str:
    if isinstance(label, int) and not isinstance(label, bool):
        label = str(label)  # of a class whose name is a number, in JSON
    if not isinstance(label, str):
        raise ValueError(f"label: {shown(label)}; allowed: the name of a class")
    return unicodedata.normalize("NFC", label.strip())


def _allowed(classes: Collection[str], multilabel: bool) -> str:
    return f"{listed(classes)}; or {listed(names_beside_classes(multilabel))}"


def _seconds(value: Any) -> float | None:
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = float(value.replace(",", "."))  # the decimal sign of some spreadsheets
    return checked_seconds(value)
