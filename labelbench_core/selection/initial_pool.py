"""The first labelled set: the same for every strategy, proxy and backbone."""

from typing import Literal

import numpy as np

from labelbench_core.errors import InputError


def draw(
    labels: np.ndarray, size: int | Literal["all"], how: str, rng: np.random.Generator
) -> np.ndarray:
    """Draw the first rows to label.

    Parameters
    ----------
    labels
        (N,) classes of the pool; used only if `how` is "class-balanced".
    size
        Number of rows, or "all": the whole pool, in its own order.
    how
        "uniform", or "class-balanced": equally many of every class, as far as possible (a common
        protocol, but one that uses knowledge which no annotator has before the first label).
        Those of a recorded list are not drawn: `recorded.first_rows`.

    Returns
    -------
    (size,) int64 distinct indices in the order drawn.
    """
    if size == "all":
        return np.arange(len(labels))
    if size > len(labels):
        raise InputError(f"initial: {size}; allowed: at most {len(labels)}, the rows of the pool")
    order = rng.permutation(len(labels))
    if how == "uniform":
        return order[:size]
    # The k-th drawn row of each class has rank k: ordered by rank, the classes take turns.
    ranks = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels[order] == label)
        ranks[members] = np.arange(len(members))
    return order[np.argsort(ranks, kind="stable")][:size]
