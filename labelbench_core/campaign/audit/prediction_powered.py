"""Accuracy by the audit and the model's own confidence in every row of the pool.

With y whether the model is right and f its confidence, the estimate is

    mean of λ f over the pool + mean of (y - λ f) over the audit,

prediction-powered inference (Angelopoulos et al., Science 382, 2023, arXiv 2301.09633) with power
tuning, λ = cov(y, f) / var(f) (PPI++: arXiv 2311.01453, example 6.1; n / N is 0 there, because the
mean over the pool is what is asked for, and not itself a sample). λ lies within 0 to 1: where
confidence tells nothing, it is 0 and the estimate the plain one. The papers' intervals rest on the
central limit theorem and miss where few rows are wrong (benchmarks/audit_coverage.py: nine in ten
times with 10 rows of a model that is right on 99 %). Gaffke's interval, of y - λ f, does not.
"""

import math
from collections.abc import Sequence

import numpy as np

from labelbench_core.campaign.audit.estimators import POWERED, Estimate, strata_sizes
from labelbench_core.campaign.audit.intervals import bounded_interval

MOST_TUNING = 1.0
"""The largest λ."""


def prediction_powered(
    right: np.ndarray,
    confidence: np.ndarray,
    stratum: np.ndarray,
    pool_confidence: Sequence[np.ndarray],
) -> Estimate:
    """Accuracy on a random row of the pool, with the model's confidence everywhere.

    Parameters
    ----------
    right
        (n,) bool whether the model is right on each row of the audit that was decided.
    confidence
        (n,) the model's probability that it is right, within 0 to 1, known before the labels.
    stratum
        (n,) int of which stratum each is, from 0.
    pool_confidence
        H arrays of the confidence in every row of a stratum that the audit stands for, those of the
        audit among them. A stratum without any row of the audit takes the estimate from its
        confidence, and in the interval may have any accuracy.

    Raises
    ------
    ValueError
        If a confidence is not within 0 to 1.
    """
    y, f = np.asarray(right, np.float64), np.asarray(confidence, np.float64)
    sizes, counts = strata_sizes(stratum, [len(values) for values in pool_confidence])
    if not len(y):
        return Estimate(math.nan, 0.0, 1.0, 0, POWERED)
    there = np.flatnonzero(sizes)
    whole = [np.asarray(pool_confidence[int(one)], np.float64) for one in there]
    if not all((values >= 0).all() and (values <= 1).all() for values in (f, *whole)):
        raise ValueError("confidence must lie within 0 to 1")
    shares = sizes[there] / sizes.sum()
    tuning = power_tuning(y, f)
    if (counts == sizes).all():
        tuning = 0.0  # nothing to add: all is known
    rest = [(y - tuning * f)[stratum == one] for one in there]
    pool_mean = float(shares @ [values.mean() for values in whole])
    means = [part.mean() if len(part) else (y - tuning * f).mean() for part in rest]
    estimate = min(max(float(shares @ means) + tuning * pool_mean, 0.0), 1.0)
    if (counts == sizes).all():
        return Estimate(estimate, estimate, estimate, len(y), POWERED)
    lowest, highest = min(one.min() for one in whole), max(one.max() for one in whole)
    bounds = (-tuning * float(highest), 1 - tuning * float(lowest))
    ends = bounded_interval(rest, shares.tolist(), bounds)
    low, high = (min(max(end + tuning * pool_mean, 0.0), 1.0) for end in ends)
    return Estimate(estimate, min(low, estimate), max(high, estimate), len(y), POWERED)


def power_tuning(
    right: np.ndarray, confidence: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """λ for which the mean of y - λ f varies least, within 0 to 1; 0 where either is constant.

    Parameters are those of `slope_on_confidence`.
    """
    return min(max(slope_on_confidence(right, confidence, weights), 0.0), MOST_TUNING)


def slope_on_confidence(
    right: np.ndarray, confidence: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """The slope of y on f by least squares; 0 where either is constant.

    Parameters
    ----------
    right, confidence
        (n,) y and f of the rows with labels.
    weights
        (n,) weights of the rows in the mean; None: all are equal.
    """
    if len(right) < 2 or np.ptp(confidence) == 0:
        return 0.0
    weights = np.ones(len(right)) if weights is None else weights
    y = right - weights @ right / weights.sum()
    f = confidence - weights @ confidence / weights.sum()
    squares = weights**2
    return float((squares * y) @ f / (squares @ f**2))
