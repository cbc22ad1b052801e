"""Where learning curves first reach a level: on the mean curve, and what the seeds leave open.

A level is reached at n labels where the mean difference to it, d(n), is zero for the first time.
The interval of n is found by inverting the paired t-test over seeds (the idea of Fieller, J. R.
Stat. Soc. B 16, 1954, for a ratio of two means): n belongs to the interval while d(n) is within
t * s(n) of zero, with Student's t for seeds - 1 degrees of freedom. The interval reaches from the
estimate to the left until the upper edge of the band, d + t * s, is below zero, and to the right
until the lower edge, d - t * s, is not. Edges, like curves, are straight between budgets. "May" and
"certainly" mean within and beyond that band.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from labelbench_core.analysis.collected.curves import t_quantile

# Differences that are equal up to the last bits of their means.
ROUNDING = 1e-12


@dataclass(frozen=True)
class LabelsAtLevel:
    """Numbers of labels (E,) at which E mean curves first reach their levels, and intervals.

    `estimate`
        The first crossing; the first budget where the curve starts there, infinity where it never
        gets there.
    `low`
        At most the first budget: the level may have been reached before that. Infinity: it is
        certainly not reached within the budgets.
    `high`
        Infinity: the level is not certainly reached within the budgets. The first budget: it is
        certainly reached from the start.
    """

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray


def first_crossing(budgets: np.ndarray, curves: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Labels at which each curve first reaches its level, on straight lines between budgets.

    Parameters
    ----------
    budgets
        (T,) numbers of labels, rising.
    curves
        (E, T) values at those budgets.
    levels
        (E,) what has to be reached.

    Returns
    -------
    (E,): `budgets[0]` where the curve starts at or above the level, infinity where it never
    reaches it.
    """
    distance = curves - levels[:, None]
    reached = distance >= -ROUNDING
    step = np.argmax(reached, axis=1)
    crossing = np.where(step == 0, float(budgets[0]), _zero(budgets, distance, step - 1))
    return np.where(reached.any(axis=1), crossing, math.inf)


def crossing_of_zero(budgets: np.ndarray, differences: np.ndarray) -> LabelsAtLevel:
    """First crossing of zero of mean differences over seeds, with its 95 % interval.

    Parameters
    ----------
    budgets
        (T,) numbers of labels, rising.
    differences
        (E, S, T): for E experiments, the curve of each of S seeds minus the level.

    Returns
    -------
    The estimates with intervals that contain them. One seed has no interval: `low` and `high` are
    NaN.
    """
    mean = differences.mean(axis=1)
    estimate = first_crossing(budgets, mean, np.zeros(len(mean)))
    seeds = differences.shape[1]
    if seeds == 1:
        return LabelsAtLevel(estimate, np.full(len(mean), math.nan), np.full(len(mean), math.nan))
    margin = t_quantile(seeds - 1) * differences.std(axis=1, ddof=1) / math.sqrt(seeds)
    within = np.minimum(estimate, budgets[-1])
    return LabelsAtLevel(
        estimate,
        _low_end(budgets, mean + margin, estimate, within),
        _high_end(budgets, mean - margin, within),
    )


def _low_end(
    budgets: np.ndarray, upper: np.ndarray, estimate: np.ndarray, within: np.ndarray
) -> np.ndarray:
    """Where the band's upper edge last rises to zero at or before the estimate."""
    below = upper < -ROUNDING
    before = below & (budgets <= within[:, None])
    last = np.where(before, np.arange(len(budgets)), -1).max(axis=1)
    low = np.where(last < 0, float(budgets[0]), _zero(budgets, upper, last))
    never = np.isinf(estimate) & below[:, -1]
    return np.where(never, math.inf, np.minimum(low, within))


def _high_end(budgets: np.ndarray, lower: np.ndarray, within: np.ndarray) -> np.ndarray:
    """Where the band's lower edge first rises to zero at or after the estimate."""
    certain = (lower >= -ROUNDING) & (budgets >= within[:, None] - ROUNDING)
    step = np.argmax(certain, axis=1)
    high = np.where(step == 0, float(budgets[0]), _zero(budgets, lower, step - 1))
    return np.where(certain.any(axis=1), np.maximum(high, within), math.inf)


def _zero(budgets: np.ndarray, curves: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Where the straight line from budget `step` (E,) to the next rises to zero."""
    step = np.clip(step, 0, max(len(budgets) - 2, 0))
    after = np.minimum(step + 1, len(budgets) - 1)
    row = np.arange(len(curves))
    low, high = curves[row, step], curves[row, after]
    share = np.clip(-low / np.where(high > low, high - low, 1.0), 0.0, 1.0)
    return budgets[step] + share * (budgets[after] - budgets[step])
