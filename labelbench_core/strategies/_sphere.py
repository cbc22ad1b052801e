"""Rows scaled to unit length in float64: the same to the last bit from NumPy, torch and disk."""

from typing import Any

import numpy as np

from labelbench_core.strategies._arrays import Array, Rows, cast, host


def directions(rows: Array) -> np.ndarray:
    """(n, D) float64 in main memory: rows scaled to length 1; zero rows stay zero."""
    points = np.array(host(cast(rows, "float64")))
    norms = np.sqrt(np.square(points).sum(axis=1))
    points /= np.where(norms > 0, norms, 1.0)[:, None]
    return points


def draw_targets(embeddings: Any, count: int, rng: np.random.Generator) -> np.ndarray:
    """Indices of `count` rows of a pool, or of all if it has fewer, in random order."""
    return rng.permutation(len(Rows(embeddings)))[:count]
