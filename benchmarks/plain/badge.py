"""BADGE as LabelBench writes it: factored distances of all rows to each new centre.

LabelBench draws by `scipy.stats.rv_discrete` and adds weights up in a Python loop, which costs as
much again; here NumPy does both. The first centre is the row of largest norm.
"""

import numpy as np

from benchmarks.plain._shared import wide
from labelbench_core.strategies import Pool


def select(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order drawn."""
    unlabeled = pool.unlabeled()
    points = wide(pool.embeddings)[unlabeled]
    residuals = -wide(pool.probabilities)[unlabeled]
    residuals[np.arange(len(residuals)), residuals.argmin(axis=1)] += 1
    norms = np.square(points).sum(axis=1) * np.square(residuals).sum(axis=1)
    nearest, chosen = np.full(len(points), np.inf), [int(norms.argmax())]
    while len(chosen) < budget:
        last = chosen[-1]
        products = (residuals @ residuals[last]) * (points @ points[last])
        nearest = np.minimum(nearest, np.maximum(norms + norms[last] - 2 * products, 0))
        nearest[chosen] = 0
        chosen.append(int(rng.choice(len(points), p=nearest / nearest.sum())))
    return unlabeled[chosen]
