"""What was handed out: the rows of a batch, and what may be said of them."""

import hashlib
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labelbench_core.campaign.answers.answer import Outcome
from labelbench_core.errors import InputError, shown
from labelbench_core.registry.info import IMAGES
from labelbench_core.storage.records import DIGEST

OUTCOME_LABELS = {f"({one.value})": one for one in Outcome if one is not Outcome.LABELED}
"""Labels that stand for outcomes in tools that know labels alone: `(unsure)`, `(no-class)`, …"""
NONE_OF_THEM = "(none)"
"""The label that stands for none of the classes, with several labels, in such tools."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


@dataclass(frozen=True)
class HandedItem:
    """A row as it is handed out.

    Attributes
    ----------
    item
        Its id.
    text
        The text to be labelled; empty for images and embeddings.
    suggestion
        Class → the model's probability of it: of one class, or, with several labels, of each. None:
        nothing is suggested.
    """

    item: str
    text: str = ""
    suggestion: Mapping[str, float] | None = None


@dataclass(frozen=True)
class HandedBatch:
    """A batch as it is handed out.

    Attributes
    ----------
    campaign
        The campaign's name.
    name
        The batch's number and the first 8 digits of its hash, such as `3-0f6b2c1a`.
    items
        In the order in which they are shown.
    classes
        Names that answers may give.
    multilabel
        An item belongs to any number of classes.
    rows
        What the pool holds: `images`, `texts` or `embeddings`.
    """

    campaign: str
    name: str
    items: Sequence[HandedItem]
    classes: Sequence[str]
    multilabel: bool = False
    rows: str = IMAGES


@dataclass(frozen=True)
class Expected:
    """What answers may say, and of which items.

    Attributes
    ----------
    handed
        Name of a batch → the items handed out with it, for answers that name it.
    classes
        All names that classes have ever had.
    multilabel
        An item belongs to any number of classes.
    pool
        All items of the pool: those that were never handed out may be answered, too. Empty: not
        known, only those that were handed out.
    """

    handed: Mapping[str, Collection[str]]
    classes: Sequence[str]
    multilabel: bool = False
    pool: Collection[str] = field(default=(), repr=False)


def item_of_text(text: str) -> str:
    """What a text of a pool is called; further rows with the same text have a number behind it."""
    return f"text-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def batch_of(proposal: Mapping[str, Any], texts: Mapping[str, str] | None = None) -> HandedBatch:
    """A batch from the content of its `proposal.json`.

    Parameters
    ----------
    proposal
        The record.
    texts
        Item → text, for a pool of texts.
    """
    multilabel = proposal["multilabel"]
    items = [
        HandedItem(
            entry["item"],
            (texts or {}).get(entry["item"], ""),
            _suggestion(entry.get("suggestion"), multilabel),
        )
        for entry in proposal["items"]
    ]
    name = batch_name(proposal["batch"], proposal[DIGEST])
    return HandedBatch(
        proposal["campaign"], name, items, proposal["classes"], multilabel, proposal["rows"]
    )


def batch_name(number: int, digest: str) -> str:
    """How exports name a batch: its number, and the first 8 digits of its proposal's hash."""
    return f"{number}-{digest[:8]}"


def _suggestion(given: Mapping[str, Any] | None, multilabel: bool) -> Mapping[str, float] | None:
    if given is None:
        return None
    return given["labels"] if multilabel else {given["label"]: given["probability"]}


def suggested(item: HandedItem, multilabel: bool) -> tuple[list[str], float] | None:
    """Classes suggested for an item, and how probable that is; None: nothing is suggested.

    With several labels: the classes of probability one half or more, and the probability of the
    least certain of all classes.
    """
    if not item.suggestion:
        return None
    if not multilabel:
        return next(([label], float(value)) for label, value in item.suggestion.items())
    labels = [label for label, value in item.suggestion.items() if value >= 0.5]
    return labels, float(min(max(value, 1 - value) for value in item.suggestion.values()))


def check_class_names(classes: Sequence[str], where: str) -> None:
    """`InputError` for a name that no file could give back as it was written.

    Parameters
    ----------
    classes
        Names of classes.
    where
        File and key that they are from.
    """
    for name in classes:
        if not name or name != name.strip() or _CONTROL.search(name):
            told = f"{where}: class {shown(name)}"
            raise InputError(f"{told}; allowed: text in one line, without blanks around it")
        if name in names_beside_classes(multilabel=True):
            told = f"{where}: class {shown(name)} stands for an outcome in exports"
            raise InputError(f"{told}; allowed: any other name")
    seen = set[str]()
    for name in classes:
        if (plain := unicodedata.normalize("NFC", name)) in seen:
            raise InputError(f"{where}: class {shown(name)} twice; allowed: each name once")
        seen.add(plain)


def names_beside_classes(multilabel: bool) -> list[str]:
    """Labels that are no classes: what stands for outcomes, and for none of several labels."""
    return [NONE_OF_THEM, *OUTCOME_LABELS] if multilabel else list(OUTCOME_LABELS)
