"""Label savings of many experiments at once: two definitions, each with an interval over seeds.

Both compare *mean* curves over seeds, joined by straight lines, at the number of labels at which
each first reaches a level of the metric. Curves need not be monotone: the first crossing counts,
for both curves in both definitions, so that a strategy compared with itself saves exactly 1.0.
Where lower is better, the curves come mirrored (`label_savings`).

``at-baseline-level`` (the headline)
    The level is the baseline's mean at its last budget. Saving = labels at which the *baseline*
    first reaches that level / labels at which the *strategy* first reaches it. 2.0 means "the
    strategy needs half of the labels for the level that the baseline ends with".
``at-strategy-level``
    The same ratio at the strategy's mean at its last budget. With equal budgets all it says of a
    better strategy is "more than 1.0", which is why this is not the headline.

A level that is never reached gives a bound, not a number: "more than" or "less than" the ratio at
the end (or the start) of the curve. If both curves are at the level from the start, the saving is
undefined.

The interval is described for the baseline's level; at the strategy's level it is the reciprocal
with the two curves exchanged. Both numbers of labels have intervals of their own (`crossings`):

- The high end: the most labels that the baseline may need over the fewest that the strategy may.
- The low end: the baseline's estimate over the most labels that the strategy may need. (The last
  level of a baseline that rises is at its last budget; noise can only make that seem earlier.)
- Where the baseline has certainly been at its last level before, its estimate can err in both
  directions: the distances of both numbers to their ends are added in quadrature on the logarithmic
  scale (MOVER: Zou & Donner, Statistics in Medicine 27, 2008).
- If it is uncertain whether a strategy reaches the level with its last labels, it is open how far
  below 1 its saving may be. As the last levels of the two cannot be distinguished either, the low
  end is read at the strategy's: the fewest labels at which the baseline may be there over the
  strategy's last budget.
- A strategy that certainly does not reach the level has a bound and no other interval; an end is
  open where the level may have been reached before a first budget.

benchmarks/savings_coverage.py simulates its coverage and width, beside a bootstrap and a jackknife;
the table is in docs/reports.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labelbench_core.analysis.savings.crossings import LabelsAtLevel, crossing_of_zero

AT_BASELINE, AT_STRATEGY = "at-baseline-level", "at-strategy-level"
DEFINITIONS = (AT_BASELINE, AT_STRATEGY)
LESS, EXACT, MORE = -1, 0, 1
"""The meaning of a number: "less than" it, exactly it, "more than" it."""


@dataclass(frozen=True)
class Curve:
    """One strategy's curve: `budgets` (T,) rising, `values` (S, T), a row per seed.

    For E experiments at once `values` is (E, S, T).
    """

    budgets: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Savings:
    """Label savings of E experiments; all arrays are (E,).

    `saving` is NaN if it is undefined, and with it both ends; these are also NaN for one seed. The
    bounds, `LESS`, `EXACT` or `MORE`, say how to read the number before them. Labels are infinite
    where a level is never reached.
    """

    level: np.ndarray
    baseline_labels: np.ndarray
    strategy_labels: np.ndarray
    saving: np.ndarray
    bound: np.ndarray
    low: np.ndarray
    low_bound: np.ndarray
    high: np.ndarray
    high_bound: np.ndarray

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """How to read the saving, and the two ends of its interval."""
        return self.bound, self.low_bound, self.high_bound


def compute_savings(baseline: Curve, strategy: Curve, definition: str) -> Savings:
    """Savings with 95 % intervals. Rows of both curves are the same seeds in the same order."""
    if definition == AT_BASELINE:
        return _at_last_level(baseline, strategy)
    turned = _at_last_level(strategy, baseline)
    return Savings(
        level=turned.level,
        baseline_labels=turned.strategy_labels,
        strategy_labels=turned.baseline_labels,
        saving=1 / turned.saving,
        bound=-turned.bound,
        low=1 / turned.high,
        low_bound=-turned.high_bound,
        high=1 / turned.low,
        high_bound=-turned.low_bound,
    )


def labels_to_reach(baseline: Curve, strategy: Curve) -> tuple[LabelsAtLevel, LabelsAtLevel]:
    """Labels at which baseline and strategy reach the baseline's last level, with intervals."""
    levels = _stack(baseline)[..., -1:]
    needed = crossing_of_zero(baseline.budgets, _stack(baseline) - levels)
    return needed, crossing_of_zero(strategy.budgets, _stack(strategy) - levels)


def saved_labels(
    baseline: Curve, needed: LabelsAtLevel, own: LabelsAtLevel
) -> tuple[np.ndarray, np.ndarray]:
    """Ends (E,) of the 95 % interval of labels saved, `needed` minus `own` (`labels_to_reach`).

    They are the ratio's ends as differences: the low one is above 0 where the ratio's is above 1.
    Where the baseline has certainly been at its last level before, distances to the ends are added
    in quadrature as they are, not their logarithms. Minus infinity: the strategy may not get there.
    """
    with np.errstate(invalid="ignore"):  # infinity minus infinity, where it is never reached
        low, high = needed.estimate - own.high, needed.high - own.low
        before = _certainly_before(baseline, needed) & np.isfinite(own.estimate)
        saved = needed.estimate - own.estimate
        below = np.hypot(needed.estimate - needed.low, own.high - own.estimate)
        above = np.hypot(needed.high - needed.estimate, own.estimate - own.low)
        low, high = np.where(before, saved - below, low), np.where(before, saved + above, high)
    return low, high


