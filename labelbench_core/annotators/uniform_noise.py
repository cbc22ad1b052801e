"""A share of the labels replaced by another class's, every other class being equally likely.

The published experiments with label noise have a share of 0.1 (Zhang et al. 2024, LabelBench).
"""

import numpy as np

from labelbench_core.annotators import Truth
from labelbench_core.errors import InputError
from labelbench_core.registry.options import Seed, Share
from labelbench_core.seeds import rng_for

INFO = {
    "summary": "a share of the labels replaced by another class's, drawn uniformly",
    "paper": "Zhang et al. 2024 (LabelBench)",
}


def annotate(truth: Truth, *, share: Share = 0.1, seed: Seed = 0) -> np.ndarray:
    """(N,) int64 labels, each replaced with the probability `share`, independently of the others.

    Parameters
    ----------
    truth
        The pool.
    share
        Probability that a label is replaced; the replacement is never the true class.
        Default: LabelBench's.
    seed
        Seed of the draw, which also depends on the data set's id. It is not the experiment's seed:
        the labels are the same for all seeds of an experiment. Default: ours.
    """
    classes = len(truth.class_names)
    if classes < 2:
        raise InputError(f"data set {truth.dataset!r}: {classes} class; allowed: at least 2")
    rng = rng_for("uniform-noise", truth.dataset, seed)
    flipped = rng.random(len(truth.labels)) < share
    # From 1 to C - 1 classes further on: any class but its own.
    moved = (truth.labels + rng.integers(1, classes, len(truth.labels))) % classes
    return np.where(flipped, moved, truth.labels)
