"""LCI at its plainest: row by row."""

import numpy as np

from benchmarks.plain._shared import highest_at_random, wide
from labelbench_core.strategies import Pool


def select(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, most inconsistent first."""
    unlabeled = pool.unlabeled()
    scores = gaps(wide(pool.probabilities)[unlabeled], pool.labels)
    return unlabeled[highest_at_random(scores, budget, rng)]


def gaps(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n,) distances of the predicted number of labels from the mean number."""
    mean = sum(int(row.sum()) for row in labels) / len(labels)
    counts = [sum(1 for value in row if value >= 0.5) for row in probabilities]
    return np.array([round(abs(count - mean), 9) for count in counts])
