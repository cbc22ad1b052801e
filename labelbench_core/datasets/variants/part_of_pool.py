"""A random part of the pool, and whether it still has every class."""

from collections.abc import Sequence

import numpy as np

from labelbench_core.datasets import class_counts
from labelbench_core.errors import InputError
from labelbench_core.seeds import rng_for


def part_of_pool(count: int, source: str, size: int) -> np.ndarray:
    """The sorted rows, `size` of `count`, that are kept of a pool of the component `source`."""
    return np.sort(_order(count, source)[:size])


def check_pool_size(labels: np.ndarray, class_names: Sequence[str], source: str, size: int) -> None:
    """`InputError` unless the part of the pool of that size still has all of the pool's classes.

    Parameters
    ----------
    labels
        (N,) int64 labels of the whole pool, or (N, C) of 0 and 1.
    class_names
        Names of the classes 0, 1, …
    source
        The component that the pool comes from: it decides which rows are drawn.
    size
        Number of rows of the part.

    Raises
    ------
    InputError
        Naming the size that is allowed, and a class that would be lost.
    """
    if size > len(labels):
        raise InputError(f"pool_size: {size}; allowed: at most {len(labels)}")
    drawn = labels[_order(len(labels), source)]
    counts = class_counts(labels, len(class_names))
    present = np.flatnonzero(counts)
    if labels.ndim > 1:
        first = drawn.argmax(axis=0)[present]
    else:
        first = np.unique(drawn, return_index=True)[1]
    lost = present[first >= size]
    if len(lost):
        rarest = int(lost[np.argmin(counts[lost])])
        count = int(counts[rarest])
        raise InputError(
            f"pool_size: {size}; it leaves no image of class {class_names[rarest]}, which has "
            f"{count} of the pool's {len(labels)} (classes lost: {len(lost)}); allowed: "
            f"{int(first.max()) + 1} to {len(labels)}"
        )


def _order(count: int, source: str) -> np.ndarray:
    """The rows of a pool in an order of which every part is a prefix."""
    return rng_for("part-of-pool", source).permutation(count)
