"""Margin, also "breaking ties" (Scheffer et al. 2001): the two most likely classes are closest.

Score: p(first | x) − p(second | x), lowest first. Multi-label: each label is a two-class problem,
and the score is the mean over labels of |2p − 1|. Equal scores go to the lowest index.
"""

import numpy as np

from labelbench_core.strategies.arrays import Array, namespace
from labelbench_core.strategies.kernels.scores import lowest, score_rows
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "margin",
    "paper": "Scheffer et al. 2001",
    "rule": "smallest difference between the two most likely classes",
    "cost": "N C",
    "needs": ["probabilities"],
    "multilabel": True,
    "kind": "strategy",
    "deterministic": True,
}


def select(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, smallest margin first."""
    score = mean_label_margins if pool.multilabel else margins
    return lowest(score_rows(pool.probabilities, score), pool.unlabeled(), budget)


def margins(p: Array) -> Array:
    """(n,) difference between the two largest entries of each column; 0 where they are equal."""
    xp = namespace(p)
    first = xp.amax(p, 0)
    largest = p == first
    second = xp.amax(xp.where(largest, -1.0, p), 0)
    return xp.where(largest.sum(0) > 1, 0.0, first - second)


def mean_label_margins(p: Array) -> Array:
    """(n,) mean over labels of the difference between a label and its absence."""
    return abs(2 * p - 1).mean(0)
