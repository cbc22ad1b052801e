"""How many labels a strategy saves: two definitions, each with a bootstrap interval over seeds.

Both compare *mean* curves over seeds, joined by straight lines, and both ask at how many labels a
curve first reaches a level of the metric. Curves need not rise all the way: the first crossing
counts, for both sides alike, so that a strategy compared with itself always saves exactly 1.0.

``at-baseline-level`` (the headline)
    The level is the baseline's mean at its last budget. Saving = labels at which the *baseline*
    first reaches that level / labels at which the *strategy* first reaches it. 2.0 reads "the
    strategy needs half of the labels for what the baseline ends with". Where the baseline's curve
    ends at its highest point the numerator is its last budget; where it had been as good before,
    the numerator is smaller and the saving is not flattered.
``at-strategy-level``
    The level is the strategy's mean at its last budget n. Saving = labels at which the baseline
    first reaches that level / n. With equal budgets a better strategy gets "more than 1.0" and no
    more, which is why this is not the headline.

A level that is never reached gives a bound, not a number: "more than" or "less than" the ratio at
the end (or the start) of the curve. Bounds take part in the bootstrap as such: they sort beyond
every number, and an end of the interval that falls on one is itself a bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelbench_core.analysis.frames import SETTING, by_seed, group_columns, groups
from labelbench_core.errors import InputError
from labelbench_core.seeds import rng_for

if TYPE_CHECKING:
    import pandas as pd

AT_BASELINE, AT_STRATEGY = "at-baseline-level", "at-strategy-level"
DEFINITIONS = (AT_BASELINE, AT_STRATEGY)
HEADLINE = AT_BASELINE
RESAMPLES = 10_000
INTERVAL = (0.025, 0.975)
SAVING_COLUMNS = (
    "strategy",
    "baseline",
    "definition",
    "n_seeds",
    "level",
    "baseline_labels",
    "strategy_labels",
    "saving",
    "bound",
    "low",
    "low_bound",
    "high",
    "high_bound",
)


@dataclass(frozen=True)
class Curve:
    """One strategy's curve: `budgets` (T,) rising, `values` (S, T), a row per seed."""

    budgets: np.ndarray
    values: np.ndarray


