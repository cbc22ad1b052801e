"""MMC at its plainest: decision values, signs and losses of every row; our logistic regression."""

import numpy as np

from benchmarks.plain._shared import lowest, wide
from labelbench_core.strategies import Pool, mmc


def select(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, largest expected loss reduction first."""
    p = wide(pool.probabilities)
    sizes = np.array([int(row.sum()) for row in pool.labels])
    counts = mmc.predicted_sizes(
        np.array([profile(p[row]) for row in pool.labeled]),
        sizes,
        np.array([profile(row) for row in p]),
    )
    reductions = [loss_reduction(row, count) for row, count in zip(p, counts, strict=True)]
    return lowest(-np.array(reductions), pool.unlabeled(), budget)


def profile(row: np.ndarray) -> list[float]:
    """A row's probabilities from the highest to the lowest, divided by their sum."""
    return sorted((value / max(row.sum(), 1e-300) for value in row), reverse=True)


def loss_reduction(row: np.ndarray, count: int) -> float:
    """Σ (1 − ŷ f) / 2 if a row has its `count` most likely labels."""
    likely = np.argsort(-row, kind="stable")[:count].tolist()
    total = 0.0
    for label in sorted(range(len(row)), key=lambda label: -row[label]):
        sign = 1 if label in likely else -1
        total += (1 - sign * (2 * row[label] - 1)) / 2
    return round(total, 12)
