"""ALFA-Mix as its authors write it: all rows mixed with every anchor, for ever larger caps.

The clusters are this project's, so that only the rest is compared.
"""

import numpy as np

from benchmarks.plain._shared import wide
from labelbench_core.strategies import Pool
from labelbench_core.strategies.kernels.kmeans import nearest_to_centers


def select(
    pool: Pool, budget: int, rng: np.random.Generator, *, cap_step: float = 0.03125
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, nearest to their centres first."""
    unlabeled = pool.unlabeled()
    changing = np.zeros(pool.num_rows, bool)
    cap = 0.0
    while cap < 1 and changing[unlabeled].sum() < budget:
        cap = min(cap + cap_step, 1)
        changing |= changed_by_mixing(pool, cap)
    candidates = unlabeled[changing[unlabeled]]
    if len(candidates) >= budget:
        return nearest_to_centers(pool.embeddings, candidates, budget, rng)
    others = unlabeled[~changing[unlabeled]]
    rest = rng.permutation(others)[: budget - len(candidates)]
    return np.concatenate([candidates, rest])


def changed_by_mixing(pool: Pool, cap: float) -> np.ndarray:
    """(N,) which unlabelled rows change class when mixed with some anchor."""
    unlabeled, known = pool.unlabeled(), wide(pool.embeddings[pool.labeled])
    points, weights = wide(pool.embeddings[unlabeled]), wide(pool.head.weights)
    logits = points @ weights + pool.head.bias
    predicted = logits.argmax(axis=1)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    rows = np.arange(len(points))
    p[rows, predicted] = 0
    p[rows, predicted] = -p.sum(axis=1)
    gradients = p @ weights.T
    gradients /= np.linalg.norm(gradients, axis=1, keepdims=True)
    changed = np.zeros(pool.num_rows, bool)
    for label in np.unique(pool.labels):
        anchor = known[pool.labels == label].mean(axis=0)
        length = cap / np.sqrt(points.shape[1]) * np.linalg.norm(anchor - points, axis=1)
        alpha = length[:, None] * gradients / (anchor - points)
        mixed = alpha * anchor + (1 - alpha) * points
        changed[unlabeled] |= (mixed @ weights + pool.head.bias).argmax(axis=1) != predicted
    return changed
