"""BALD at its plainest: all members at once in float64, a full sort."""

import numpy as np

from benchmarks.plain._shared import lowest, wide
from benchmarks.plain.entropy import entropies
from labelbench_core.strategies import Pool


def select(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, largest disagreement first."""
    return lowest(-disagreements(pool.member_probabilities), pool.unlabeled(), budget)


def disagreements(members: np.ndarray) -> np.ndarray:
    """(N,) entropy of the mean prediction minus the mean entropy."""
    p = wide(members)
    return entropies(p.mean(axis=0)) - entropies(p).mean(axis=0)
