"""Intervals of label savings by three rules, for many simulated experiments at once.

`t band` is the one in use (`labelbench_core.analysis.savings.saving_intervals`). What it is
compared with, both at the baseline's last level:

- `bootstrap`, which was in use before: seeds resampled in pairs, percentiles of the savings.
- `jackknife`: the logarithm of the saving, its standard error over leave-one-out replicates, and
  Student's t. A mean curve that never reaches the level counts as reaching it with its last budget;
  where that is the mean over all seeds, the low end is open.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from labelbench_core.analysis.collected.curves import t_quantile
from labelbench_core.analysis.savings.crossings import first_crossing
from labelbench_core.analysis.savings.saving_intervals import (
    AT_BASELINE,
    LESS,
    MORE,
    Curve,
    compute_savings,
)

RESAMPLES = 1000


@dataclass(frozen=True)
class Intervals:
    """Ends (E,), `-inf` or `inf` where open; `empty`: no interval, or none but a bound."""

    low: np.ndarray
    high: np.ndarray
    empty: np.ndarray

    def covers(self, saving: float, *, by_bounds: bool = False) -> np.ndarray:
        """Whether `saving` lies in each interval; never in an empty one, unless a bound counts."""
        inside = (self.low <= saving * (1 + 1e-9)) & (saving * (1 - 1e-9) <= self.high)
        return inside if by_bounds else inside & ~self.empty


def t_band(baseline: Curve, strategy: Curve, _rng: np.random.Generator) -> Intervals:
    """The rule in use."""
    found = compute_savings(baseline, strategy, AT_BASELINE)
    low_open, high_open = found.low_bound == LESS, found.high_bound == MORE
    # "Less than", or "more than", at both ends is a bound and no interval.
    empty = np.isnan(found.low) | (found.low_bound == MORE) | (found.high_bound == LESS)
    return Intervals(
        np.where(low_open, -math.inf, found.low), np.where(high_open, math.inf, found.high), empty
    )


def jackknife(baseline: Curve, strategy: Curve, _rng: np.random.Generator) -> Intervals:
    """Leave-one-out standard error of the logarithm, and Student's t."""
    seeds = baseline.values.shape[1]
    whole, never = _log_saving(baseline, strategy, np.full((1, seeds), 1 / seeds))
    without = (1 - np.eye(seeds)) / (seeds - 1)
    parts, _ = _log_saving(baseline, strategy, without)
    spread = ((parts - parts.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    margin = t_quantile(seeds - 1) * np.sqrt((seeds - 1) / seeds * spread)
    low = np.where(never[:, 0], -math.inf, np.exp(whole[:, 0] - margin))
    return Intervals(low, np.exp(whole[:, 0] + margin), np.zeros(len(low), dtype=bool))


def bootstrap(baseline: Curve, strategy: Curve, rng: np.random.Generator) -> Intervals:
    """Percentiles over resampled seeds, one experiment after the other."""
    seeds = baseline.values.shape[1]
    weights = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES) / seeds
    first = baseline.budgets[0]
    ends, empty = [], []
    for base, other in zip(baseline.values, strategy.values, strict=True):
        base, other = weights @ base, weights @ other
        level = base[:, -1]
        needed = first_crossing(baseline.budgets, base, level)
        own = first_crossing(strategy.budgets, other, level)
        ratios = np.where(own <= first, math.inf, needed / own)
        ratios = ratios[(own > first) | (needed > first)]
        empty.append(len(ratios) < 0.975 * RESAMPLES)
        ends.append(
            np.full(2, np.nan)
            if empty[-1]
            else np.quantile(ratios, (0.025, 0.975), method="inverted_cdf")
        )
    low, high = np.array(ends).T
    return Intervals(np.where(low == 0, -math.inf, low), high, np.array(empty) | (high == 0))


def _log_saving(
    baseline: Curve, strategy: Curve, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(E, R) logarithms of savings of mean curves by `weights` (R, S), and where it is a bound."""
    base, other = (
        np.einsum("rs,est->ert", weights, curve.values).reshape(-1, len(curve.budgets))
        for curve in (baseline, strategy)
    )
    needed = first_crossing(baseline.budgets, base, base[:, -1])
    own = first_crossing(strategy.budgets, other, base[:, -1])
    saving = np.log(needed / np.minimum(own, strategy.budgets[-1]))
    return saving.reshape(-1, len(weights)), np.isinf(own).reshape(-1, len(weights))


RULES: dict[str, Callable[[Curve, Curve, np.random.Generator], Intervals]] = {
    "t band": t_band,
    "jackknife": jackknife,
    "bootstrap": bootstrap,
}
