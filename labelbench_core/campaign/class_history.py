"""The classes of a campaign from its first batch until today: of its file, records and answers.

What a class was called is known from three sides: the records of batches say which classes people
chose from, answers which they named, and `class_changes` in the campaign's file what became of
them. A class that was added in `classes` alone is in no change.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from labelbench_core.campaign.answers.answer import Label
from labelbench_core.campaign.answers.classes import ClassHistory
from labelbench_core.campaign.answers.ledger import ANSWERS, RECEIVED
from labelbench_core.campaign.batches import FOLDER, RECORD
from labelbench_core.campaign.facts import numbered
from labelbench_core.errors import InputError, did_you_mean, listed
from labelbench_core.storage import files


def class_history(
    classes: Sequence[str],
    changes: Sequence[Mapping[str, Any]],
    recorded: Sequence[Sequence[str]],
    answered: Iterable[str],
    prefix: str,
) -> ClassHistory:
    """The classes from the first batch until today, in the order of the campaign's file.

    Parameters
    ----------
    classes, changes
        The campaign's `classes` and `class_changes`.
    recorded
        The classes of each batch, in order.
    answered
        Names that answers give.
    prefix
        What names the file in messages.

    Raises
    ------
    InputError
        If `classes` are not what `changes` make of all classes that people chose from.
    """
    where = f"{prefix}: class_changes"
    if not recorded:
        if changes:
            told = f"{where}: given before the first batch"
            raise InputError(f"{told}; allowed: today's names in `classes`, and no changes")
        if gone := [name for name in names_in(answered) if name not in classes]:
            raise InputError(
                f"{prefix}: classes: without {listed(gone)}, which answers name that have come; "
                "allowed: all of these names until the first batch is there, and then in "
                "`class_changes` what became of them"
            )
        return ClassHistory(classes, (), f"{prefix}: classes")
    start = [*recorded[0], *_added_alone(recorded, changes, answered)]
    history = ClassHistory(start, changes, where)
    added = [name for name in classes if name not in history.classes]
    if gone := [name for name in history.classes if name not in classes]:
        hint = did_you_mean(gone[0], added) if len(gone) == 1 else ""
        raise InputError(
            f"{prefix}: classes: without {listed(gone)}{hint}, which people chose from; allowed: "
            "all former classes, in any order, or in `class_changes` what became of them"
        )
    changes = [*changes, *({"add": name} for name in added)]
    return ClassHistory(start, changes, where, order=classes)


def _added_alone(
    recorded: Sequence[Sequence[str]], changes: Sequence[Mapping[str, Any]], answered: Iterable[str]
) -> list[str]:
    """Classes that were added without a change that says so.

    A name that a change gives is that of a class before, unless some batch had both.
    """
    together = [frozenset(names) for names in recorded]
    known = set(recorded[0])
    alone: dict[str, None] = {}
    ever = dict.fromkeys([*(name for names in recorded for name in names), *answered])
    for before, given in map(_ends, changes):
        alone.update(dict.fromkeys(name for name in before if name in ever and name not in known))
        for name in given:
            others = set(before) - {name}
            if name not in known and any(name in one and others & one for one in together):
                alone[name] = None
        known |= {*before, *given}
    alone.update(dict.fromkeys(name for name in ever if name not in known))
    return list(alone)


def _ends(change: Any) -> tuple[list[str], list[str]]:
    """Names that a change is of, and those that it gives; none where it is no change."""
    if not (isinstance(change, Mapping) and len(change) == 1):
        return [], []
    given: Any = next(iter(change.values()))
    if not isinstance(given, Mapping):
        return [], _names(given)
    return _names(given.get("from")), _names(given.get("into", given.get("to")))


def _names(value: Any) -> list[str]:
    values = value if isinstance(value, list | tuple) else [value]
    return [one for one in values if isinstance(one, str)]


def names_in(labels: Iterable[Label | None]) -> dict[str, None]:
    """All names of classes in labels, each once, in order."""
    found: dict[str, None] = {}
    for label in labels:
        found.update(dict.fromkeys(_names(label)))
    return found


def check_classes(
    classes: Sequence[str], changes: Sequence[Mapping[str, Any]], folder: Path, prefix: str
) -> None:
    """`InputError` where the file's classes contradict a campaign's facts, before any job.

    The facts are read as they are; that they are as they were written is checked by the jobs, which
    also say what is wrong with one that cannot be read.
    """
    try:
        batches = numbered(folder / FOLDER, "batch")
        if not batches:
            return
        if not changes and set(_classes_of(batches[-1])) == set(classes):
            return  # nothing was added since, or taken away
        recorded = [_classes_of(path) for path in batches]
        answered = names_in(_labels(folder))
    except (InputError, OSError, ValueError, KeyError, TypeError):
        return
    class_history(classes, changes, recorded, answered, prefix)


def _classes_of(batch: Path) -> list[str]:
    return [*map(str, files.read_json(batch / RECORD)["classes"])]


def _labels(folder: Path) -> Iterator[Label | None]:
    for path in sorted((folder / RECEIVED).glob(f"*/{ANSWERS}")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)["label"]
