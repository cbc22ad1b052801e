"""Uniformly at random, without replacement: the baseline of every comparison."""

import numpy as np

from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "random",
    "paper": "-",
    "rule": "uniform among the unlabelled rows, without replacement",
    "cost": "N",
    "needs": [],
    "multilabel": True,
    "kind": "strategy",
    "deterministic": False,
}


def select(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in random order."""
    return rng.choice(pool.unlabeled(), size=budget, replace=False)
