"""What the columns of a table could be: splits, labels, several labels. Only for `guessing`."""

import re
from collections.abc import Collection, Mapping, Sequence
from statistics import median
from typing import Any

from labelbench_core.datasets.tables.tabular import KNOWN

LABELS = ("label", "labels", "class", "classes", "category", "categories", "target", "intent", "y")
TAGS = ("tag", "tags")
TEXTS = ("text", "texts", "sentence", "sentences", "question", "query", "utterance", "title")
WEIGHTS = ("weight", "weights", "sampleweight", "sampleweights", "instanceweight", "rowweight")
GROUPS = (
    *("patient", "subject", "participant", "individual", "speaker", "author", "customer"),
    *("video", "scene", "recording", "session"),
)
"""What columns are called whose equal cells belong together."""
MOST_CLASSES = 1000
FILLED = 0.9
"""Least share of filled cells of a column taken for labels: empty ones are mistakes then."""
SEPARATORS = (";", "|", ",")
WORDS = 3
"""Median number of words from which a column is taken for texts."""
NAMED = 5
"""Most columns that could hold labels that a message names."""


def is_label(name: str) -> bool:
    """Whether something is called as labels are."""
    return any(part in LABELS + TAGS for part in re.split("[^a-z]+", name.lower()))


def is_text(name: str) -> bool:
    """Whether something is called as texts are."""
    return any(part in TEXTS for part in re.split("[^a-z]+", name.lower()))


def is_weight(name: str) -> bool:
    """Whether something is called as weights of rows are."""
    return re.sub("[^a-z]", "", name.lower()) in WEIGHTS


def is_group(name: str) -> bool:
    """Whether something is called as what several rows come from: a patient, a video."""
    return any(part.removesuffix("s") in GROUPS for part in re.split("[^a-z]+", name.lower()))


def unused_groups(columns: Mapping[str, Sequence[str]], used: Collection[Any]) -> list[str]:
    """A line for each column that is called so and not used where a test is drawn, and how to."""
    return [
        f"{name} is not used: rows in which it is equal may come to both sides of the test that is "
        f"drawn; if they belong together, say so with --options '{{together_column: {name}}}'"
        for name, cells in columns.items()
        if is_group(name) and name not in used and 1 < len(set(cells)) < len(cells)
    ]


def are_texts(name: str, cells: Sequence[str]) -> bool:
    """Whether a column holds texts: long ones, or many different ones in one called so."""
    return words_of(cells) >= WORDS or (is_text(name) and 2 * len(set(cells)) > len(cells))


def words_of(cells: Sequence[str]) -> float:
    """The median number of words of a column's cells."""
    return median(len(one.split()) for one in cells) if cells else 0


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


def label_options(columns: Mapping[str, Sequence[str]], lists: Mapping[str, str]) -> dict[str, Any]:
    """The options that name columns of labels; nothing where no columns seem to be such.

    Parameters
    ----------
    lists
        Columns of lists → what their cells were joined by.
    """
    few = few_values(columns)
    few = [one for one in few if not is_group(one)] or few
    named = sorted((one for one in few if is_label(one)), key=lambda one: _rank(one.lower()))
    joined = _joined({one: columns[one] for one in columns if is_label(one)}, lists)
    if joined:
        return joined
    marks = [one for one, cells in columns.items() if set(cells) in _FLAGS]
    if not named and len(marks) >= 2:
        return {"label_columns": marks}
    if named or len(few) == 1:
        return {"label_column": (named or few)[0]}
    return {}


_FLAGS = ({"0", "1"}, {"0.0", "1.0"}, {"true", "false"}, {"True", "False"})
"""Cells of a column that says of each row whether it belongs to a class."""


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
