"""The penalty of a linear probe, by cross-validation within the labelled set."""

import functools

import numpy as np

from labelbench_core.proxies.logistic import softmax, solve

FOLDS = 5
# With many labels, fewer folds tell the same: as many are held out as hold this many rows.
HELD_OUT_ROWS = 2000
TOLERANCE = 1e-2  # of the fits that only compare penalties
DEFAULT = 10.0
STEP = 10**0.5
LOWEST, HIGHEST = -4, 8  # penalties from 10**-2 to 10**4, in steps of half a decade


def choose_penalty(
    features: np.ndarray,
    labels: np.ndarray,
    num_classes: int,
    start: float | None,
    rng: np.random.Generator,
    threads: int = 1,
) -> float:
    """The penalty with the smallest held-out negative log-likelihood, found by descent on a grid.

    The likelihood is used rather than the accuracy because it is smooth: accuracies of small
    held-out sets are equal for most penalties, and noise decides.

    Parameters
    ----------
    features
        (L, D) float32 standardised features.
    labels
        (L,) int64.
    start
        Where to begin: the choice of an earlier round, or None.
    """
    if len(labels) < 2:
        return start or DEFAULT
    order = rng.permutation(len(labels))
    fold_of = np.empty(len(labels), np.int64)
    fold_of[order] = np.arange(len(labels)) % min(FOLDS, len(labels))
    used = -(-HELD_OUT_ROWS // max(1, len(labels) // FOLDS))
    folds = [fold_of == fold for fold in range(min(FOLDS, len(labels), used))]
    starts: list[np.ndarray | None] = [None] * len(folds)

    @functools.cache
    def loss(exponent: int) -> float:
        total = 0.0
        for number, held_out in enumerate(folds):
            solution = solve(
                features[~held_out],
                labels[~held_out],
                num_classes,
                STEP**exponent,
                TOLERANCE,
                500,
                threads,
                starts[number],
            )
            starts[number] = np.vstack([solution.weights, solution.bias])
            logits = features[held_out] @ solution.weights.astype(np.float32)
            logits += solution.bias.astype(np.float32)
            truth = softmax(logits)[np.arange(len(logits)), labels[held_out]]
            total -= float(np.log(np.maximum(truth, np.finfo(np.float32).tiny)).sum())
        return total

    here = round(np.log(start or DEFAULT) / np.log(STEP))
    for direction in (1, -1):
        moved = False
        while LOWEST <= here + direction <= HIGHEST and loss(here + direction) < loss(here):
            here += direction
            moved = True
        if moved:
            break
    return float(f"{STEP**here:.6g}")
