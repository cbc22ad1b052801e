"""BAIT as its authors write it: matrices of C · D rows, all traces anew for every pick.

As in this project, on the leading directions of the embeddings and without weights of labelled and
new rows. `X` of all rows is kept: 8 N C² D bytes, and again for those to choose from.
"""

import numpy as np

from benchmarks.plain._shared import first_largest, wide
from labelbench_core.strategies import Pool

ROWS_AT_ONCE = 1000


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    ridge: float = 1.0,
    dims: int = 30,
    oversample: float = 2.0,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order taken."""
    x = transposed_vectors(pool, dims)
    target = information(x) / len(x)
    inverse = np.linalg.inv(ridge * np.eye(len(target)) + information(x[pool.labeled]))
    x = x[pool.unlabeled()]
    kept: list[int] = []
    for _ in range(min(int(oversample * budget), len(x))):
        gains = changes(x, inverse, target, 1)
        gains[kept] = -np.inf
        kept.append(first_largest(gains))
        inverse = updated(inverse, x[kept[-1]], 1)
    while len(kept) > budget:
        rises = changes(x[kept], inverse, target, -1)
        last = len(kept) - 1 - first_largest(-rises[::-1])
        inverse = updated(inverse, x[kept.pop(last)], -1)
    return pool.unlabeled()[kept]


def transposed_vectors(pool: Pool, dims: int) -> np.ndarray:
    """(N, C, C D) Xᵀ of all rows, with X Xᵀ their information."""
    p, h = wide(pool.probabilities), wide(pool.embeddings)
    if h.shape[1] > dims:
        h = h @ np.linalg.eigh(h.T @ h)[1][:, : -dims - 1 : -1]
    x = np.empty((len(p), p.shape[1], p.shape[1] * h.shape[1]))
    for row, (probabilities, features) in enumerate(zip(p, h, strict=True)):
        residuals = np.eye(len(probabilities)) - probabilities
        x[row] = np.kron(np.sqrt(probabilities)[:, None] * residuals, features)
    return x


def information(x: np.ndarray) -> np.ndarray:
    """(C D, C D) sum of the rows' information."""
    flat = x.reshape(-1, x.shape[2])
    return flat.T @ flat


def changes(x: np.ndarray, inverse: np.ndarray, target: np.ndarray, sign: int) -> np.ndarray:
    """(n,) by how much the trace falls with each row (+1), or rises without it (−1)."""
    middle = inverse @ target @ inverse
    found = np.empty(len(x))
    for first in range(0, len(x), ROWS_AT_ONCE):
        part = x[first : first + ROWS_AT_ONCE]
        transposed = part.transpose(0, 2, 1)
        inner = np.linalg.inv(np.eye(x.shape[1]) + sign * (part @ inverse) @ transposed)
        found[first : first + len(part)] = np.trace(
            (part @ middle) @ transposed @ inner, axis1=1, axis2=2
        )
    return found


def updated(inverse: np.ndarray, x: np.ndarray, sign: int) -> np.ndarray:
    """The inverse after a row is taken or given back."""
    u = inverse @ x.T
    return inverse - sign * u @ np.linalg.inv(np.eye(len(x)) + sign * x @ u) @ u.T
