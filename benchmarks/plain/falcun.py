"""Falcun at its plainest: the distances of all predictions to each one chosen."""

import numpy as np

from benchmarks.plain._shared import wide
from benchmarks.plain.margin import margins
from labelbench_core.strategies import Pool


def select(pool: Pool, budget: int, rng: np.random.Generator, *, gamma: float = 10.0) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order drawn."""
    unlabeled = pool.unlabeled()
    predictions = wide(pool.probabilities)[unlabeled]
    relevance = 1 - margins(predictions)
    chosen: list[int] = []
    for _ in range(budget):
        weights = relevance**gamma
        chosen.append(int(rng.choice(len(unlabeled), p=weights / weights.sum())))
        distances = np.abs(predictions - predictions[chosen[-1]]).sum(axis=1)
        relevance = np.minimum(relevance, distances)
        relevance[chosen] = 0
    return unlabeled[chosen]
