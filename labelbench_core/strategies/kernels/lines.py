"""One line of rows per class, from those that are least to those that are most of the class."""

from collections.abc import Sequence

import numpy as np

from labelbench_core.strategies.arrays import Rows, cast, host
from labelbench_core.strategies.pool import Pool

VALUES_AHEAD = 1 << 28  # of probabilities kept of one pass over them: at most 1 GB


class Lines:
    """Orders the rows of a pool by p(k | x) minus the largest probability.

    Ties, such as all rows predicted as k, are ordered by the largest probability, then by index.
    Multi-label: by p(k | x), then by index.
    """

    def __init__(self, pool: Pool) -> None:
        self._rows = Rows(pool.probabilities)
        self._columns: dict[int, np.ndarray] = {}
        self._top: np.ndarray | None = None
        if not pool.multilabel:
            self._top = np.empty(len(self._rows), np.float32)
            for first, chunk in self._rows.chunks():
                part = host(cast(chunk.T, "float32"))
                self._top[first : first + len(chunk)] = part.max(axis=0)

    def order(self, k: int, turns: Sequence[int]) -> np.ndarray:
        """(N,) row at each place of the line of class k; `turns`: k and the classes after it."""
        if k not in self._columns:
            self._read(turns)
        p = self._columns.pop(k)
        top = p if self._top is None else self._top
        wide = p.astype(np.float64)
        return sorted_rows(np.where(p == top, wide, wide - top), top)

    def _read(self, classes: Sequence[int]) -> None:
        """Columns of the first of `classes`, in one pass over the rows."""
        some = np.array(classes[: max(1, VALUES_AHEAD // max(1, len(self._rows)))])
        columns = np.empty((len(some), len(self._rows)), np.float32)
        for first, chunk in self._rows.chunks():
            part = chunk[:, self._rows.like(some)]
            columns[:, first : first + len(chunk)] = host(cast(part, "float32")).T
        self._columns = dict(zip(some.tolist(), columns, strict=True))


def sorted_rows(keys: np.ndarray, then: np.ndarray) -> np.ndarray:
    """(N,) indices by `keys`, equal ones by `then`, then by index.

    An unstable sort, then another of the equal ones alone: several times faster than a lexsort.
    """
    order = np.argsort(keys)
    values = keys[order]
    same = values[1:] == values[:-1]
    if same.any():
        places = np.flatnonzero(np.append(same, False) | np.append(False, same))
        rows = order[places]
        order[places] = rows[np.lexsort((rows, then[rows], keys[rows]))]
    return order
