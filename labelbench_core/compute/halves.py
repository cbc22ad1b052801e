"""Conversion from half precision, in which embeddings are kept, to single, in which we compute.

NumPy converts float16 value by value with branches: a pool of 50,000 × 1,280 real features, half of
them zeros, takes it four to ten times as long as the product that follows.
"""

import numpy as np

_SINGLES: list[np.ndarray] = []  # (65,536,) float32 of every float16, by its bits; made once
_PART = 1 << 16  # values looked up at a time, so that their places stay in the cache
# A multiple of the rows that BLAS kernels compute together, so that a product in parts has the bits
# of the whole with those that we know (OpenBLAS).
_PRODUCT_ROWS = 384


def single(values: np.ndarray) -> np.ndarray:
    """`values` in float32, C-contiguous; not copied if they are.

    Equal to `values.astype(numpy.float32)` bit for bit: subnormal numbers, infinities and NaN
    included, and also where the processor flushes denormals.
    """
    if values.dtype != np.float16:
        return np.ascontiguousarray(values, dtype=np.float32)
    out = np.empty(values.shape, np.float32)
    _look_up(values, out)
    return out


def product(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(N, C) float32 `rows @ weights` of (N, D) and (D, C), without a copy of all rows.

    Equal to `rows.astype(numpy.float32) @ weights` to rounding, and bit for bit where BLAS computes
    rows in groups that divide 384.
    """
    if rows.dtype != np.float16 or len(rows) < 2 * _PRODUCT_ROWS:
        return single(rows) @ weights
    out = np.empty((len(rows), weights.shape[1]), np.float32)
    buffer = np.empty((2 * _PRODUCT_ROWS, rows.shape[1]), np.float32)
    starts = range(0, len(rows) - _PRODUCT_ROWS + 1, _PRODUCT_ROWS)
    for first in starts:
        stop = len(rows) if first == starts[-1] else first + _PRODUCT_ROWS
        wide = buffer[: stop - first]
        _look_up(rows[first:stop], wide)
        np.matmul(wide, weights, out=out[first:stop])
    return out


def _look_up(values: np.ndarray, out: np.ndarray) -> None:
    """Write float16 `values` into the C-contiguous float32 `out` of the same shape."""
    if not _SINGLES:
        _SINGLES.append(np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32))
    bits = np.ascontiguousarray(values).view(np.uint16).reshape(-1)
    into = out.reshape(-1)
    for first in range(0, len(bits), _PART):
        part = slice(first, first + _PART)
        np.take(_SINGLES[0], bits[part], out=into[part], mode="wrap")