def first_crossing(budgets: np.ndarray, curves: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Labels at which each curve first reaches its level, on straight lines between budgets.

    Parameters
    ----------
    budgets
        (T,) numbers of labels, rising.
    curves
        (R, T) values at those budgets.
    levels
        (R,) what has to be reached.

    Returns
    -------
    (R,): `budgets[0]` where the curve starts at or above the level, infinity where it never
    reaches it.
    """
    # Means over resampled seeds differ in the last bits from the level they were taken as.
    reached = curves >= levels[:, None] - 1e-12
    step = np.argmax(reached, axis=1)
    row = np.arange(len(curves))
    before = np.maximum(step - 1, 0)
    low, high = curves[row, before], curves[row, step]
    rise = np.where(high > low, high - low, 1.0)
    share = np.clip((levels - low) / rise, 0.0, 1.0)
    crossing = budgets[before] + share * (budgets[step] - budgets[before])
    crossing = np.where(step == 0, float(budgets[0]), crossing)
    return np.where(reached.any(axis=1), crossing, math.inf)


def needed_labels(
    baseline: Curve, strategy: Curve, weights: np.ndarray, definition: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Level, baseline's labels and strategy's labels for every weighting of the seeds.

    `weights` (R, S) sums to one per row: a row of 1/S is the plain mean, the others are resamples.
    """
    base, other = weights @ baseline.values, weights @ strategy.values
    if definition == AT_BASELINE:
        level = base[:, -1]
        own = first_crossing(strategy.budgets, other, level)
    else:
        level = other[:, -1]
        own = np.full(len(level), float(strategy.budgets[-1]))
    return level, first_crossing(baseline.budgets, base, level), own


def saving_with_interval(
    baseline: Curve, strategy: Curve, definition: str, rng: np.random.Generator
) -> dict[str, float | str]:
    """The saving of one strategy and its 95 % percentile bootstrap interval.

    Rows of both curves are the same seeds in the same order; seeds are resampled in pairs. With
    one seed there is no interval. Returned keys: `SAVING_COLUMNS` from `level` on.
    """
    count = len(baseline.values)
    level, base, own = needed_labels(
        baseline, strategy, np.full((1, count), 1.0 / count), definition
    )
    saving, bound = _bounded(
        _ratio(baseline, strategy, base, own, definition)[0],
        _bounds(baseline, strategy, definition, float(base[0]), float(base[0])),
    )
    low = high = (math.nan, "")
    if count > 1:
        draws = rng.multinomial(count, np.full(count, 1.0 / count), size=RESAMPLES) / count
        _, base_draws, own_draws = needed_labels(baseline, strategy, draws, definition)
        ratios = _ratio(baseline, strategy, base_draws, own_draws, definition)
        defined = ratios[~np.isnan(ratios)]
        # Resamples without an answer are left out while they are too few to move an end.
        if len(defined) >= (1 - INTERVAL[0]) * RESAMPLES and bound != "undefined":
            first, last = (float(baseline.budgets[end]) for end in (0, -1))
            bounds = _bounds(baseline, strategy, definition, last, first)
            ends = np.quantile(defined, INTERVAL, method="inverted_cdf")
            low, high = (_bounded(end, bounds) for end in ends)
    return {
        "level": float(level[0]),
        "baseline_labels": float(base[0]) if np.isfinite(base[0]) else math.nan,
        "strategy_labels": float(own[0]) if np.isfinite(own[0]) else math.nan,
        "saving": saving,
        "bound": bound,
        "low": low[0],
        "low_bound": low[1],
        "high": high[0],
        "high_bound": high[1],
    }


def _ratio(
    baseline: Curve, strategy: Curve, base: np.ndarray, own: np.ndarray, definition: str
) -> np.ndarray:
    """Base / own; 0 and infinity stand for "less" and "more than the bound", NaN for no answer."""
    with np.errstate(invalid="ignore"):
        ratio = base / own
    base_at_start = base <= baseline.budgets[0]
    own_at_start = own <= strategy.budgets[0]
    if definition == AT_BASELINE:
        ratio = np.where(own_at_start, math.inf, ratio)
        return np.where(base_at_start & own_at_start, math.nan, ratio)
    ratio = np.where(base_at_start, 0.0, ratio)
    return np.where(base_at_start & own_at_start, math.nan, ratio)


def _bounds(
    baseline: Curve, strategy: Curve, definition: str, most: float, least: float
) -> tuple[float, float]:
    """What "less than" and "more than" refer to.

    `most` and `least` enclose the labels at which the baseline reaches its own last level: one
    number for the mean curve, the ends of its budgets for all resamples together.
    """
    first, last = strategy.budgets[[0, -1]]
    if definition == AT_BASELINE:
        return float(most / last), float(least / first)
    return float(baseline.budgets[0] / last), float(baseline.budgets[-1] / last)


def _bounded(ratio: float, bounds: tuple[float, float]) -> tuple[float, str]:
    if math.isnan(ratio):
        return math.nan, "undefined"
    if ratio == 0:
        return bounds[0], "less than"
    if math.isinf(ratio):
        return bounds[1], "more than"
    return float(ratio), ""


def label_savings(frame: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """Label savings of every strategy over `baseline`, by both definitions, in every group.

    `frame` has single values of metrics for which more is better. The resampling depends on the
    names of the setting only, so that strategies and splits are compared on the same resamples.
    Returned columns: group columns and `SAVING_COLUMNS`.
    """
    import pandas as pd

    keys = group_columns(frame)
    results = []
    for names, rows in groups(frame, keys):
        tables = {name: by_seed(part) for name, part in rows.groupby("strategy", sort=False)}
        if baseline not in tables:
            raise InputError(f"no rows of the baseline {baseline!r} to compare with")
        base = tables.pop(baseline)
        for strategy, table in tables.items():
            if not table.index.equals(base.index):
                raise InputError(f"{strategy} and {baseline} have different seeds: no pairs")
            for definition in DEFINITIONS:
                rng = rng_for("savings", *(names[key] for key in SETTING))
                values = saving_with_interval(_curve(base), _curve(table), definition, rng)
                head = {"strategy": strategy, "baseline": baseline, "definition": definition}
                results.append({**names, **head, "n_seeds": len(base), **values})
    return pd.DataFrame(results, columns=[*keys, *SAVING_COLUMNS])


def _curve(table: pd.DataFrame) -> Curve:
    return Curve(table.columns.to_numpy(dtype=np.float64), table.to_numpy(dtype=np.float64))


def saving_text(value: float, bound: str = "") -> str:
    """A saving as text: "2.31×", "> 1.00×", "< 1.00×", or a dash where there is none."""
    if math.isnan(value) or bound == "undefined":
        return "–"
    sign = {"": "", "more than": "> ", "less than": "< "}[bound]
    return f"{sign}{value:.2f}×"


def interval_text(low: float, low_bound: str, high: float, high_bound: str) -> str:
    """The interval of a saving as text, "1.90× to 2.80×"; empty where there is none."""
    if math.isnan(low):
        return ""
    if (low, low_bound) == (high, high_bound):
        return saving_text(low, low_bound)
    return f"{saving_text(low, low_bound)} to {saving_text(high, high_bound)}"
