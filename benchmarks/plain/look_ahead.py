"""The ceiling look-ahead at its plainest: every batch from a strategy's plain form, then a fit."""

from collections.abc import Callable

import numpy as np

from benchmarks.plain import badge, confidence, entropy, margin, random, typiclust
from labelbench_core.strategies import Pool
from labelbench_core.strategies.kernels.sub_pool import sub_pool

CANDIDATES = (random, margin, entropy, confidence, badge, typiclust)


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    truth: np.ndarray,
    fit: Callable[[np.ndarray], float],
    *,
    batches: int = 100,
    largest_subset: int = 10_000,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices."""
    best, highest = np.empty(0, np.int64), -np.inf
    for number in range(batches):
        rows = pool.unlabeled()
        if number > len(CANDIDATES):
            size = np.exp(rng.uniform(np.log(budget), np.log(min(len(rows), largest_subset))))
            rows = np.sort(rng.choice(rows, round(size), replace=False))
        turn = number % (len(CANDIDATES) + 1)
        if turn == len(CANDIDATES):
            batch = mistakes(pool, rows, budget, truth, rng)
        else:
            part, places = sub_pool(pool, rows)
            batch = places[CANDIDATES[turn].select(part, budget, rng)]
        if (score := fit(batch)) > highest:
            best, highest = batch, score
    return best


def mistakes(
    pool: Pool, rows: np.ndarray, budget: int, truth: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """(budget,) rows that are predicted wrongly, at random; then those least likely to be right."""
    predicted = np.asarray(pool.probabilities)[rows]
    likelihood = predicted[np.arange(len(rows)), truth[rows]].astype(np.float64)
    wrong = predicted.argmax(axis=1) != truth[rows]
    likelihood[wrong] = -rng.random(wrong.sum())
    return rows[np.argsort(likelihood, kind="stable")[:budget]]
