"""Labels of tables whose rows belong to any number of classes."""

from collections.abc import Sequence

import numpy as np

from labelbench_core.datasets._tabular import Cells
from labelbench_core.datasets.names import same_name
from labelbench_core.errors import did_you_mean

FLAGS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}
"""What a cell of a column for one class may say, in lower case."""


def flag_key(place: int) -> str:
    """What `Cells.columns` calls the column of a class."""
    return f"label {place}"


def flagged_labels(cells: Cells, names: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """(N, C) uint8 of 0 and 1 from one column per class, `flag_key` of its place; their names.

    `InputError` for a cell that says neither.
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
