"""Entropy at its plainest: a pass in float64, a full sort."""

import numpy as np

from benchmarks.plain._shared import lowest, wide
from labelbench_core.strategies import Pool


def select(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, highest entropy first."""
    return lowest(-entropies(pool.probabilities), pool.unlabeled(), budget)


def entropies(probabilities: np.ndarray) -> np.ndarray:
    """(N,) entropies of the rows; 0 log 0 is 0."""
    p = wide(probabilities)
    return -(p * np.log(np.where(p > 0, p, 1))).sum(axis=-1)
