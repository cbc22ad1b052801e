"""CVIRS (Reyes et al. 2018): category vector inconsistency and ranking of scores; multi-label only.

Score: s · v, highest first.

- s joins one ranking per label by Borda counts. Label l ranks the unlabelled rows by their margin
  |p_l − (1 − p_l)|, the smallest first; a row at place τ_l of n gets Σ_l (n − τ_l) / (C (n − 1)).
- v is the mean, over the labelled rows, of the distance between the labels predicted for the row
  and theirs, both as vectors of C values 0 or 1. The distance is 1 where all values differ, else
  the normalised entropy distance (2 H(a, b) − H(a) − H(b)) / H(a, b): H(a) is the entropy of a
  vector's shares of 1 and 0, H(a, b) that of the shares of its four pairs of values.

A label is predicted from p = ½ on. Rows with the same margin share the mean of their places, which
the paper leaves open; two equal vectors of one value alone, where the distance is 0 / 0, are at
distance 0. Equal scores, of which there are many, come in random order.

The distance depends only on how many labels a, b and both have, and few vectors are distinct:
`kernels.category_vectors` takes each once.
"""

import numpy as np

from labelbench_core.strategies.kernels.category_vectors import inconsistencies
from labelbench_core.strategies.kernels.relevance import probabilities_of
from labelbench_core.strategies.kernels.scores import highest_at_random
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "CVIRS",
    "paper": "Reyes et al. 2018",
    "rule": "small margins over all labels, and predicted labels unlike those of labelled rows",
    "cost": "C N log N; distances of different label vectors",
    "needs": ["probabilities", "labels"],
    "multilabel": "only",
    "kind": "strategy",
    "deterministic": False,
}


def select(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, highest score first."""
    unlabeled = pool.unlabeled()
    p = probabilities_of(pool, unlabeled)
    scores = borda_scores(abs(2 * p - 1)) * inconsistencies(p >= 0.5, pool.labels > 0)
    return unlabeled[highest_at_random(scores, budget, rng)]


def borda_scores(margins: np.ndarray) -> np.ndarray:
    """(n,) s: from 0, the largest margin for all labels, to 1, the smallest for all.

    Parameters
    ----------
    margins
        (n, C).
    """
    count, classes = margins.shape
    points = np.zeros(count)
    for column in margins.T:
        order = np.argsort(column)
        values = column[order]
        starts = np.flatnonzero(np.append(True, values[1:] != values[:-1])[: len(values)])
        sizes = np.diff(np.append(starts, count))
        # The mean of the places from start + 1 to start + size.
        points[order] += count - np.repeat(starts + (sizes + 1) / 2, sizes)
    return points / (classes * max(count - 1, 1))
