"""Random access to the rows of one split: what those who read it need, and rows in Zarr arrays."""

from __future__ import annotations

import hashlib
from typing import Any, Protocol

import numpy as np

from labelbench_core.storage import store


class SplitRows(Protocol):
    """Random access to the rows of one split, whatever they are.

    Attributes
    ----------
    contents_are_noted
        Whether `contents` is known without reading the rows, and features of a row depend on no
        other row.
    """

    contents_are_noted: bool

    def __len__(self) -> int: ...

    def batch(self, indices: np.ndarray) -> Any:
        """The rows `indices`, in that order: an array of images or embeddings, a list of texts."""
        ...

    def contents(self, rows: range) -> str:
        """A hash over all that `rows`, and their order, depend on."""
        ...


class Images(SplitRows, Protocol):
    """Random access to the images of one split."""

    def batch(self, indices: np.ndarray) -> np.ndarray:
        """The images `indices` as uint8 (B, H, W, 3), in that order."""
        ...


class StoredRows:
    """Images or embeddings of a Zarr array."""

    contents_are_noted = False

    def __init__(self, rows: store.RowBlocks) -> None:
        self._rows = rows
        self.shape = rows.shape

    def __len__(self) -> int:
        return len(self._rows)

    def batch(self, indices: np.ndarray) -> np.ndarray:
        """The rows `indices`, in that order: uint8 (B, H, W, 3), or floats (B, D)."""
        return self._rows.take(indices)

    def contents(self, rows: range) -> str:
        """A hash over all that `rows`, and their order, depend on."""
        taken = self._rows.take(np.arange(rows.start, rows.stop))
        return hashlib.sha256(taken.data).hexdigest()
