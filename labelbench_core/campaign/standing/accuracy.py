"""How accurate the current model is on the pool, by the audit, and how that came about."""

from collections.abc import Sequence
from dataclasses import dataclass

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
from labelbench_core.campaign.audit.prediction_powered import prediction_powered
from labelbench_core.campaign.standing.history import AuditAnswers, PastModel, is_right


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
    """A model of the campaign, on the rows of the audit that all of its models predicted."""

    batch: int
    num_labeled: int
    accuracy: Estimate


def accuracy_now(
    model: PastModel, answers: AuditAnswers, stratum: np.ndarray, estimator: str, num_classes: int
) -> Accuracy:
    """What the audit says of a model.

    Parameters
    ----------
    answers
        All answers of the audit so far; those on rows that the model did not predict are left out,
        as are these rows of the pool.
    stratum
        (N,) of which stratum each row of the pool is, from 0.
    estimator
        One of `estimators.ESTIMATORS` but the one by inverse probabilities.
    """
    there = answers.of(model.known[answers.rows])
    count = int(stratum.max(initial=0)) + 1
    population = np.bincount(stratum[model.known], minlength=count).tolist()
    right = is_right(model, there)
    undecided = with_undecided(right, there.decided, there.stratum, population)
    decided = there.of(there.decided)
    right = right[there.decided]
    if estimator == POWERED:
        whole = [model.confidence[model.known & (stratum == one)] for one in range(count)]
        own = model.confidence[decided.rows]
        estimate = prediction_powered(right, own, decided.stratum, whole)
    else:
        estimate = plain(right, decided.stratum, population)
    if decided.labels.ndim > 1:
        scores = example_f1(model.predicted[decided.rows], decided.labels)
        return Accuracy(estimate, undecided, mean_score(scores, decided.stratum, population), ())
    classes = by_class(right, decided.labels, decided.stratum, population, num_classes)
    return Accuracy(estimate, undecided, None, classes)


def curve(
    models: Sequence[PastModel], answers: AuditAnswers, stratum: np.ndarray
) -> list[CurvePoint]:
    """Accuracy by labels, all on the same rows: those that all models predicted, by plain audit."""
    if not models:
        return []
    known = np.logical_and.reduce([one.known for one in models])
    shared = answers.of(known[answers.rows] & answers.decided)
    population = np.bincount(stratum[known], minlength=int(stratum.max(initial=0)) + 1).tolist()
    return [
        CurvePoint(
            one.batch, one.num_labeled, plain(is_right(one, shared), shared.stratum, population)
        )
        for one in models
    ]
