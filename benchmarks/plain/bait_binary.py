"""Binary BAIT at its plainest: the traces with all rows anew for every pick."""

import numpy as np

from benchmarks.plain._shared import first_largest, wide
from labelbench_core.strategies import Pool


def select(pool: Pool, budget: int, rng: np.random.Generator, *, ridge: float = 1.0) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order taken."""
    top = wide(pool.probabilities).max(axis=1)
    points = np.sqrt(top * (1 - top))[:, None] * wide(pool.embeddings)
    target = points.T @ points / len(points)
    known = points[pool.labeled]
    inverse = np.linalg.inv(ridge * np.eye(points.shape[1]) + known.T @ known)
    free = pool.unlabeled()
    points = points[free]
    chosen: list[int] = []
    for _ in range(budget):
        reached = points @ inverse
        gains = ((reached @ target) * reached).sum(axis=1) / (1 + (reached * points).sum(axis=1))
        gains[chosen] = -np.inf
        best = first_largest(gains)
        chosen.append(best)
        u = inverse @ points[best]
        inverse = inverse - np.outer(u, u) / (1 + points[best] @ u)
    return free[chosen]
