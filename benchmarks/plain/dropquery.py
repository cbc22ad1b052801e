"""DropQuery as its authors write it: a copy of all embeddings for every pass of dropout.

Clusters and random bits are this project's, so that the picks are the same.
"""

import numpy as np

from benchmarks.plain._shared import wide
from labelbench_core.strategies import Pool
from labelbench_core.strategies.kernels.kmeans import nearest_to_centers


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    passes: int = 3,
    rate: float = 0.75,
    candidates_per_pick: int = 25,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, nearest to their centres first."""
    unlabeled = pool.unlabeled()
    changes = changed_classes(pool, passes, rate, rng)[unlabeled]
    for bar in range(passes // 2, -1, -1):
        candidates = unlabeled[changes > bar]
        if len(candidates) >= candidates_per_pick * budget:
            break
    if len(candidates) >= budget:
        return nearest_to_centers(pool.embeddings, candidates, budget, rng)
    others = rng.permutation(np.setdiff1d(unlabeled, candidates))
    return np.concatenate([candidates, others[: budget - len(candidates)]])


def changed_classes(pool: Pool, passes: int, rate: float, rng: np.random.Generator) -> np.ndarray:
    """(N,) in how many passes the predicted class is another one."""
    points, weights = wide(pool.embeddings), wide(pool.head.weights)
    rows, width = points.shape
    words = rng.integers(0, 2**64, (rows, passes, -(-width // 8)), dtype=np.uint64)
    kept = words.view(np.uint8)[:, :, :width] / 256 >= rate
    clean = (points @ weights + pool.head.bias).argmax(axis=1)
    changes = np.zeros(rows, np.int64)
    for number in range(passes):
        dropped = points * kept[:, number] / (1 - rate)
        changes += (dropped @ weights + pool.head.bias).argmax(axis=1) != clean
    return changes
