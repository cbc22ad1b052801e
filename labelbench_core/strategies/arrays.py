"""One code for NumPy, torch and on-disk rows: the few operations in which they differ.

Functions that NumPy and torch share under one name and meaning (`where`, `amax(x, axis)`, `@`,
`x.sum(-1)`, …) are called on `namespace(x)`; the rest is here. Torch is imported only for a tensor.
"""

import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

from labelbench_core.compute import halves
from labelbench_core.compute.values import check_probabilities
from labelbench_core.errors import InputError
from labelbench_core.storage.rows import CheckedRows, RowSource, ThreadedRows

Array = Any  # a NumPy array or a torch tensor
CHUNK_VALUES = 1 << 20  # values of a chunk: 8 MB in float64, which stays in the caches
LARGEST = 1e15  # of a value, so that sums of squares fit float32


def namespace(array: Array) -> ModuleType:
    """NumPy or torch, whichever `array` belongs to."""
    if isinstance(array, np.ndarray):
        return np
    torch = sys.modules.get("torch")  # a tensor exists only where torch is loaded
    if torch is not None and isinstance(array, torch.Tensor):
        return torch
    raise InputError(f"{type(array).__name__}; allowed: a NumPy array or a torch tensor")


def on_disk(array: Any) -> bool:
    """Whether `array` is read in blocks."""
    # A protocol's check costs 0.1 ms.
    return not isinstance(array, np.ndarray) and isinstance(array, RowSource)


def are_checked(array: Any) -> bool:
    """Whether the values of `array` are checked whenever they are read."""
    return on_disk(array) and isinstance(array, CheckedRows) and array.values_are_checked


def host(array: Array) -> np.ndarray:
    """`array` as a NumPy array in main memory; no copy where it is one already."""
    if isinstance(array, np.ndarray):
        return np.asanyarray(array)
    torch = namespace(array)
    tensor = array.detach().cpu()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()


def cast(array: Array, dtype: str) -> Array:
    """`array` in `dtype` ("float32", "float64"), C-contiguous, in its own namespace."""
    if isinstance(array, np.ndarray):
        if dtype == "float32":
            return halves.single(array)
        return np.ascontiguousarray(array, dtype=dtype)
    return array.to(getattr(namespace(array), dtype)).contiguous()


def like(values: np.ndarray, array: Array) -> Array:
    """NumPy `values` in the namespace and on the device of `array`."""
    if isinstance(array, np.ndarray):
        return values
    return namespace(array).as_tensor(values, device=array.device)


def chunk_rows(row_length: int) -> int:
    """Rows of `row_length` values that make one chunk."""
    return max(1, CHUNK_VALUES // max(1, row_length))


class Rows:
    """The rows of a NumPy array, a torch tensor or an array on disk, read chunk by chunk.

    Attributes
    ----------
    shape
        (N, columns).
    """

    def __init__(self, array: Any) -> None:
        self._array = array
        self._on_disk = on_disk(array)
        self.shape: tuple[int, ...] = tuple(array.shape)
        self._sample = array.take(np.zeros(0, np.int64)) if self._on_disk else array[:0]
        namespace(self._sample)

    def __len__(self) -> int:
        return self.shape[0]

    def chunks(self) -> Iterator[tuple[int, Array]]:
        """(first row, consecutive rows as stored) from the first to the last row; no copies."""
        blocks = self._array.blocks() if self._on_disk else [(0, self._array)]
        step = chunk_rows(self.shape[1])
        for first, block in blocks:
            for start in range(0, len(block), step):
                yield first + start, block[start : start + step]

    def for_chunks(self, work: Callable[[int, Array], None]) -> None:
        """`work(first row, consecutive rows as stored)` on all rows.

        Rows that are computed by several threads are also processed by them, in any order.
        """
        step = chunk_rows(self.shape[1])

        def work_on(first: int, block: Array) -> None:
            for start in range(0, len(block), step):
                work(first + start, block[start : start + step])

        if isinstance(self._array, ThreadedRows):
            self._array.for_blocks(work_on)
        else:
            for first, chunk in self.chunks():
                work(first, chunk)

    def span(self, first: int, stop: int) -> Array:
        """The rows first..stop as stored; no copy of what is in memory."""
        return self.take(np.arange(first, stop)) if self._on_disk else self._array[first:stop]

    def take(self, indices: np.ndarray) -> Array:
        """A (k, columns) copy of the rows `indices`, as stored, in the array's namespace."""
        if self._on_disk:
            return self._array.take(indices)
        return self._array[like(indices, self._array)]

    def like(self, values: np.ndarray) -> Array:
        """NumPy `values` in the namespace and on the device of the rows."""
        return like(values, self._sample)


def check_values(array: Any, field: str, total: float | None = None) -> None:
    """`InputError` naming the first row of `array` with an invalid value.

    Parameters
    ----------
    field
        Field of the pool; fields ending in "probabilities" hold numbers from 0 to 1.
    total
        What a row of probabilities sums to; None: anything.
    """
    if are_checked(array):
        return
    for first, chunk in Rows(array).chunks():
        check_chunk(chunk, field, np.arange(first, first + len(chunk)), total)


def check_chunk(chunk: Array, field: str, rows: np.ndarray, total: float | None = None) -> None:
    """As `check_values`, for a chunk that holds the array's rows `rows`."""
    if not _all_usable(chunk):
        row = rows[int(np.flatnonzero(~host(_usable(chunk)).all(axis=1))[0])]
        told = f"{field}: row {row} holds a value that is NaN or too large"
        raise InputError(f"{told}; allowed: numbers from -{LARGEST:g} to {LARGEST:g}")
    if field.endswith("probabilities"):
        sums = None if total is None else cast(chunk, "float32").sum(-1)
        check_probabilities(chunk, sums, rows, field, total or 1.0)


def _all_usable(chunk: Array) -> bool:
    if 0 in chunk.shape or _is_half(chunk):
        return bool(_usable(chunk).all())
    # Twice as fast as testing every value; a NaN makes either of them NaN.
    return bool(chunk.min() >= -LARGEST) and bool(chunk.max() <= LARGEST)


def _usable(chunk: Array) -> Array:
    if _is_half(chunk):
        return namespace(chunk).isfinite(chunk)  # every finite value is small enough
    return abs(chunk) <= LARGEST


def _is_half(chunk: Array) -> bool:
    return "float16" in str(chunk.dtype) and "bfloat16" not in str(chunk.dtype)
