"""Least confidence (Lewis & Gale 1994): the rows whose most likely label is least likely.

Score: max_c p(c | x), lowest first. Multi-label: each label is a two-class problem, and the score
is the mean over labels of max(p, 1 − p). Equal scores go to the lowest index.
"""

import numpy as np

from labelbench_core.strategies.arrays import Array, namespace
from labelbench_core.strategies.kernels.scores import lowest, score_rows
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "least confidence",
    "paper": "Lewis & Gale 1994",
    "rule": "lowest probability of the most likely class",
    "cost": "N C",
    "needs": ["probabilities"],
    "multilabel": True,
    "kind": "strategy",
    "deterministic": True,
}


def select(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, least confident first."""
    score = _mean_label_confidence if pool.multilabel else _confidence
    return lowest(score_rows(pool.probabilities, score), pool.unlabeled(), budget)


def _confidence(p: Array) -> Array:
    return namespace(p).amax(p, 0)


def _mean_label_confidence(p: Array) -> Array:
    return namespace(p).maximum(p, 1 - p).mean(0)
