"""Accuracy by all rows that were drawn with known probabilities, and the model's confidence.

Active statistical inference (Zrnic & Candès, ICML 2024, arXiv 2403.03208, section 3). With y
whether the model is right on a row, f its confidence and π the probability with which the row was
drawn, the estimate is

    mean of λ f over the pool + mean of (y - λ f), weighted by 1 / π, over the rows drawn:

the paper's, with weights that are divided by their sum (Hájek; Särndal, Swensson & Wretman, Model
Assisted Survey Sampling, 1992, section 5.7), and with λ as in `prediction_powered`, whose estimate
it is where all π are equal. Every row's π has to be positive, and neither y nor f may depend on
whether the row was drawn: the model must not have been trained on it.

The paper's interval rests on the central limit theorem, and misses as often as that of prediction-
powered inference. Here it is Gaffke's (`intervals`) with weights: the further row at the bound has
the largest weight that a row of the pool can have. benchmarks/audit_coverage.py measures both.
"""

import math

import numpy as np

from labelbench_core.campaign.audit.estimators import INVERSE, Estimate
from labelbench_core.campaign.audit.intervals import TAIL, dirichlet_means
from labelbench_core.campaign.audit.prediction_powered import power_tuning


def inverse_probability(
    right: np.ndarray, drawn: np.ndarray, pool_confidence: np.ndarray, probability: np.ndarray
) -> Estimate:
    """Accuracy on a random row of the pool, by rows drawn with unequal probabilities.

    Parameters
    ----------
    right
        (n,) bool whether the model, trained without the row, is right on each row drawn.
    drawn
        (n,) int64 which rows of the pool these are, each once.
    pool_confidence
        (N,) the model's probability that it is right on each row of the pool, within 0 to 1.
    probability
        (N,) with which each row of the pool was drawn, above 0, at most 1.

    Raises
    ------
    ValueError
        If a probability or confidence is out of its range.
    """
    if not ((probability > 0) & (probability <= 1)).all():
        raise ValueError("probabilities of being drawn must lie above 0, and at most at 1")
    if not ((pool_confidence >= 0) & (pool_confidence <= 1)).all():
        raise ValueError("confidence must lie within 0 to 1")
    count = len(right)
    if not count:
        return Estimate(math.nan, 0.0, 1.0, 0, INVERSE)
    y, f = np.asarray(right, np.float64), np.asarray(pool_confidence, np.float64)
    if count == len(f):
        exact = float(y.mean())
        return Estimate(exact, exact, exact, count, INVERSE)
    own, weights = f[drawn], 1 / np.asarray(probability, np.float64)
    tuning = power_tuning(y, own, weights[drawn])
    rest, shift = y - tuning * own, tuning * float(f.mean())
    weighed = weights[drawn]
    estimate = min(max(float(weighed @ rest / weighed.sum()) + shift, 0.0), 1.0)
    means, left = dirichlet_means(np.stack([weighed * rest, weighed]))
    further = left * weights.max()
    total = means[:, 1] + further
    low = np.quantile((means[:, 0] - further * tuning * f.max()) / total, TAIL) + shift
    high = np.quantile((means[:, 0] + further * (1 - tuning * f.min())) / total, 1 - TAIL) + shift
    low, high = float(np.clip(low, 0, 1)), float(np.clip(high, 0, 1))
    return Estimate(estimate, min(low, estimate), max(high, estimate), count, INVERSE)
