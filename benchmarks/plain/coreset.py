"""Farthest first as LabelBench writes it: the distances of all rows to each new centre.

LabelBench computes the norms of all rows again for each centre; here they are computed once.
"""

import numpy as np

from benchmarks.plain._shared import squared_distances, wide
from labelbench_core.strategies import Pool

CENTERS_AT_ONCE = 500  # of the labelled rows


def select(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, farthest first."""
    unlabeled = pool.unlabeled()
    points = wide(pool.embeddings)
    known, points = points[pool.labeled], points[unlabeled]
    norms = np.square(points).sum(axis=1)
    nearest = np.full(len(points), np.inf)
    for first in range(0, len(known), CENTERS_AT_ONCE):
        distances = squared_distances(points, known[first : first + CENTERS_AT_ONCE])
        nearest = np.minimum(nearest, distances.min(axis=1))
    chosen: list[int] = []
    for _ in range(budget):
        best = int(nearest.argmax())
        chosen.append(best)
        distances = norms + norms[best] - 2 * points @ points[best]
        nearest = np.minimum(nearest, distances)
        nearest[best] = -np.inf
    return unlabeled[chosen]
