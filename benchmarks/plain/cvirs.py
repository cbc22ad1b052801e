"""CVIRS at its plainest: every unlabelled row against every labelled one."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from benchmarks.plain._shared import highest_at_random, wide
from labelbench_core.strategies import Pool


def select(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, highest score first."""
    unlabeled = pool.unlabeled()
    p = wide(pool.probabilities)[unlabeled]
    scores = ranking(p) * np.array([inconsistency(row >= 0.5, pool.labels) for row in p])
    return unlabeled[highest_at_random(scores.round(12), budget, rng)]


def ranking(p: np.ndarray) -> np.ndarray:
    """(n,) Borda counts of the margins, all labels' together, from 0 to 1."""
    count, classes = p.shape
    places = np.stack([rankdata(abs(column - (1 - column))) for column in p.T])
    return (count - places).sum(axis=0) / (classes * max(count - 1, 1))


def inconsistency(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Mean distance of a vector to the labelled rows'."""
    return math.fsum(distance(predicted, known) for known in labels) / len(labels)


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """1 for opposite vectors, else their normalised entropy distance."""
    if (a != b).all():
        return 1.0
    both = entropy(list(zip(a.tolist(), b.tolist(), strict=True)))
    apart = 2 * both - entropy(a.tolist()) - entropy(b.tolist())
    return max(apart / both, 0.0) if both else 0.0


def entropy(values: Sequence[object]) -> float:
    """Entropy of the shares of equal values, in bits."""
    shares = [values.count(value) / len(values) for value in set(values)]
    return -sum(share * math.log2(share) for share in shares)
