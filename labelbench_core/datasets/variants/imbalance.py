"""Imbalanced variants of a data set: classes merged into one, a long tail.

Both are functions of labels alone, so that sizes are known before any job.
"""

from collections.abc import Sequence

import numpy as np

from labelbench_core.errors import InputError
from labelbench_core.seeds import rng_for

OTHERS = "others"
"""Name of the class that the last ones are merged into."""


def merged_names(class_names: Sequence[str], count: int) -> list[str]:
    """Names of `count` classes: the first `count` - 1 as they are, and one for all others.

    As the `_imb_K` data sets of LabelBench (arXiv 2306.09910).

    Raises
    ------
    InputError
        Unless there are more classes than `count`, none of which has the name of the new one.
    """
    if count >= len(class_names):
        raise InputError(
            f"merge_classes: {count}; the data set has {len(class_names)} classes; allowed: 2 to "
            f"{len(class_names) - 1}"
        )
    kept = list(class_names[: count - 1])
    if OTHERS in kept:
        raise InputError(
            f"merge_classes: {count}; a class that is kept is called {OTHERS!r}, as the merged one "
            f"is to be; allowed: 2 to {kept.index(OTHERS) + 1}"
        )
    return [*kept, OTHERS]


def merged(labels: np.ndarray, count: int) -> np.ndarray:
    """(N,) labels, those from `count` - 1 on replaced by `count` - 1."""
    return np.minimum(labels, count - 1)


def long_tail_counts(counts: np.ndarray, ratio: float) -> np.ndarray:
    r"""Images of each class under an exponential profile.

    :math:`n_c = \lfloor n_0 \, r^{-c / (C - 1)} \rfloor`, classes :math:`c = 0, …, C - 1` in the
    data set's order, of which the first keeps all of its images; a class that has fewer keeps them
    all, too. Cui et al., "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019,
    section 5.1, where all classes have as many images.

    Parameters
    ----------
    counts
        (C,) images of each class.
    ratio
        :math:`r \ge 1`, of the profile's first class to its last.
    """
    exponents = np.arange(len(counts)) / max(len(counts) - 1, 1)
    # Rounded first: powers of another machine may differ in the last digit.
    profile = np.floor(np.round(counts[0] * float(ratio) ** -exponents, 6))
    return np.minimum(profile.astype(np.int64), counts)


def long_tail_rows(
    labels: np.ndarray, class_names: Sequence[str], source: str, ratio: float
) -> np.ndarray:
    """Sorted rows of a pool that a long tail keeps; those of a larger ratio are among them.

    Parameters
    ----------
    labels
        (N,) int64 labels of the pool.
    class_names
        Names of the labels 0, 1, …
    source
        The component that the pool comes from: it decides which rows are drawn.
    ratio
        See `long_tail_counts`.

    Raises
    ------
    InputError
        If a class would lose all of its images.
    """
    counts = np.bincount(labels, minlength=len(class_names))
    if not counts.all():  # told by whoever checks the data set
        return np.arange(len(labels))
    kept = long_tail_counts(counts, ratio)
    lost = np.flatnonzero(kept == 0)
    if len(lost):
        raise InputError(
            f"long_tail: ratio: {ratio:g}; it leaves no image of class {class_names[lost[0]]} "
            f"(classes lost: {len(lost)}); allowed: 1 to {counts[0]}, the first class's images"
        )
    order = rng_for("long-tail", source).permutation(len(labels))
    drawn = labels[order]
    rows = [order[np.flatnonzero(drawn == label)[:most]] for label, most in enumerate(kept)]
    return np.sort(np.concatenate(rows))
