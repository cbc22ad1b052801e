"""Rows that are read block by block or by index: what every class of them offers."""

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
        Of the rows.
    """

    shape: tuple[int, ...]
    dtype: Any

    def __len__(self) -> int:
        """N."""

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """(first row, consecutive rows) from the first to the last."""

    def take(self, indices: np.ndarray) -> np.ndarray:
        """(k, ...) a copy of the rows `indices`, in that order."""


@runtime_checkable
class ThreadedRows(RowSource, Protocol):
    """Rows that several threads read or compute."""

    def for_blocks(self, work: Callable[[int, np.ndarray], None]) -> None:
        """`work(first row, rows)` on all blocks, in any order, each in the thread that has it."""


@runtime_checkable
class LoadableRows(RowSource, Protocol):
    """Rows that may be had as one array."""

    def load(self) -> np.ndarray:
        """(N, ...) all rows in memory."""
