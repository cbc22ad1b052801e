"""The penalty of a linear probe, by cross-validation within the labelled set."""

import functools

import numpy as np

from labelbench_core.parallel import ordered_map
from labelbench_core.proxies.logistic import softmax, solve

FOLDS = 5
# With many labels, fewer folds tell the same: as many are held out as hold this many rows.
HELD_OUT_ROWS = 1000
TOLERANCE = 5e-3  # of the fits that only compare penalties
# Strong: a fit that stops early acts like one with a stronger penalty, and must not seem better by
# it.
DEFAULT = 0.1
STEP = 10**0.5
LOWEST, HIGHEST = -8, 4  # penalties from 10**-4 to 10**2 per label, in steps of half a decade


def choose_penalty(
    features: np.ndarray,
    labels: np.ndarray,
    num_classes: int,
    start: float | None,
    rng: np.random.Generator,
    threads: int = 1,
    prior: np.ndarray | None = None,
) -> tuple[float, int]:
    """The penalty per label with the smallest held-out negative log-likelihood.

    Found by descent on a grid of half decades, then refined by the parabola through the minimum and
    its neighbours. Per label, because the best penalty grows with their number: what the folds
    tell about four fifths of the labels holds for all of them, and for those of the next rounds.

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
    prior
        As for `logistic.solve`.

    Returns
    -------
    The penalty, and the floating-point operations of all fits, estimated as `Solution` says.
    """
    if len(labels) < 2:
        return start or DEFAULT, 0
    order = rng.permutation(len(labels))
    fold_of = np.empty(len(labels), np.int64)
    fold_of[order] = np.arange(len(labels)) % min(FOLDS, len(labels))
    used = -(-HELD_OUT_ROWS // max(1, len(labels) // FOLDS))
    folds = [fold_of == fold for fold in range(min(FOLDS, len(labels), used))]
    parts = [_Fold(features, labels, num_classes, held_out, prior) for held_out in folds]
    # Threads go to the folds where there are enough of them, else into the solver.
    across, within = (threads, 1) if len(parts) >= threads else (1, threads)

    @functools.cache
    def loss(exponent: int) -> float:
        return sum(ordered_map(lambda fold: fold.loss(STEP**exponent, within), parts, across))

    here = int(np.clip(round(np.log(start or DEFAULT) / np.log(STEP)), LOWEST, HIGHEST))
    for direction in (1, -1):
        moved = False
        while LOWEST <= here + direction <= HIGHEST and loss(here + direction) < loss(here):
            here += direction
            moved = True
        if moved:
            break
    if LOWEST < here < HIGHEST:
        below, at, above = loss(here - 1), loss(here), loss(here + 1)
        bend = below - 2 * at + above
        if bend > 0:
            here += 0.5 * (below - above) / bend
    return float(f"{STEP**here:.4g}"), sum(part.flops for part in parts)


class _Fold:
    """One division into rows to train on and rows held out."""

    def __init__(
        self,
        features: np.ndarray,
        labels: np.ndarray,
        num_classes: int,
        held_out: np.ndarray,
        prior: np.ndarray | None,
    ) -> None:
        self.train, self.train_labels = features[~held_out], labels[~held_out]
        self.test, self.test_labels = features[held_out], labels[held_out]
        self.num_classes, self.prior = num_classes, prior
        self.start: np.ndarray | None = None
        self.flops = 0

    def loss(self, penalty: float, threads: int) -> float:
        """Negative log-likelihood of the rows held out; starts from the penalty before."""
        solution = solve(
            self.train,
            self.train_labels,
            self.num_classes,
            penalty * len(self.train),
            TOLERANCE,
            500,
            threads,
            self.start,
            self.prior,
        )
        self.start = np.vstack([solution.weights, solution.bias])
        self.flops += solution.flops
        logits = self.test @ solution.weights.astype(np.float32)
        logits += solution.bias.astype(np.float32)
        truth = softmax(logits)[np.arange(len(logits)), self.test_labels]
        return -float(np.log(np.maximum(truth, np.finfo(np.float32).tiny)).sum(dtype=np.float64))
