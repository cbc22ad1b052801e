"""MaxHerding as its authors write it: the whole kernel matrix, and all gains anew for every pick.

Targets are drawn as in this project, so that the picks are the same.
"""

import numpy as np

from benchmarks.plain._shared import squared_distances, unit
from labelbench_core.strategies import Pool
from labelbench_core.strategies.kernels.sphere import draw_targets


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    bandwidth: float = 1.0,
    targets: int = 20_000,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order chosen."""
    kernel = kernel_matrix(pool, draw_targets(pool.embeddings, targets, rng), bandwidth)
    return herd(kernel, np.ones(kernel.shape[1]), pool.labeled, budget)


def kernel_matrix(pool: Pool, targets: np.ndarray, bandwidth: float) -> np.ndarray:
    """(N, m) kernel of all rows and the targets."""
    points = unit(pool.embeddings)
    kernel = squared_distances(points, points[targets])
    kernel /= -(bandwidth**2)
    return np.exp(kernel, out=kernel)


def herd(kernel: np.ndarray, weights: np.ndarray, labeled: np.ndarray, budget: int) -> np.ndarray:
    """(budget,) the rows that add most to the weighted coverage, one after another."""
    covered = kernel[labeled].max(axis=0, initial=0)
    free = np.ones(len(kernel), bool)
    free[labeled] = False
    chosen: list[int] = []
    for _ in range(budget):
        gains = np.where(free, np.maximum(kernel - covered, 0) @ weights, -1)
        best = int(np.argmax(gains >= gains.max() * (1 - 1e-10)))  # two rows can cover each other
        free[best] = False
        covered = np.maximum(covered, kernel[best])
        chosen.append(best)
    return np.array(chosen, np.int64)
