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
powered inference. Here the interval is the exact one of a share, over an effective number of
equally likely rows that vary as much (Korn & Graubard, Survey Methodology 24, 1998): p (1 - p) over
the estimate's variance, with Student's t for the normal quantile, and never more rows than were
drawn. So it is never narrower than that of as many audit rows: what unequal probabilities can gain
is not claimed, because few rows do not show it. benchmarks/audit_coverage.py measures both.
"""

import math

import numpy as np

from labelbench_core.analysis.collected.curves import t_quantile
from labelbench_core.campaign.audit.estimators import INVERSE, Estimate
from labelbench_core.campaign.audit.intervals import clopper_pearson
from labelbench_core.campaign.audit.prediction_powered import power_tuning

NORMAL = 1.959963984540054


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
        (N,) probability with which each row of the pool was drawn, above 0, at most 1.

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
    own, weights = f[drawn], 1 / np.asarray(probability, np.float64)[drawn]
    tuning = power_tuning(y, own, weights)
    rest, shares = y - tuning * own, weights / weights.sum()
    mean = float(shares @ rest)
    estimate = min(max(mean + tuning * float(f.mean()), 0.0), 1.0)
    variance = float(shares**2 @ (rest - mean) ** 2)
    effective = _effective_rows(estimate, variance, shares)
    low, high = clopper_pearson(min(estimate * effective, effective), effective)
    return Estimate(estimate, min(low, estimate), max(high, estimate), count, INVERSE)


def _effective_rows(estimate: float, variance: float, shares: np.ndarray) -> float:
    """As many equally likely rows as would give a share this variance; at most those drawn.

    Where no variance is seen, that of the weights alone: 1 / sum of squared shares (Kish).
    """
    count, spread = len(shares), estimate * (1 - estimate)
    if count < 3 or not variance * spread:
        return float(1 / (shares @ shares))
    student = (t_quantile(count - 1) / NORMAL) ** 2 * count / (count - 2)
    return min(spread / (variance * student), float(count))
