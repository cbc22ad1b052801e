"""The first labelled set: the same for every strategy, proxy and backbone."""

from typing import Literal

import numpy as np

from labelbench_core.errors import InputError


def draw(
    labels: np.ndarray | int, size: int | Literal["all"], how: str, rng: np.random.Generator
) -> np.ndarray:
    """Draw the first rows to label.

    Parameters
    ----------
    labels
        (N,) classes of the pool, or N where they are not known; used only if `how` is
        "class-balanced".
    size
        Number of rows, or "all": the whole pool, in its own order.
    how
        "uniform", or "class-balanced": equally many of every class, as far as possible (a common
        protocol, but one that uses knowledge which no annotator has before the first label).
        The rows of a recorded list are not drawn: see `recorded.first_rows`.

    Returns
    -------
    (size,) int64 distinct indices in the order drawn.
    """
    count = labels if isinstance(labels, int) else len(labels)
    if size == "all":
        return np.arange(count)
    if size > count:
        raise InputError(f"initial: {size}; allowed: at most {count}, the rows of the pool")
    order = rng.permutation(count)
    if how == "uniform":
        return order[:size]
    if isinstance(labels, int):
        raise InputError(f"draw: {how!r} needs labels of the pool; allowed without: uniform")
    # The k-th drawn row of each class has rank k: ordered by rank, the classes take turns.
    ranks = np.empty(count, np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels[order] == label)
        ranks[members] = np.arange(len(members))
    return order[np.argsort(ranks, kind="stable")][:size]
