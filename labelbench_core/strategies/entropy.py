"""Entropy (Shannon 1948; Settles 2009): the rows whose predictive distribution is most spread.

Score: −Σ_c p(c | x) log p(c | x), highest first, with 0 log 0 = 0. Multi-label: the sum over labels
of the entropy of (p, 1 − p). Equal scores go to the lowest index.
"""

import numpy as np

from labelbench_core.strategies.arrays import Array, namespace
from labelbench_core.strategies.kernels.scores import lowest, score_rows
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "entropy",
    "paper": "Shannon 1948; Settles 2009",
    "rule": "highest entropy of the predictive distribution",
    "cost": "N C",
    "needs": ["probabilities"],
    "multilabel": True,
    "kind": "strategy",
    "deterministic": True,
}


def select(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, highest entropy first."""
    score = _negative_label_entropy if pool.multilabel else _negative_entropy
    return lowest(score_rows(pool.probabilities, score), pool.unlabeled(), budget)


def _negative_entropy(p: Array) -> Array:
    xp = namespace(p)
    return (p * xp.log(xp.where(p > 0, p, 1.0))).sum(0)


def _negative_label_entropy(p: Array) -> Array:
    return _negative_entropy(p) + _negative_entropy(1 - p)
