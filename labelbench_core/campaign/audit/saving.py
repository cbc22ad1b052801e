"""How many labels the strategy has saved on the user's own data, against a random control.

The audit's rows are random, and labelled: a model trained on some of them is what random selection
would have given with as many labels. The control is trained in repeated five-fold cross-validation:
in every fold on nested random parts of four fifths of the audit, and scored on the fifth that is
left. The strategy's models, which no row of the audit has trained, are scored on the same rows.
Both curves are compared only at numbers of labels that both reach.

The saving is read at the control's accuracy with B labels: B over the number of labels with which
the strategy's curve first gets there. 2 means: half of the labels. B is the most that both curves
reach within half of the audit, or, where they reach none there, the most that both reach at all:
the more of the audit is in every training set, the less is known of how the control does with
others (below).

Its interval inverts a test of the paired difference (`analysis.savings.crossings`): the strategy is
certainly there where the lower end of a 95 % interval of (strategy - control with B labels) is
above 0, and may be there where the upper end is. That difference varies by the rows of the audit,
by Student's t over rows, with half a row more that one alone has right, and half a row more that
the other has (Agresti & Min, Statistics in Medicine 24, 2005: few rows of an audit differ), and by
what the control was trained on. The audit is all there is to draw training sets from, so that these
overlap: the variance between models that were trained on m of n rows is 1 - m / n of what it would
be between independent ones, and m / n of that stays in their mean, however often the
cross-validation is repeated (the delete-d jackknife: Shao & Wu, Annals of Statistics 17, 1989).
benchmarks/saving_of_campaigns.py simulates its coverage.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from labelbench_core.analysis.collected.curves import t_quantile
from labelbench_core.analysis.savings.crossings import first_crossing

FOLDS, REPEATS = 5, 5
TrainedOn = Callable[[np.ndarray], Callable[[np.ndarray], np.ndarray]]
"""Rows of the audit to train on → a function of rows of the audit: whether each is right."""


@dataclass(frozen=True)
class ControlScores:
    """The random control on the audit's own rows.

    Attributes
    ----------
    labels
        (M,) rising numbers of labels that it was trained on.
    right
        (REPEATS, M, n) how right each row was, by the model of its fold.
    fold
        (REPEATS, n) int in which fold each row was held out.
    """

    labels: np.ndarray
    right: np.ndarray
    fold: np.ndarray


@dataclass(frozen=True)
class Saving:
    """What the strategy has saved.

    Attributes
    ----------
    labels
        B, at which curves are compared; 0 where they are not.
    level
        The control's accuracy with them; NaN where there is none.
    strategy_labels
        Labels with which the strategy gets there: infinite if it does not with those that it has,
        its first number if it is there at once.
    saving
        B over `strategy_labels`: a lower bound where the strategy is there at once; where it does
        not get there, an upper bound, B over its last labels. NaN where curves are not compared.
    low, high
        Ends of the 95 % interval: 0 and infinity where open.
    told
        Whether the interval leaves out 1: whether anything can be told yet.
    audit_labels_needed
        How many labels of the audit it is expected to take until it can be told, if the curves go
        on as they are: the audit's size where it can be told already; infinite where the curves do
        not differ.
    """

    labels: float
    level: float
    strategy_labels: float
    saving: float
    low: float
    high: float
    told: bool
    audit_labels_needed: float


@dataclass(frozen=True)
class Difference:
    """Accuracy of the strategy's model minus the control's, with equally many labels.

    `low` and `high` are the ends of its 95 % interval.
    """

    labels: float
    estimate: float
    low: float
    high: float


def control_scores(
    fit: TrainedOn,
    count: int,
    labels: Sequence[int],
    rng: np.random.Generator,
    repeats: int = REPEATS,
) -> ControlScores:
    """Train and score the random control.

    Parameters
    ----------
    fit
        Trains a model.
    count
        n, labelled rows of the audit; at least 5.
    labels
        Numbers of labels to train on. Those that are more than four fifths of the audit, rounded
        down, are left out.
    rng
        Draws folds and training sets.
    repeats
        Repetitions of the cross-validation, at least 2.
    """
    sizes = np.array(sorted(one for one in set(labels) if one <= most_labels(count)), np.int64)
    right = np.zeros((repeats, len(sizes), count))
    fold = np.zeros((repeats, count), np.int64)
    for repeat in range(repeats if len(sizes) else 0):
        order = rng.permutation(count)
        fold[repeat, order] = np.arange(count) % FOLDS
        for part in range(FOLDS):
            held_out = np.flatnonzero(fold[repeat] == part)
            rest = rng.permutation(np.flatnonzero(fold[repeat] != part))
            for place, size in enumerate(sizes.tolist()):
                right[repeat, place, held_out] = fit(np.sort(rest[:size]))(held_out)
    return ControlScores(sizes, right, fold)


def most_labels(count: int) -> int:
    """The most labels that the control can be trained on, of `count` rows of the audit."""
    return count - math.ceil(count / FOLDS) if count >= FOLDS else 0


def compare(
    control: ControlScores, strategy_labels: Sequence[int], strategy_right: np.ndarray
) -> Saving:
    """The saving of a strategy, with its 95 % interval.

    Parameters
    ----------
    strategy_labels
        (T,) rising numbers of labels that its models were trained on.
    strategy_right
        (T, n) how right each row of the audit was, by each of them.
    """
    own = np.asarray(strategy_labels, np.float64)
    count = strategy_right.shape[1]
    shared = control.labels[control.labels >= own[0]] if len(own) else control.labels[:0]
    shared = shared[shared <= own[-1]] if len(own) else shared
    if not len(shared):
        needed = math.inf if not len(own) else math.ceil(own[0] * FOLDS / (FOLDS - 1))
        return Saving(0.0, math.nan, math.nan, math.nan, 0.0, math.inf, False, needed)
    within = shared[shared <= count // 2]
    most = float((within if len(within) else shared)[-1])
    place = int(np.flatnonzero(control.labels == most)[0])
    mean, margin = _differences(control, place, strategy_right)
    level = float(control.right[:, place].mean())
    zero = np.zeros(1)
    estimate, soonest, latest = (
        float(first_crossing(own, curve[None], zero)[0])
        for curve in (mean, mean + margin, mean - margin)
    )
    low = 0.0 if math.isinf(latest) else most / latest
    high = math.inf if soonest <= own[0] else most / min(soonest, own[-1])
    told = low > 1 or high < 1
    needed = float(count)
    if not told:
        there = float(np.interp(most, own, mean))
        wide = float(np.interp(most, own, margin))
        needed = math.inf if there == 0 else math.ceil(count * max((wide / there) ** 2, 1.0))
    saving = most / min(estimate, own[-1])
    return Saving(most, level, estimate, saving, low, high, told, needed)


def paired_differences(
    control: ControlScores, strategy_labels: Sequence[int], strategy_right: np.ndarray
) -> list[Difference]:
    """Accuracy of the strategy minus the control's, at each number of labels that both have."""
    found = []
    for place, size in enumerate(control.labels.tolist()):
        if size in strategy_labels:
            own = strategy_right[[list(strategy_labels).index(size)]]
            mean, margin = _differences(control, place, own)
            ends = float(mean[0] - margin[0]), float(mean[0] + margin[0])
            found.append(Difference(float(size), float(mean[0]), *ends))
    return found


