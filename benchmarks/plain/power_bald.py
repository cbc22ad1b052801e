"""Power BALD at its plainest: Gumbel noise on all log-scores, a full sort."""

import numpy as np

from benchmarks.plain.bald import disagreements
from benchmarks.plain.power_margin import drawn
from labelbench_core.strategies import Pool


def select(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order drawn."""
    return drawn(disagreements(pool.member_probabilities), pool, budget, rng)
