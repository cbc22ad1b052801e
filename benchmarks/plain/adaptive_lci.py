"""Adaptive LCI at its plainest: every β trained and judged, row by row; our logistic regression."""

import numpy as np

from benchmarks.plain._shared import wide
from benchmarks.plain.lci import gaps
from labelbench_core.compute.logistic import solve
from labelbench_core.strategies import Pool


def select(
    pool: Pool, budget: int, rng: np.random.Generator, *, penalty: float = 0.1
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, highest score first."""
    unlabeled = pool.unlabeled()
    p = wide(pool.probabilities)[unlabeled]
    uncertainty = np.array([1 / max(margin(row), 2.0**-23) for row in p])
    inconsistency = gaps(p, pool.labels)
    order = rng.permutation(len(unlabeled))
    best, lowest_error = np.zeros(0, np.int64), np.inf
    for beta in [tenth / 10 for tenth in range(11)]:
        scores = uncertainty**beta * inconsistency ** (1 - beta)
        batch = order[np.argsort(-scores[order], kind="stable")[:budget]]
        error = error_after(pool, unlabeled, batch, p >= 0.5, penalty)
        if error < lowest_error * (1 - 1e-5):
            best, lowest_error = batch, error
    return unlabeled[best]


def margin(row: np.ndarray) -> float:
    """The gap in 2p − 1 between predicted labels and others; at least one label on both sides."""
    if len(row) == 1:
        return abs(2 * row[0] - 1)
    ordered = sorted(row.tolist(), reverse=True)
    predicted = sum(value >= 0.5 for value in ordered)
    predicted = min(max(predicted, 1), len(ordered) - 1)
    return 2 * (ordered[predicted - 1] - ordered[predicted])


def error_after(
    pool: Pool, unlabeled: np.ndarray, batch: np.ndarray, predicted: np.ndarray, penalty: float
) -> float:
    """The approximate error after a training with the batch's predicted labels."""
    known = wide(pool.embeddings)[pool.labeled]
    middle = known.mean(axis=0)
    scale = np.sqrt(np.square(known - middle).mean()) or 1.0
    points = ((wide(pool.embeddings) - middle) / scale).astype(np.float32)
    rows = np.concatenate([pool.labeled, unlabeled[batch]])
    labels = np.concatenate([pool.labels, predicted[batch].astype(np.int64)])
    found = solve(points[rows], labels, pool.num_classes, penalty * len(rows), 1e-4, 500)
    total = 0.0
    for row in points[unlabeled]:
        f = 2 / (1 + np.exp(-(row @ found.weights + found.bias))) - 1
        total += max((1 - value for value in f if value >= 0), default=0.0)
        total += max((1 + value for value in f if value < 0), default=0.0)
    return total
