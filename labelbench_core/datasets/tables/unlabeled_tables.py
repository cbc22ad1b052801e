"""Tables in which the rows of the pool have no labels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labelbench_core.datasets import POOL
from labelbench_core.datasets.labels.unlabeled import refuse_given, unknown
from labelbench_core.datasets.splits.draw_options import asking
from labelbench_core.datasets.tables.tabular import Cells, labels_of
from labelbench_core.errors import InputError


def labels_of_others(
    cells: Cells, splits: Mapping[str, np.ndarray], names: Sequence[str] | None, where: str
) -> tuple[np.ndarray, list[str]]:
    """Labels (N,) of all splits but the pool, which has none, and the classes' names.

    Parameters
    ----------
    splits
        Split → places of its rows in `cells`.
    names, where
        As for `labels_of`.
    """
    labels = unknown(len(cells.rows))
    rows = np.sort(np.concatenate([splits[one] for one in splits if one != POOL] or [labels[:0]]))
    has_column = "label" in cells.columns
    if not len(rows):
        return labels, list(names or ())
    if not has_column:
        told = "options.label_column: missing, but there are splits other than the pool"
        raise InputError(f"{told}; allowed: the name of a column with their labels")
    labels[rows], found = labels_of(cells.take(rows), names, where)
    return labels, found


def check_unlabeled(
    label_separator: str | None,
    label_columns: Sequence[str] | None,
    class_column: str | None,
    **drawn: Any,
) -> None:
    """`InputError` for options that a pool without labels cannot have."""
    given = {"label_separator": label_separator, "label_columns": label_columns}
    given |= {"class_column": class_column, **drawn}
    refuse_given(**asking(given))
