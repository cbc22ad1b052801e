"""REFINE at its plainest: the authors' loop, its candidates as most published code writes them.

Float64; strategies that pick one by one pass over all rows for each pick. ALFA-Mix and DropQuery,
a small part of the time, are this project's own.
"""

import numpy as np

from benchmarks.plain.tcm import margin, typiclust, unit
from labelbench_core.strategies import Pool, alfa_mix, dropquery, random
from labelbench_core.strategies._sub_pool import sub_pool
from labelbench_core.strategies.uherding import smallest_distance, uncertainties


def select(
    pool: Pool, budget: int, rng: np.random.Generator, *, depth: int = 5, batches: int = 100
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices."""
    kept, size = pool.unlabeled(), 5000
    for _ in range(depth):
        size = min(max(size, budget), len(kept))
        union: set[int] = set()
        for candidate in CANDIDATES:
            for _ in range(batches // len(CANDIDATES)):
                part, rows = sub_pool(pool, rng.choice(kept, size, replace=False))
                union.update(rows[candidate(part, budget, rng)].tolist())
        kept = np.array(sorted(union))
        if len(kept) > 10_000:
            kept = np.sort(rng.choice(kept, 10_000, replace=False))
        size = int(0.4 * len(kept))
    part, rows = sub_pool(pool, kept)
    return rows[uherding(part, budget, rng)]


def badge(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) k-means++ on factored gradients, one pass per draw."""
    unlabeled = pool.unlabeled()
    points = pool.embeddings[unlabeled].astype(np.float64)
    residuals = -pool.probabilities[unlabeled].astype(np.float64)
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


def bait_binary(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) greedy BAIT of two classes: all traces anew for every pick."""
    top = pool.probabilities.astype(np.float64).max(axis=1)
    points = np.sqrt(top * (1 - top))[:, None] * pool.embeddings.astype(np.float64)
    target = points.T @ points / len(points)
    known = points[pool.labeled]
    inverse = np.linalg.inv(np.eye(points.shape[1]) + known.T @ known)
    free = pool.unlabeled()
    chosen: list[int] = []
    for _ in range(budget):
        x = points[free]
        reached = x @ inverse
        gains = ((reached @ target) * reached).sum(axis=1) / (1 + (reached * x).sum(axis=1))
        best = int(gains.argmax())
        u = inverse @ x[best]
        inverse = inverse - np.outer(u, u) / (1 + x[best] @ u)
        chosen.append(int(free[best]))
        free = np.delete(free, best)
    return np.array(chosen, np.int64)


def maxherding(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) greedy coverage of all rows alike."""
    return _herding(pool, budget, np.ones(pool.num_rows), 1.0)


def uherding(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) greedy coverage of the uncertain rows."""
    weights = uncertainties(pool, np.arange(pool.num_rows))
    return _herding(pool, budget, weights, smallest_distance(pool.embeddings, pool.labeled))


def _herding(pool: Pool, budget: int, weights: np.ndarray, bandwidth: float) -> np.ndarray:
    """(budget,) all gains anew for every pick, from the whole kernel matrix."""
    points = unit(pool.embeddings)
    kernel = np.exp((2 * points @ points.T - 2) / bandwidth**2)
    covered = kernel[pool.labeled].max(axis=0, initial=0)
    free = np.zeros(pool.num_rows, bool)
    free[pool.unlabeled()] = True
    chosen: list[int] = []
    for _ in range(budget):
        gains = np.maximum(kernel - covered, 0) @ weights
        best = int(np.where(free, gains, -1).argmax())
        covered = np.maximum(covered, kernel[best])
        free[best] = False
        chosen.append(best)
    return np.array(chosen, np.int64)


CANDIDATES = (
    random.select,
    margin,
    badge,
    bait_binary,
    typiclust,
    alfa_mix.select,
    dropquery.select,
    maxherding,
    uherding,
)
