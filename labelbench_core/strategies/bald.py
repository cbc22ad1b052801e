"""BALD (Houlsby et al. 2011): the rows on which an ensemble's members disagree most.

Score: H(mean over members of p) − mean over members of H(p), the information that a row's label
gives about which member is right; highest first. Multi-label: the sum over labels of this score of
(p, 1 − p).
Scores up to 1e-12 are rounding and count as 0. Equal scores go to the lowest index.
"""

from typing import Any

import numpy as np

from labelbench_core.errors import InputError
from labelbench_core.strategies.arrays import Array, Rows, cast, host, namespace
from labelbench_core.strategies.kernels.scores import lowest
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "BALD",
    "paper": "Houlsby et al. 2011",
    "rule": "highest mutual information between label and ensemble member",
    "cost": "M N C",
    "needs": ["member_probabilities"],
    "multilabel": True,
    "kind": "strategy",
    "deterministic": True,
}
LEAST_MEMBERS = 2


def select(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, highest score first."""
    scores = disagreements(pool.member_probabilities, multilabel=pool.multilabel)
    return lowest(-scores, pool.unlabeled(), budget)


def disagreements(member_probabilities: Any, *, multilabel: bool) -> np.ndarray:
    """(N,) float64 score of each row, read chunk by chunk from all members at once."""
    members = [Rows(member) for member in member_probabilities]
    if len(members) < LEAST_MEMBERS:  # all scores would be 0, and the picks those of lowest index
        raise InputError(
            f"member_probabilities: {len(members)} members; allowed: at least {LEAST_MEMBERS}, "
            "which can disagree"
        )
    scores = np.empty(len(members[0]))
    for parts in zip(*(member.chunks() for member in members), strict=True):
        first, count = parts[0][0], len(parts[0][1])
        mean: Any = 0.0
        expected: Any = 0.0
        for _, chunk in parts:
            p = cast(chunk.T, "float64")  # classes first: several times faster with few classes
            mean = mean + p / len(members)
            expected = expected + _entropies(p, multilabel) / len(members)
        scores[first : first + count] = host(_entropies(mean, multilabel) - expected)
    return np.where(scores > 1e-12, scores, 0.0)


def _entropies(p: Array, multilabel: bool) -> Array:
    xp = namespace(p)
    entropies = -(p * xp.log(xp.where(p > 0, p, 1.0))).sum(0)
    return entropies + _entropies(1 - p, False) if multilabel else entropies
