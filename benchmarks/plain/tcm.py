"""TCM at its plainest: TypiClust and margin at theirs."""

import numpy as np

from benchmarks.plain import margin, typiclust
from labelbench_core.strategies import Pool


def select(
    pool: Pool, budget: int, rng: np.random.Generator, *, typiclust_rounds: int = 3
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order chosen."""
    return (typiclust if pool.round <= typiclust_rounds else margin).select(pool, budget, rng)
