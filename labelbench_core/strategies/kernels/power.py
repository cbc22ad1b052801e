"""Stochastic batches: rows drawn in proportion to a power of their score (Kirsch et al. 2023)."""

import numpy as np

from labelbench_core.strategies.kernels.scores import lowest
from labelbench_core.strategies.pool import Pool


def draw_by_power(
    pool: Pool, scores: np.ndarray, budget: int, rng: np.random.Generator, power: float
) -> np.ndarray:
    """Rows with the largest `power` · log score + Gumbel noise; those with score 0 come last.

    Parameters
    ----------
    scores
        (U,) of the unlabelled rows, at least 0.

    Returns
    -------
    (budget,) int64 distinct unlabelled indices, in the order drawn.
    """
    unlabeled = pool.unlabeled()
    noise = rng.gumbel(size=len(unlabeled))
    drawable = scores > 0
    keys = np.full(pool.num_rows, np.inf)
    keys[unlabeled[drawable]] = -(power * np.log(scores[drawable]) + noise[drawable])
    drawn = lowest(keys, unlabeled[drawable], min(budget, int(drawable.sum())))
    keys[unlabeled[~drawable]] = -noise[~drawable]
    return np.concatenate([drawn, lowest(keys, unlabeled[~drawable], budget - len(drawn))])
