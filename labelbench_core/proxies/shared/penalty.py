"""The penalty of a linear probe, by cross-validation within the labelled set."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from labelbench_core.compute.likelihoods import likelihood_of
from labelbench_core.compute.logistic import solve
from labelbench_core.compute.threads import ordered_map

FOLDS = 5
# With many labels, fewer folds suffice: as many as hold out this many rows together.
HELD_OUT_ROWS = 1000
TOLERANCE = 5e-3  # of the fits that only compare penalties
STEP = 10**0.5
# Half decades per label with up to `FEW` classes: from 10**-4 to 10**2, and where search begins.
LOWEST, HIGHEST, FIRST = -8, 4, -2
FEW = 10
# From so many values of the design times classes on, threads may pay: with fewer, two of them take
# a third to half as long again as one, and longer on a busy machine: they wait for each other.
WORTH_THREADS = 5_000_000
# From so many values of the design times classes on, the search begins on a part of the rows.
LARGE = 2_000_000_000
SHARE = 4  # that part is one row in so many


@dataclass(frozen=True)
class Choice:
    """A penalty, and how it was found.

    Attributes
    ----------
    penalty
        The penalty per label.
    at_edge
        Whether the best of the grid is its first or its last value, so that a better one may lie
        beyond.
    flops
        Floating-point operations of all fits, estimated as `Solution` says.
    """

    penalty: float
    at_edge: bool
    flops: int


def choose_penalty(
    features: np.ndarray,
    labels: np.ndarray,
    num_classes: int,
    start: float | None,
    rng: np.random.Generator,
    threads: int = 1,
    prior: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> Choice:
    """The penalty per label with the smallest held-out negative log-likelihood.

    It is found by descent on the half decades of `grid`, then refined by the parabola through the
    minimum and its neighbours. It is per label, because the best penalty in all grows with the
    number of labels: what holds for the four fifths of them in the folds holds for all, and for
    the next rounds.

    The likelihood is used rather than the accuracy because it is smooth: accuracies of small
    held-out sets are equal for most penalties, and noise decides.

    Where a fit is long (`LARGE`), the descent is made first in whole decades, on one row in
    `SHARE`, and then goes on, in half decades and on all rows, from where that ended: fewer rows
    need a stronger penalty, so that a few steps remain, but the decision uses all rows.

    Parameters
    ----------
    features
        (L, D) float32 standardised features.
    labels
        (L,) int64 classes, or (L, C) of 0 and 1.
    start
        Where to begin: the choice of an earlier round, or None.
    prior
        As for `logistic.solve`.
    weights
        (L,) float32 weights of the rows, trained on and held out; None: all are 1.
    """
    # Classes that do not exclude each other are problems of two classes, however many there are.
    lowest, highest, first = grid(num_classes if labels.ndim == 1 else FEW)
    if len(labels) < 2:
        return Choice(start or STEP**first, False, 0)
    order = rng.permutation(len(labels))
    fold_of = np.empty(len(labels), np.int64)
    fold_of[order] = np.arange(len(labels)) % min(FOLDS, len(labels))
    used = -(-HELD_OUT_ROWS // max(1, len(labels) // FOLDS))
    folds = [fold_of == fold for fold in range(min(FOLDS, len(labels), used))]
    parts = [_Fold(features, labels, num_classes, held_out, prior, weights) for held_out in folds]
    # Threads go to the folds where there are enough of them, else into the solver.
    threads = threads if features.size * num_classes >= WORTH_THREADS else 1
    across, within = (threads, 1) if len(parts) >= threads else (1, threads)

    @functools.cache
    def loss(exponent: int, share: int = 1) -> float:
        losses = ordered_map(lambda fold: fold.loss(STEP**exponent, within, share), parts, across)
        return sum(losses)

    here = first if start is None else round(np.log(start) / np.log(STEP))
    here = int(np.clip(here, lowest, highest))
    if start is None and features.size * num_classes >= LARGE:
        here = _descend(lambda exponent: loss(exponent, SHARE), here, lowest, highest, 2)
        for part in parts:
            part.start = None  # a weak penalty's solution: those of strong ones would be near it
    here = _descend(loss, here, lowest, highest, 1)
    refined = float(here)
    if lowest < here < highest:
        below, at, above = loss(here - 1), loss(here), loss(here + 1)
        bend = below - 2 * at + above
        if bend > 0:
            refined += 0.5 * (below - above) / bend
    flops = sum(part.flops for part in parts)
    return Choice(float(f"{STEP**refined:.4g}"), here in (lowest, highest), flops)


def grid(num_classes: int) -> tuple[int, int, int]:
    """The lowest and the highest half decade of the grid, and the start.

    What a penalty is measured against, the curvature of the mean loss, falls with the number of
    classes C: it is p (1 - p) for a class of share p, some 1 / C. So the lower end and the start
    are divided by C / `FEW`. The upper end stays: uninformative labels need a strong penalty,
    however many classes there are. The start is strong, because a fit that stops early acts like
    one with a stronger penalty, and must not seem better for it.
    """
    lower = round(np.log(max(num_classes, FEW) / FEW) / np.log(STEP))
    return LOWEST - lower, HIGHEST, FIRST - lower


def _descend(loss: Callable[[int], float], here: int, lowest: int, highest: int, by: int) -> int:
    """The local minimum reached by steps `by`, at first upwards, to stronger penalties."""
    for step in (by, -by):
        moved = False
        while lowest <= here + step <= highest and loss(here + step) < loss(here):
            here += step
            moved = True
        if moved:
            break
    return here


class _Fold:
    """One division into rows to train on and rows held out."""

    def __init__(
        self,
        features: np.ndarray,
        labels: np.ndarray,
        num_classes: int,
        held_out: np.ndarray,
        prior: np.ndarray | None,
        weights: np.ndarray | None,
    ) -> None:
        self.train, self.train_labels = features[~held_out], labels[~held_out]
        self.test, self.test_labels = features[held_out], labels[held_out]
        self.weights = None if weights is None else weights[~held_out]
        self.test_weights = None if weights is None else weights[held_out]
        self.num_classes, self.prior = num_classes, prior
        self.start: np.ndarray | None = None
        self.flops = 0

    def loss(self, penalty: float, threads: int, share: int) -> float:
        """Negative log-likelihood of the rows held out, after training on one row in `share`.

        The training starts from the solution for the previous penalty.
        """
        rows = self.train[::share]
        weights = None if self.weights is None else self.weights[::share]
        solution = solve(
            rows,
            self.train_labels[::share],
            self.num_classes,
            penalty * total_weight(rows, weights),
            TOLERANCE,
            500,
            threads,
            self.start,
            self.prior,
            weights,
        )
        self.start = np.vstack([solution.weights, solution.bias])
        self.flops += solution.flops
        logits = self.test @ solution.weights.astype(np.float32)
        logits += solution.bias.astype(np.float32)
        likelihood = likelihood_of(self.test_labels)
        return likelihood.loss(logits, self.test_labels, self.test_weights)


def total_weight(rows: np.ndarray, weights: np.ndarray | None) -> float:
    """What penalties per label are multiplied by: the number of rows, or their weights' sum."""
    return len(rows) if weights is None else float(weights.sum(dtype=np.float64))
