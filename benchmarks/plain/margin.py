"""Margin at its plainest: all classes of all rows sorted, in float64, then all rows."""

import numpy as np

from benchmarks.plain._shared import lowest, wide
from labelbench_core.strategies import Pool


def select(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, smallest margin first."""
    return lowest(margins(pool.probabilities), pool.unlabeled(), budget)


def margins(probabilities: np.ndarray) -> np.ndarray:
    """(N,) differences between the two most likely classes."""
    ordered = np.sort(wide(probabilities), axis=1)
    return ordered[:, -1] - ordered[:, -2]
