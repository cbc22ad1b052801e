"""Power margin at its plainest: Gumbel noise on all log-scores, a full sort."""

import numpy as np

from benchmarks.plain.margin import margins
from labelbench_core.strategies import Pool


def select(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order drawn."""
    return drawn(1 - margins(pool.probabilities), pool, budget, rng)


def drawn(scores: np.ndarray, pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) unlabelled rows, drawn without replacement in proportion to their scores."""
    unlabeled = pool.unlabeled()
    with np.errstate(divide="ignore"):
        keys = np.log(np.maximum(scores[unlabeled], 0)) + rng.gumbel(size=len(unlabeled))
    return unlabeled[np.argsort(-keys, kind="stable")[:budget]]
