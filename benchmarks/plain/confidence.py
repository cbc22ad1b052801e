"""Least confidence at its plainest: a pass in float64, a full sort."""

import numpy as np

from benchmarks.plain._shared import lowest, wide
from labelbench_core.strategies import Pool


def select(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, least confident first."""
    return lowest(scores(pool.probabilities), pool.unlabeled(), budget)


def scores(probabilities: np.ndarray) -> np.ndarray:
    """(N,) largest probabilities."""
    return wide(probabilities).max(axis=1)
