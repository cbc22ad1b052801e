"""Choosing by a score of each row: one pass over the probabilities, in float64, chunk by chunk."""

from collections.abc import Callable
from typing import Any

import numpy as np

from labelbench_core.strategies.arrays import Array, Rows, cast, host


def score_rows(probabilities: Any, score: Callable[[Array], Array]) -> np.ndarray:
    """(N,) float64: the score of each row.

    `score` maps (C, n) float64 probabilities, one column per row of the pool, to (n,): with few
    classes, that layout is several times faster than its transpose.
    """
    rows = Rows(probabilities)
    scores = np.empty(len(rows))

    def score_chunk(first: int, chunk: Array) -> None:
        scores[first : first + len(chunk)] = host(score(cast(chunk.T, "float64")))

    rows.for_chunks(score_chunk)
    return scores


def lowest(scores: np.ndarray, candidates: np.ndarray, count: int) -> np.ndarray:
    """The `count` candidates of lowest score, lowest first; equal ones by index.

    Parameters
    ----------
    scores
        (N,).
    candidates
        Increasing indices into `scores`.
    """
    if count == 0:
        return np.zeros(0, np.int64)
    values = scores[candidates]
    if count < len(values):
        # Rows above the count-th value cannot be chosen; all that equal it must be considered.
        kept = np.flatnonzero(values <= np.partition(values, count - 1)[count - 1])
        candidates, values = candidates[kept], values[kept]
    return candidates[np.argsort(values, kind="stable")[:count]]


def highest_at_random(scores: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(count,) indices of the highest of (n,) scores, highest first; equal ones in random order."""
    order = rng.permutation(len(scores))
    return order[lowest(-scores[order], np.arange(len(order)), count)]