def _differences(
    control: ControlScores, place: int, strategy_right: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(T,) means of strategy minus control, and half the widths of their intervals."""
    right = control.right[:, place]
    rows = strategy_right - right.mean(axis=0)
    count = rows.shape[1]
    mean = rows.mean(axis=1)
    squares = ((rows - mean[:, None]) ** 2).sum(axis=1) + 1
    variance = squares / (count * (count - 1)) + _training_variance(control, place)
    return mean, t_quantile(count - 1) * np.sqrt(variance)


def _training_variance(control: ControlScores, place: int) -> float:
    """Variance of the control's mean accuracy by what it was trained on.

    Two rows of a fold are scored by one model: the products of what they are off from their means
    over repeats estimate the variance between models (and lose 1 / repeats of it).
    """
    repeats, count = control.fold.shape
    right = control.right[:, place]
    off = right - right.mean(axis=0)
    between = []
    for repeat, fold in enumerate(control.fold):
        for part in range(FOLDS):
            own = off[repeat, fold == part]
            pairs = len(own) * (len(own) - 1)
            if pairs:
                between.append((own.sum() ** 2 - (own**2).sum()) / pairs)
    seen = max(float(np.mean(between)), 0.0) * repeats / (repeats - 1) if between else 0.0
    share = float(control.labels[place]) / count
    independent = seen / (1 - share)
    return independent * share + seen / (repeats * FOLDS)