def _at_last_level(baseline: Curve, strategy: Curve) -> Savings:
    """Savings at the last level of `baseline`."""
    base = _stack(baseline)
    levels = base[..., -1:]
    needed, own = labels_to_reach(baseline, strategy)
    saving = needed.estimate / _within(strategy, own.estimate)
    from_start = needed.estimate <= baseline.budgets[0]
    bound = np.where(from_start | np.isinf(own.estimate), LESS, EXACT)
    bound = np.where(own.estimate <= strategy.budgets[0], MORE, bound)
    high, high_bound = _high_end(baseline, strategy, needed, own)
    low, low_bound = _low_end(baseline, strategy, needed, own)
    # If both are there from the start, only a strategy compared with itself has a saving.
    both = from_start & (own.estimate <= strategy.budgets[0])
    same = both & _equal(baseline, strategy)
    saving, low, high = (
        np.where(same, 1.0, np.where(both, np.nan, value)) for value in (saving, low, high)
    )
    bound, low_bound, high_bound = (
        np.where(both, EXACT, kind) for kind in (bound, low_bound, high_bound)
    )
    if base.shape[1] == 1:
        low = high = np.full(len(base), np.nan)
        low_bound = high_bound = np.full(len(base), EXACT)
    return Savings(
        level=levels.mean(axis=(1, 2)),
        baseline_labels=needed.estimate,
        strategy_labels=own.estimate,
        saving=saving,
        bound=bound,
        low=low,
        low_bound=low_bound,
        high=high,
        high_bound=high_bound,
    )


def _high_end(
    baseline: Curve, strategy: Curve, needed: LabelsAtLevel, own: LabelsAtLevel
) -> tuple[np.ndarray, np.ndarray]:
    """The high end of the interval, and how to read it: `LESS`, `EXACT` or `MORE`."""
    high = needed.high / _within(strategy, own.low)
    quadrature = _quadrature(
        needed.high / needed.estimate, _within(strategy, own.estimate) / _within(strategy, own.low)
    )
    reached = np.isfinite(own.estimate)
    mover = _certainly_before(baseline, needed) & reached
    high = np.where(mover, needed.estimate / _within(strategy, own.estimate) * quadrature, high)
    never = np.isinf(own.low)
    high = np.where(never, needed.estimate / strategy.budgets[-1], high)
    bound = np.where(never | (needed.high <= baseline.budgets[0]), LESS, EXACT)
    return high, np.where(own.low <= strategy.budgets[0], MORE, bound)


def _low_end(
    baseline: Curve, strategy: Curve, needed: LabelsAtLevel, own: LabelsAtLevel
) -> tuple[np.ndarray, np.ndarray]:
    """The low end of the interval, and how to read it: `LESS`, `EXACT` or `MORE`."""
    first = baseline.budgets[0]
    estimate = needed.estimate / _within(strategy, own.estimate)
    before = _certainly_before(baseline, needed)
    low = needed.estimate / own.high
    quadrature = _quadrature(
        needed.estimate / needed.low, _within(strategy, own.high) / _within(strategy, own.estimate)
    )
    low = np.where(before, estimate / quadrature, low)
    bound = np.where((needed.estimate <= first) | (before & (needed.low <= first)), LESS, EXACT)
    bound = np.where(own.high <= strategy.budgets[0], MORE, bound)
    # The strategy may not get there: read at its own last level, if the baseline's may be that.
    never, unsure = np.isinf(own.low), np.isinf(own.high)
    turned = crossing_of_zero(baseline.budgets, _stack(baseline) - _stack(strategy)[..., -1:])
    at_own_level = _within(baseline, turned.low) / strategy.budgets[-1]
    low = np.where(unsure, np.minimum(at_own_level, estimate), low)
    bound = np.where(unsure, np.where(turned.low <= first, LESS, EXACT), bound)
    return np.where(never, estimate, low), np.where(never, LESS, bound)


def _certainly_before(baseline: Curve, needed: LabelsAtLevel) -> np.ndarray:
    """Whether the baseline has certainly been at its last level before its last budget."""
    return needed.high < baseline.budgets[-1]


def _quadrature(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Two factors of at least 1 as one, as if their logarithms were independent errors."""
    return np.exp(np.hypot(np.log(one), np.log(other)))


def _within(curve: Curve, labels: np.ndarray) -> np.ndarray:
    return np.minimum(labels, curve.budgets[-1])


def _equal(baseline: Curve, strategy: Curve) -> np.ndarray:
    """For each experiment, whether the two curves are equal."""
    if not np.array_equal(baseline.budgets, strategy.budgets):
        return np.zeros(len(_stack(baseline)), dtype=bool)
    return (_stack(baseline) == _stack(strategy)).all(axis=(1, 2))


def _stack(curve: Curve) -> np.ndarray:
    return curve.values if curve.values.ndim == 3 else curve.values[None]
