"""Labels of some classes confused with others, each pair of classes with a probability of its own.

Labels follow the flip matrix of Patrini et al., "Making Deep Neural Networks Robust to Label Noise:
a Loss Correction Approach", CVPR 2017, section 3: a label depends on the true class alone.
"""

from collections.abc import Sequence

import numpy as np

from labelbench_core.annotators import PoolFacts, Truth
from labelbench_core.errors import InputError, did_you_mean, listed, shown, shown_value
from labelbench_core.registry.options import Seed, Share
from labelbench_core.seeds import rng_for

INFO = {
    "summary": "labels confused between given pairs of classes",
    "paper": "Patrini et al. 2017",
    "required": ["flips"],
}
ROUNDING = 1e-9  # of the sum of a class's shares


def check(
    facts: PoolFacts,
    *,
    flips: Sequence[tuple[str | int, str | int, Share]] = (),
    seed: Seed = 0,
) -> None:
    """`InputError` where a class is unknown, or the probabilities of its flips exceed 1 in sum."""
    if facts.class_names is not None:
        flip_matrix(flips, facts.class_names)


def annotate(
    truth: Truth,
    *,
    flips: Sequence[tuple[str | int, str | int, Share]] = (),
    seed: Seed = 0,
) -> np.ndarray:
    """(N,) int64 labels, each drawn from the row of its true class in the flip matrix.

    Parameters
    ----------
    truth
        The pool.
    flips
        Triples of a class, the class that it is mistaken for, and the probability of that, such as
        `[cat, dog, 0.2]`. Classes are given by name, or by number from zero. Default: ours.
    seed
        Seed of the draw, which also depends on the data set's id. It is not the experiment's seed:
        the labels are the same for all seeds of an experiment. Default: ours.
    """
    ends = np.cumsum(flip_matrix(flips, truth.class_names), axis=1)
    drawn = rng_for("class-noise", truth.dataset, seed).random(len(truth.labels))
    ends[:, -1] = 1.0  # whatever was lost in rounding
    # How many classes end below the number drawn: the class whose interval it lies in.
    labels = np.empty_like(truth.labels)
    for label in range(len(ends)):
        rows = np.flatnonzero(truth.labels == label)
        labels[rows] = np.searchsorted(ends[label], drawn[rows], side="right")
    return labels


def flip_matrix(
    flips: Sequence[tuple[str | int, str | int, float]], class_names: Sequence[str]
) -> np.ndarray:
    """(C, C) probabilities of a label (column) given the true class (row); rows sum to 1."""
    matrix = np.zeros((len(class_names), len(class_names)))
    for given, taken_for, share in flips:
        true, said = (_number(one, class_names) for one in (given, taken_for))
        told = f"options.flips: {shown_value([given, taken_for, share])}"
        if true == said:
            raise InputError(f"{told}; allowed: two different classes")
        if matrix[true, said]:
            raise InputError(f"{told}: the same two classes twice; allowed: each pair once")
        matrix[true, said] = share
    sums = matrix.sum(axis=1)
    if len(over := np.flatnonzero(sums > 1 + ROUNDING)):
        raise InputError(
            f"options.flips: the shares of {class_names[over[0]]!r} sum to {sums[over[0]]:g}; "
            "allowed: at most 1"
        )
    matrix[np.diag_indices_from(matrix)] = np.maximum(1 - sums, 0)
    return matrix


def _number(given: str | int, class_names: Sequence[str]) -> int:
    """The label of a class that is given by its name or by its number."""
    if isinstance(given, str):
        if given not in class_names:
            hint = did_you_mean(given, class_names)
            told = f"options.flips: {shown(given)}: no such class{hint}"
            raise InputError(f"{told}; allowed: {listed(class_names)}")
        return list(class_names).index(given)
    if not 0 <= given < len(class_names):
        raise InputError(f"options.flips: class {given}; allowed: 0 to {len(class_names) - 1}")
    return int(given)
