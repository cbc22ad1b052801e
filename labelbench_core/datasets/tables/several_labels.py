"""Labels of tables whose rows belong to any number of classes."""

from collections.abc import Sequence

import numpy as np

from labelbench_core.datasets.files.names import same_name
from labelbench_core.datasets.tables.tabular import Cells, labels_of
from labelbench_core.errors import InputError, did_you_mean, shown

FLAGS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}
"""What a cell of a column for one class may say, in lower case."""

LISTS = {"options.label_column": "with the option `label_separator`"}
"""How lists in a column of labels are read, for errors of `read_columns`."""


def labels_by(
    cells: Cells, separator: str | None, names: Sequence[str] | None, where: str = ""
) -> tuple[np.ndarray, list[str]]:
    """Labels of column "label", one or, with a separator, several per row; the classes' names."""
    if separator is None:
        return labels_of(cells, names, where)
    return separated_labels(cells, separator, names, where)


def flag_key(place: int) -> str:
    """What `Cells.columns` calls the column of a class."""
    return f"label {place}"


def option_of(key: str) -> str:
    """The option that names a column of `Cells.columns`, for messages."""
    kind, _, place = key.partition(" ")
    return f"options.{kind}_columns.{place}" if place else f"options.{kind}_column"


def flagged_labels(cells: Cells, names: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """(N, C) uint8 of 0 and 1 from one column per class, `flag_key` of its place; their names.

    `InputError` for a cell that is neither.
    """
    labels = np.empty((len(cells.rows), len(names)), np.uint8)
    for place in range(len(names)):
        numbers, values = cells.codes(flag_key(place))
        flags = [FLAGS.get(value.strip().lower(), -1) for value in values]
        if -1 in flags:
            first = int(np.argmax(numbers == flags.index(-1)))
            raise cells.error(flag_key(place), first, "0, 1, true, false")
        labels[:, place] = np.array(flags, np.uint8)[numbers]
    return labels, list(names)


def separated_labels(
    cells: Cells, separator: str, names: Sequence[str] | None, where: str = ""
) -> tuple[np.ndarray, list[str]]:
    """(N, C) uint8 from cells that name a row's classes, `separator` between them; their names.

    An empty cell is a row of no class.

    Parameters
    ----------
    names
        The classes, in order. None: those that occur, sorted.
    where
        What says which classes there are, for messages.

    Raises
    ------
    InputError
        For a class that is not one of them, is named twice in a cell, or has no name.
    """
    texts: dict[str, list[str]] = {}
    for row, cell in enumerate(cells.columns["label"]):
        if cell in texts:
            continue
        found = texts[cell] = _parts(cell, separator)
        if "" in found:
            raise cells.error("label", row, f"names of classes with one {separator!r} between them")
        if len(set(found)) < len(found):
            raise cells.error("label", row, "each class once")
    if names is None:
        names = sorted({one for found in texts.values() for one in found})
    place = {name: number for number, name in enumerate(names)}
    codes: dict[str, list[int]] = {}
    labels = np.zeros((len(cells.rows), len(names)), np.uint8)
    for row, cell in enumerate(cells.columns["label"]):
        if cell not in codes:
            wrong = next((one for one in texts[cell] if one not in place), None)
            if wrong is not None:
                allowed = f"some of the {len(names)} classes of {where}"
                raise cells.error("label", row, f"{allowed}{did_you_mean(wrong, place)}")
            codes[cell] = [place[one] for one in texts[cell]]
        labels[row, codes[cell]] = 1
    return labels, list(names)


def _parts(cell: str, separator: str) -> list[str]:
    if not cell.strip():
        return []
    return [same_name(one) for one in cell.split(separator)]


def check_label_options(
    label_column: str | None,
    label_separator: str | None,
    label_columns: Sequence[str] | None,
    classes: str | None,
    class_column: str | None,
) -> None:
    """`InputError` unless labels are given in one way."""
    if not label_column and label_columns is None:
        told = "options.label_column: missing"
        raise InputError(f"{told}; allowed: the name of a column, or `label_columns`")
    if label_column and label_columns is not None:
        told = f"options.label_columns: {shown(list(label_columns))}"
        raise InputError(f"{told}; `label_column` is given, too; allowed: one of the two")
    if label_columns is not None:
        given = {"label_separator": label_separator, "classes": classes}
        given["class_column"] = class_column
        for name, value in given.items():
            if value is not None:
                told = f"options.{name}: {shown(value)}"
                raise InputError(f"{told}; `label_columns` gives the labels; allowed: leave it out")
        if len(set(label_columns)) != len(label_columns) or len(label_columns) < 2:
            told = f"options.label_columns: {shown(list(label_columns))}"
            raise InputError(f"{told}; allowed: at least two different names of columns")
    if label_separator is not None and class_column is not None:
        told = f"options.class_column: {shown(class_column)}; `label_separator` is given"
        raise InputError(f"{told}, so that labels are names; allowed: leave it out")
    if label_separator == "":
        raise InputError("options.label_separator: ''; allowed: text, such as ';'")
