"""How accurate the current model is on the pool, by the audit, and how that came about."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from labelbench_core.campaign.audit.estimators import (
    POWERED,
    Estimate,
    WithUndecided,
    by_class,
    example_f1,
    mean_score,
    plain,
    with_undecided,
)
from labelbench_core.campaign.audit.prediction_powered import MOST_TUNING, prediction_powered
from labelbench_core.campaign.audit.whole_pool import of_whole_pool, shift_of_rest
from labelbench_core.campaign.standing.history import (
    AuditAnswers,
    BoughtRows,
    PastModel,
    is_right,
    right_rows,
)


@dataclass(frozen=True)
class Accuracy:
    """Accuracy of the current model on a random row of the pool.

    Attributes
    ----------
    estimate
        By the estimator that the campaign's file asks for, from the decided rows of the audit.
        Where a row can belong to any number of classes: that all of them are right.
    undecided
        By the plain audit, with the undecided rows left out, wrong and right.
    f1
        Mean F1 of each row's classes, where a row can have several; else None.
    classes
        Of each class, where rows have one and enough of the class are in the audit.
    """

    estimate: Estimate
    undecided: WithUndecided
    f1: Estimate | None
    classes: Sequence[Estimate | None]


@dataclass(frozen=True)
class CurvePoint:
    """A model of the campaign, on the rows of the audit that all of its models predicted.

    Attributes
    ----------
    batch, num_labeled
        The batch that it proposed, and its labels.
    accuracy
        Over the rows of the pool that all models predicted.
    unseen
        On rows that trained no model, as those of the audit are.
    paired
        Standard error of the difference of `unseen` to that of the last model, on the same rows.
    """

    batch: int
    num_labeled: int
    accuracy: Estimate
    unseen: Estimate
    paired: float


@dataclass(frozen=True)
class _Rest:
    """The rows of the pool that the audit stands for, by stratum: predicted, not bought before.

    `mask` (N,) bool; `population` (H,) their number; `confidence` and `reserved`, H arrays of the
    model's confidence in them, and in those that are reserved for the audit; `bought`: the others.
    """

    mask: np.ndarray
    population: list[int]
    confidence: list[np.ndarray]
    reserved: list[np.ndarray]
    bought: BoughtRows

    @classmethod
    def of(
        cls, model: PastModel, bought: BoughtRows, known: np.ndarray, stratum: np.ndarray
    ) -> "_Rest":
        own = bought.before(model)
        mask = known & ~bought.apart
        mask[own.rows] = False
        count = int(stratum.max(initial=0)) + 1
        parts = [mask & (stratum == one) for one in range(count)]
        return cls(
            mask,
            [int(part.sum()) for part in parts],
            [model.confidence[part] for part in parts],
            [model.confidence[part & bought.reserved] for part in parts],
            own,
        )

    def shift(
        self, model: PastModel, scores: np.ndarray, rows: np.ndarray, used: float = 0.0
    ) -> float:
        own = model.confidence[rows]
        return shift_of_rest(scores, own, self.confidence, self.reserved, used)

    def whole(
        self, rest: Estimate, scores: np.ndarray, shift: float, share: float = 1.0
    ) -> Estimate:
        """The estimate for the pool, from `scores` of the rows that were bought.

        `share`: of the other rows, that `rest` is about.
        """
        rows = share * sum(self.population)
        return of_whole_pool(rest, rows, float(scores.sum()), len(scores), shift)

    def decided_share(self, answers: AuditAnswers) -> float:
        """Which share of the rows people can decide, by the audit; 1 without an answer."""
        if not len(answers.rows):
            return 1.0
        totals = np.bincount(answers.stratum, minlength=len(self.population))
        weights = (np.asarray(self.population) / np.maximum(totals, 1))[answers.stratum]
        return float(weights @ answers.decided / max(weights.sum(), 1.0))


def accuracy_now(
    model: PastModel,
    answers: AuditAnswers,
    bought: BoughtRows,
    stratum: np.ndarray,
    estimator: str,
    num_classes: int,
) -> Accuracy:
    """What the audit says of a model.

    Rows that were bought before it are known; for the rest see `audit.whole_pool`. Rows for which
    the audit does not stand and that have no label are left out of everything.

    Parameters
    ----------
    answers
        All answers of the audit so far; those on rows that the model did not predict are left out,
        as are these rows of the pool.
    bought
        All rows whose labels were bought.
    stratum
        (N,) of which stratum each row of the pool is, from 0.
    estimator
        One of `estimators.ESTIMATORS` but the one by inverse probabilities.
    """
    there = answers.of(model.known[answers.rows])
    rest = _Rest.of(model, bought, model.known, stratum)
    own = rest.bought
    known = right_rows(model, own.rows, own.labels)
    right = is_right(model, there)
    decided = there.of(there.decided)
    shift = rest.shift(model, right[there.decided], decided.rows)
    undecided = with_undecided(right, there.decided, there.stratum, rest.population)
    share = rest.decided_share(there)
    undecided = replace(
        undecided,
        decided=rest.whole(undecided.decided, known, shift, share),
        all_wrong=rest.whole(undecided.all_wrong, known, shift),
        all_right=rest.whole(undecided.all_right, known, shift),
    )
    right = right[there.decided]
    if estimator == POWERED:
        confidence = model.confidence[decided.rows]
        powered = prediction_powered(right, confidence, decided.stratum, rest.confidence)
        beyond = rest.shift(model, right, decided.rows, MOST_TUNING)
        estimate = rest.whole(powered, known, beyond, share)
    else:
        estimate = undecided.decided
    if decided.labels.ndim > 1:
        scores = example_f1(model.predicted[decided.rows], decided.labels)
        f1 = mean_score(scores, decided.stratum, rest.population)
        of_known = example_f1(model.predicted[own.rows], own.labels)
        shift = rest.shift(model, scores, decided.rows)
        return Accuracy(estimate, undecided, rest.whole(f1, of_known, shift, share), ())
    classes = by_class(right, decided.labels, decided.stratum, rest.population, num_classes)
    shares = _shares_of_classes(decided, rest.population, num_classes)
    whole: list[Estimate | None] = []
    for label, one in enumerate(classes):
        of_class = known[own.labels == label]
        rows = float(shares[label] * share * sum(rest.population))
        whole.append(None if one is None else _of_class(one, rows, of_class, shift))
    return Accuracy(estimate, undecided, None, whole)


def _of_class(rest: Estimate, rows: float, known: np.ndarray, shift: float) -> Estimate:
    """A class in the whole pool: how much easier its rest is is known of all classes together.

    Of one class it may be more or nothing: the interval holds both.
    """
    with_shift, without = (
        of_whole_pool(rest, rows, float(known.sum()), len(known), one) for one in (shift, 0.0)
    )
    low, high = min(with_shift.low, without.low), max(with_shift.high, without.high)
    return replace(with_shift, low=low, high=high)


def right_of_rest(
    model: PastModel, rows: np.ndarray, right: np.ndarray, bought: BoughtRows, stratum: np.ndarray
) -> tuple[Estimate, int]:
    """On which share of the rows that were not bought a model is right, and how many these are.

    Parameters
    ----------
    rows
        (n,) int64 rows of the audit that the model predicted.
    right
        (n,) bool whether it is right on each.
    bought, stratum
        As in `accuracy_now`.
    """
    rest = _Rest.of(model, bought, model.known, stratum)
    found = plain(right, stratum[rows], rest.population)
    count = sum(rest.population)
    return of_whole_pool(found, float(count), 0.0, 0, rest.shift(model, right, rows)), count


def _shares_of_classes(
    decided: AuditAnswers, population: Sequence[int], num_classes: int
) -> np.ndarray:
    """(C,) share of each class in the rest, by the audit."""
    sizes = np.asarray(population, np.float64)
    totals = np.bincount(decided.stratum, minlength=len(sizes))
    weights = (sizes / np.maximum(totals, 1))[decided.stratum]
    found = np.bincount(decided.labels, weights, minlength=num_classes)
    return found / max(found.sum(), 1.0)


def curve(
    models: Sequence[PastModel], answers: AuditAnswers, bought: BoughtRows, stratum: np.ndarray
) -> list[CurvePoint]:
    """Accuracy by labels, over the rows that all models predicted, by plain audit.

    Each model's own part of the rows that were bought is known.
    """
    if not models:
        return []
    known = np.logical_and.reduce([one.known for one in models])
    there = answers.of(known[answers.rows])
    shared = there.of(there.decided)
    bought = bought.of(known[bought.rows])
    points, last = [], is_right(models[-1], shared)
    for one in models:
        rest, right = _Rest.of(one, bought, known, stratum), is_right(one, shared)
        measured = plain(right, shared.stratum, rest.population)
        of_bought = right_rows(one, rest.bought.rows, rest.bought.labels)
        shift = rest.shift(one, right, shared.rows)
        paired = 0.0 if one is models[-1] else _paired_error(right, last)
        whole = rest.whole(measured, of_bought, shift, rest.decided_share(there))
        points.append(CurvePoint(one.batch, one.num_labeled, whole, measured, paired))
    return points


def _paired_error(right: np.ndarray, last: np.ndarray) -> float:
    """Standard error of the mean difference of two models on the same rows.

    With half a row more that one alone has right, and half a row more that the other has, as in
    `audit.saving`: few rows differ.
    """
    count = len(right)
    if count < 2:
        return 1.0
    difference = right.astype(np.float64) - last
    squares = ((difference - difference.mean()) ** 2).sum() + 1
    return float(np.sqrt(squares / (count * (count - 1))))
