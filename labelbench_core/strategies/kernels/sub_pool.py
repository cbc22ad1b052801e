"""Strategies that run other strategies: on a part of the pool, by name."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from labelbench_core.strategies.arrays import Rows, are_checked, on_disk
from labelbench_core.strategies.pool import Pool


class SelectedRows:
    """Some rows of an array that is read in blocks; a `RowSource`.

    Parameters
    ----------
    array
        (N, columns), in blocks.
    rows
        (n,) increasing indices into it.
    """

    def __init__(self, array: Any, rows: np.ndarray) -> None:
        self._array, self._rows = array, rows
        self.shape, self.dtype = (len(rows), array.shape[1]), array.dtype
        self.values_are_checked = are_checked(array)

    def __len__(self) -> int:
        return self.shape[0]

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """(first row, rows) in order."""
        for first, block in self._array.blocks():
            start, stop = np.searchsorted(self._rows, (first, first + len(block)))
            if stop > start:
                yield int(start), block[self._rows[start:stop] - first]

    def take(self, indices: np.ndarray) -> np.ndarray:
        """A (k, columns) copy of the rows `indices`."""
        return self._array.take(self._rows[indices])


def sub_pool(
    pool: Pool, candidates: np.ndarray, *, in_memory: bool = False
) -> tuple[Pool, np.ndarray]:
    """The pool of all labelled rows and of `candidates`, without state of earlier rounds.

    It has no recorded list either, which is of the whole pool.

    Parameters
    ----------
    candidates
        (k,) distinct unlabelled indices.
    in_memory
        Whether rows on disk are read now; else they are read whenever they are needed.

    Returns
    -------
    The pool, its rows in the order of `pool`, and (n,) the index in `pool` of each of them.
    """
    rows = np.sort(np.concatenate([pool.labeled, candidates]))
    if len(rows) == pool.num_rows and not in_memory:
        return replace(pool, state={}, recorded=None), rows

    def part(array: Any) -> Any:
        if array is None:
            return None
        if on_disk(array) and not in_memory:
            return SelectedRows(array, rows)
        return Rows(array).take(rows)

    members = pool.member_probabilities
    smaller = replace(
        pool,
        embeddings=part(pool.embeddings),
        probabilities=part(pool.probabilities),
        labeled=np.searchsorted(rows, pool.labeled),
        member_probabilities=None if members is None else [part(member) for member in members],
        state={},
        recorded=None,
    )
    return smaller, rows
