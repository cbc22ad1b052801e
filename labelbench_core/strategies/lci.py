"""LCI (Li & Guo 2013): label cardinality inconsistency; multi-label only.

Score: |number of predicted labels − mean number of labels of the labelled rows|, highest first.
Numbers of labels take few values, so that many rows are equal, and the paper leaves open which of
them comes first: here they are drawn at random. A label is predicted from p = ½ on.
"""

import numpy as np

from labelbench_core.strategies.kernels.relevance import cardinality_gaps, probabilities_of
from labelbench_core.strategies.kernels.scores import highest_at_random
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "LCI",
    "paper": "Li & Guo 2013",
    "rule": "number of predicted labels farthest from the labelled rows' mean",
    "cost": "N C",
    "needs": ["probabilities", "labels"],
    "multilabel": "only",
    "kind": "strategy",
    "deterministic": False,
}


def select(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, most inconsistent first."""
    unlabeled = pool.unlabeled()
    gaps = cardinality_gaps(probabilities_of(pool, unlabeled), pool.labels)
    return unlabeled[highest_at_random(gaps, budget, rng)]
