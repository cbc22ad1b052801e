"""Uniform draws, as LabelBench makes them."""

import numpy as np

from labelbench_core.strategies import Pool


def select(pool: Pool, budget: int, rng: np.random.Generator) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices."""
    return rng.choice(pool.unlabeled(), size=budget, replace=False)
