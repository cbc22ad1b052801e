"""What the columns of a table could be: splits, labels, several labels. Only for `guessing`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from labelbench_core.datasets._tabular import KNOWN

LABELS = ("label", "labels", "class", "classes", "category", "categories", "target", "intent", "y")
TAGS = ("tag", "tags")
WEIGHTS = ("weight", "weights", "sampleweight", "sampleweights", "instanceweight", "rowweight")
MOST_CLASSES = 1000
FILLED = 0.9
"""Share of cells of a column of labels from which an empty one is a mistake, for the check."""
SEPARATORS = (";", "|", ",")
NAMED = 5
"""Columns that could hold labels, of which a message names so many."""


def is_label(name: str) -> bool:
    """Whether something is called as labels are."""
    return any(part in LABELS + TAGS for part in re.split("[^a-z]+", name.lower()))


def is_weight(name: str) -> bool:
    """Whether something is called as weights of rows are."""
    return re.sub("[^a-z]", "", name.lower()) in WEIGHTS


def split_of(name: str) -> str | None:
    """The split that a word of a name stands for."""
    parts = re.split("[^a-z]+", name.lower())
    return next((KNOWN[part] for part in parts if part in KNOWN), None)


def split_options(columns: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """`split_column`, of which every cell names a split; nothing where there is none."""
    for name, cells in columns.items():
        meant = [KNOWN.get(one.strip().lower()) for one in set(cells)]
        if len(meant) >= 2 and "pool" in meant and None not in meant:
            return {"split_column": name}
    return {}


def label_options(
    columns: Mapping[str, Sequence[str]], lists: Mapping[str, str], several: bool
) -> dict[str, Any]:
    """The options that name labels; nothing where no columns seem to be them.

    Parameters
    ----------
    lists
        Columns of lists → what their cells were joined by.
    several
        Whether a row may have several labels.
    """
    few = few_values(columns)
    named = sorted((one for one in few if is_label(one)), key=lambda one: _rank(one.lower()))
    if several:
        joined = _joined({one: columns[one] for one in columns if is_label(one)}, lists)
        if joined:
            return joined
        marks = [one for one, cells in columns.items() if set(cells) in ({"0", "1"}, _TRUTH)]
        if not named and len(marks) >= 2:
            return {"label_columns": marks}
    if named or len(few) == 1:
        return {"label_column": (named or few)[0]}
    return {}


_TRUTH = {"true", "false"}


def few_values(columns: Mapping[str, Sequence[str]]) -> list[str]:
    """Columns, few of whose cells are empty, whose values are at most half as many as rows."""
    found = []
    for name, cells in columns.items():
        filled = [one for one in cells if one.strip()]
        is_filled = len(filled) >= FILLED * len(cells)
        if is_filled and 2 <= len(set(filled)) <= min(MOST_CLASSES, len(cells) // 2):
            found.append(name)
    return found


def _joined(columns: Mapping[str, Sequence[str]], lists: Mapping[str, str]) -> dict[str, Any]:
    """A column whose cells hold several values each, few of them different."""
    for name, cells in columns.items():
        for separator in [lists[name]] if name in lists else SEPARATORS:
            parts = [part.strip() for cell in set(cells) for part in cell.split(separator)]
            values = set(parts)
            # Joined: a part of one cell is also another cell, or a part of it.
            is_joined = name in lists or len({*cells}) < len(parts) > len(values)
            if is_joined and 2 <= len(values) <= min(MOST_CLASSES, len(cells) // 2):
                return {"label_column": name, "label_separator": separator}
    return {}


def _rank(name: str) -> int:
    return LABELS.index(name) if name in LABELS else len(LABELS)
