"""Core-set selection by greedy k-center (Sener & Savarese 2018, algorithm 1): farthest first.

The labelled rows are the first centres; then, one by one, the row farthest (Euclidean) from its
nearest centre becomes a centre. Without a labelled row, the row of largest norm is the first. Rows
at equal distance go to the lowest index. The picks are those of the plain algorithm in float64;
`kernels.k_center` explains how most of its distances are never computed.
"""

import numpy as np

from labelbench_core.strategies.kernels.k_center import FarthestFirst
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "k-center greedy (core-set)",
    "paper": "Sener & Savarese 2018",
    "rule": "farthest from the nearest labelled or chosen row",
    "cost": "N L + N b distances at most, bounds for most",
    "needs": ["embeddings"],
    "multilabel": True,
    "kind": "strategy",
    "deterministic": True,
}


def select(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, farthest first."""
    search = FarthestFirst(pool.embeddings, pool.labeled, pool.unlabeled(), budget)
    return search.run()
