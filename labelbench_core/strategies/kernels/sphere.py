"""Rows scaled to unit length, and error bounds of products of them."""

from typing import Any

import numpy as np

from labelbench_core.strategies.arrays import Array, Rows, cast, chunk_rows, host, namespace

UNIT = {"float32": 2.0**-24, "float64": 2.0**-53}  # relative rounding
TILE = 2048  # rows, and columns, of one matrix product
UnitPoints = tuple[Array, Array]  # (n, D) rows of unit length, and their lengths: 0 for zero rows


def directions(rows: Array) -> np.ndarray:
    """(n, D) float64 in main memory: rows scaled to length 1; zero rows stay zero.

    The same to the last bit from NumPy, torch and disk.
    """
    points = np.array(host(cast(rows, "float64")))
    norms = np.sqrt(np.square(points).sum(axis=1))
    points /= np.where(norms > 0, norms, 1.0)[:, None]
    return points


def unit_rows(rows: Array, dtype: str = "float32") -> Array:
    """(n, D) `directions` where the rows are, in `dtype`.

    In float32, NumPy and torch hardly ever differ in a bit.
    """
    xp = namespace(rows)
    units = xp.empty_like(cast(rows, dtype))
    step = chunk_rows(
        16 * rows.shape[1]
    )  # dividing is twice as fast while the values are in the caches
    for first in range(0, len(rows), step):
        wide = cast(rows[first : first + step], "float64")
        norms = xp.einsum("nd,nd->n", wide, wide) ** 0.5
        units[first : first + step] = wide / xp.where(norms > 0, norms, 1.0)[:, None]
    return units


def unit_points(rows: Array, dtype: str) -> UnitPoints:
    """Rows scaled to length 1, and their lengths."""
    units = unit_rows(rows, dtype)
    return units, cast(units.any(-1), dtype)


def cosines(rows: UnitPoints, others: UnitPoints, buffer: Array | None = None) -> Array:
    """(n, k) 1 − half the squared distances: for rows of unit length, their products.

    Parameters
    ----------
    buffer
        Where to put them: at least n k values.
    """
    (points, lengths), (ends, theirs) = rows, others
    shape = len(points), len(ends)
    out = None if buffer is None else buffer[: shape[0] * shape[1]].reshape(shape)
    found = namespace(points).matmul(points, ends.T, out=out)
    if not lengths.all():
        found[lengths == 0] = 1 - theirs / 2
    if not theirs.all():
        found[:, theirs == 0] = 1 - lengths[:, None] / 2
    return found


def product_slack(width: int, dtype: str) -> float:
    """Error bound of the squared distance 2 − 2xy of unit rows, with xy from a matrix product.

    A sum of `width` products in any order, of rows that are rounded; the rest is for what little is
    computed with it.
    """
    return 2 * (width + 64) * UNIT[dtype]


def spans(first: int, stop: int) -> list[tuple[int, int]]:
    """Consecutive ranges of `TILE` or fewer."""
    return [(begin, min(begin + TILE, stop)) for begin in range(first, stop, TILE)]


def tile_buffer(rows: Rows, dtype: str) -> Array:
    """Room for the products of one tile, where the rows are."""
    return rows.like(np.empty(TILE * TILE, dtype))


def draw_targets(embeddings: Any, count: int, rng: np.random.Generator) -> np.ndarray:
    """Indices of `count` rows of a pool, or of all if it has fewer, in random order."""
    return rng.permutation(len(Rows(embeddings)))[:count]
