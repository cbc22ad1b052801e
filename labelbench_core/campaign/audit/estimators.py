"""Accuracy of a model on a random row of a population, from the audit's labels.

The population is what the audit stands for: the rows of every stratum that are still in the pool
and that were not bought (`whole_pool` has the others). Rows of the audit are drawn from each
stratum at random without replacement; those that were answered estimate their stratum, and strata
are weighted by their sizes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labelbench_core.campaign.audit.intervals import (
    bounded_interval,
    clopper_pearson,
    melded_interval,
)
from labelbench_core.errors import InputError, listed, shown

PLAIN, POWERED, INVERSE = "plain", "prediction-powered", "inverse-probability"
ESTIMATORS = (PLAIN, POWERED, INVERSE)
LEAST_OF_A_CLASS = 10
"""Fewest audit rows of a class for which its accuracy is given: with fewer, an interval is wider
than .3 even where all are right."""


@dataclass(frozen=True)
class Estimate:
    """An estimated mean over the pool.

    Attributes
    ----------
    estimate
        Between 0 and 1; NaN where nothing is known.
    low, high
        Ends of the 95 % interval, within 0 to 1.
    n
        Labels that it rests on.
    name
        Name of the estimator, one of `ESTIMATORS`.
    """

    estimate: float
    low: float
    high: float
    n: int
    name: str


@dataclass(frozen=True)
class WithUndecided:
    """An estimate without the audit's undecided rows, and with them.

    Undecided: an annotator has skipped the row, was unsure, or found that it is of no class.

    Attributes
    ----------
    decided
        From the other rows alone: accuracy on rows that an annotator can decide.
    all_wrong, all_right
        From all rows, as if the model were wrong, or right, on each undecided one.
    undecided
        How many these are.
    """

    decided: Estimate
    all_wrong: Estimate
    all_right: Estimate
    undecided: int


def check_estimator(
    estimator: str, strategy: str, *, records_probabilities: bool, trained_without_row: bool
) -> None:
    """Refuse an estimator that a campaign's labels cannot support.

    Parameters
    ----------
    estimator
        One of `ESTIMATORS`.
    strategy
        Id of the strategy, for the message.
    records_probabilities
        Whether it records, for every row of the pool, a positive probability of being proposed.
    trained_without_row
        Whether each row's prediction is by a model that was not trained on that row.

    Raises
    ------
    InputError
        If the estimator is not known, or is `INVERSE` and either condition does not hold.
    """
    if estimator not in ESTIMATORS:
        raise InputError(f"estimator: {shown(estimator)}; allowed: {listed(ESTIMATORS)}")
    if estimator != INVERSE:
        return
    others = listed(name for name in ESTIMATORS if name != INVERSE)
    if not records_probabilities:
        raise InputError(
            f"estimator: {INVERSE} needs a positive probability of being proposed for every row, "
            f"which the strategy {shown(strategy)} does not record; allowed with it: {others}"
        )
    if not trained_without_row:
        raise InputError(
            f"estimator: {INVERSE} needs each row's prediction by a model trained without that "
            f"row; allowed otherwise: {others}"
        )


def plain(right: np.ndarray, stratum: np.ndarray, population: Sequence[int]) -> Estimate:
    """Accuracy by the audit alone: the strata's shares of right rows, weighted by their sizes.

    Its interval is exact, for sampling without replacement from the population; over several
    strata the exact ones are melded (`intervals`). It covers in at least 95 % of audits.

    Parameters
    ----------
    right
        (n,) bool whether the model is right on each row of the audit that was decided.
    stratum
        (n,) int of which stratum each is, from 0.
    population
        (H,) rows of each stratum that the audit stands for. A stratum without rows is left out; one
        without answered rows takes the estimate from the others, and in the interval may have any
        accuracy.
    """
    sizes, totals = strata_sizes(stratum, population)
    hits = np.bincount(stratum[np.asarray(right, bool)], minlength=len(sizes))
    there = np.flatnonzero(sizes)
    if not len(there) or not totals.sum():
        return Estimate(math.nan, 0.0, 1.0, 0, PLAIN)
    counts = ([int(one) for one in values[there]] for values in (hits, totals, sizes))
    low, high = melded_interval(*counts)
    estimate = _weighted(hits, totals, sizes)
    return Estimate(estimate, min(low, estimate), max(high, estimate), len(right), PLAIN)


def with_undecided(
    right: np.ndarray, decided: np.ndarray, stratum: np.ndarray, population: Sequence[int]
) -> WithUndecided:
    """`plain` of the decided rows, and of all rows with the undecided ones wrong or right.

    Parameters
    ----------
    right
        (n,) bool; what it says of undecided rows does not matter.
    decided
        (n,) bool whether an answer names the row's class.
    stratum, population
        As in `plain`.
    """
    decided = np.asarray(decided, bool)
    right = np.asarray(right, bool)
    return WithUndecided(
        decided=plain(right[decided], stratum[decided], population),
        all_wrong=plain(right & decided, stratum, population),
        all_right=plain(right | ~decided, stratum, population),
        undecided=int((~decided).sum()),
    )


def by_class(
    right: np.ndarray,
    labels: np.ndarray,
    stratum: np.ndarray,
    population: Sequence[int],
    num_classes: int,
) -> list[Estimate | None]:
    """Accuracy on a random row of each class, of classes with enough audit rows.

    Every class with at least `LEAST_OF_A_CLASS` rows has an interval of its own, at 95 % each;
    others have none. How many rows of a class the pool has is not known: the interval is Clopper
    and Pearson's, without correction for a finite pool. Over several strata rows weigh by size of
    stratum over its rows answered, and count as (sum of weights)^2 / sum of squared weights (Kish,
    Survey Sampling, 1965, section 11.7; Korn & Graubard, Survey Methodology 24, 1998).

    Parameters
    ----------
    labels
        (n,) int the decided class of each row.
    right, stratum, population
        As in `plain`.

    Returns
    -------
    An estimate for each class, or None.
    """
    sizes, totals = strata_sizes(stratum, population)
    weights = (sizes / np.maximum(totals, 1))[stratum]
    found: list[Estimate | None] = []
    for label in range(num_classes):
        own = labels == label
        count, weight = int(own.sum()), weights[own]
        if count < LEAST_OF_A_CLASS or not weight.sum():
            found.append(None)
            continue
        share = float(weight @ np.asarray(right, np.float64)[own] / weight.sum())
        effective = float(weight.sum() ** 2 / (weight @ weight))
        low, high = clopper_pearson(min(share * effective, effective), effective)
        found.append(Estimate(share, min(low, share), max(high, share), count, PLAIN))
    return found


def mean_score(scores: np.ndarray, stratum: np.ndarray, population: Sequence[int]) -> Estimate:
    """Mean over the pool of a score of each row, where rows have several labels.

    Scores are the row's F1 (`example_f1`), or the share of its decisions that are right
    (1 - Hamming loss); whether all of them are right (subset accuracy) is for `plain`. The interval
    is Gaffke's (`intervals`), without correction for a finite pool unless all of it is known.

    Parameters
    ----------
    scores
        (n,) within 0 to 1.
    stratum, population
        As in `plain`.
    """
    sizes, totals = strata_sizes(stratum, population)
    there = np.flatnonzero(sizes)
    if not len(there) or not totals.sum():
        return Estimate(math.nan, 0.0, 1.0, 0, PLAIN)
    sums = np.bincount(stratum, scores, minlength=len(sizes))
    estimate = _weighted(sums, totals, sizes)
    if (totals[there] == sizes[there]).all():
        return Estimate(estimate, estimate, estimate, len(scores), PLAIN)
    parts = [np.asarray(scores)[stratum == one] for one in there]
    low, high = bounded_interval(parts, (sizes[there] / sizes.sum()).tolist())
    return Estimate(estimate, min(low, estimate), max(high, estimate), len(scores), PLAIN)


def example_f1(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n,) F1 of each row's predicted classes; 1 where it has none and none are predicted.

    2 |predicted and true| / (|predicted| + |true|): Tsoumakas, Katakis & Vlahavas, Mining
    Multi-label Data, 2010, example-based measures.

    Parameters
    ----------
    predicted, labels
        (n, C) bool.
    """
    both = (predicted & labels).sum(axis=1)
    marked = predicted.sum(axis=1) + labels.sum(axis=1)
    return np.where(marked > 0, 2 * both / np.maximum(marked, 1), 1.0)


def strata_sizes(stratum: np.ndarray, population: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """(H,) int64 rows of each stratum, and how many of them are in the audit.

    Parameters
    ----------
    stratum, population
        As in `plain`.

    Raises
    ------
    ValueError
        If a stratum has more rows in the audit than in the pool, or is not in `population`.
    """
    sizes = np.asarray(population, np.int64)
    totals = np.bincount(np.asarray(stratum, np.int64), minlength=len(sizes))
    if len(totals) > len(sizes) or (totals > sizes).any() or (sizes < 0).any():
        raise ValueError(f"audit rows a stratum {totals.tolist()} of {sizes.tolist()} in the pool")
    return sizes, totals


def _weighted(sums: np.ndarray, totals: np.ndarray, sizes: np.ndarray) -> float:
    """Means of the strata with rows in the audit, weighted by size."""
    known = totals > 0
    means = sums[known] / totals[known]
    return float(means @ sizes[known] / sizes[known].sum())
