"""Rows that are read block by block or by index: their common interface, and arrays as rows."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class RowSource(Protocol):
    """N rows on disk, computed when they are read, or in memory.

    Attributes
    ----------
    shape
        (N, ...).
    dtype
        Type of the values.
    """

    shape: tuple[int, ...]
    dtype: Any

    def __len__(self) -> int:
        """N."""
        ...

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """(first row, consecutive rows) from the first to the last."""
        ...

    def take(self, indices: np.ndarray) -> np.ndarray:
        """(k, ...) a copy of the rows `indices`, in that order."""
        ...


@runtime_checkable
class ThreadedRows(RowSource, Protocol):
    """Rows that several threads read or compute."""

    def for_blocks(self, work: Callable[[int, np.ndarray], None]) -> None:
        """`work(first row, rows)` on all blocks, in any order, each in the thread that reads it."""
        ...


@runtime_checkable
class LoadableRows(RowSource, Protocol):
    """Rows that can be loaded as one array."""

    def load(self) -> np.ndarray:
        """(N, ...) all rows in memory."""
        ...


@runtime_checkable
class CheckedRows(RowSource, Protocol):
    """Rows that may have been checked.

    Attributes
    ----------
    values_are_checked
        Whether every value is checked whenever it is read, so that no other pass is needed for it.
    """

    values_are_checked: bool


class ArrayRows:
    """The rows of an array in memory, as `LoadableRows`, for users of the library.

    Parameters
    ----------
    array
        (N, ...); it is not copied.
    block_rows
        Rows of a block.
    """

    def __init__(self, array: np.ndarray, block_rows: int = 4096) -> None:
        self._array, self._block_rows = array, block_rows
        self.shape, self.dtype = array.shape, array.dtype

    def __len__(self) -> int:
        return len(self._array)

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """(first row, read-only view of the rows) of each block."""
        for first in range(0, len(self._array), self._block_rows):
            yield first, _read_only(self._array[first : first + self._block_rows])

    def take(self, indices: np.ndarray) -> np.ndarray:
        """A copy of the rows `indices`."""
        return self._array[indices]

    def load(self) -> np.ndarray:
        """A read-only view of all rows."""
        return _read_only(self._array[:])


def _read_only(view: np.ndarray) -> np.ndarray:
    view.flags.writeable = False
    return view
