"""Do the strategies stand in the published order? Rank correlations over resampled seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from labelbench_core.analysis.aubc import area_under_budget_curve
from labelbench_core.analysis.curves import CONFIDENCE
from labelbench_core.analysis.frames import SETTING, columns_for, ordered_splits
from labelbench_core.analysis.published import own_rows, published_curves, seed_values
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.configuration.references import Reference, ids_in_tables
from labelbench_core.published.settings import setting
from labelbench_core.seeds import rng_for

if TYPE_CHECKING:
    import pandas as pd

FINAL, AREA = "final", "area"
"""What strategies are ordered by: the value with the last labels, or the area under the curve."""
SPEARMAN, KENDALL = "spearman", "kendall"
DRAWS = 10_000
FEWEST_STRATEGIES = 3
"""With two there is only the one order or the other."""
ORDER_COLUMNS = (
    *SETTING,
    "trainer",
    "reference",
    "same_setting",
    "split",
    "metric",
    "measure",
    "statistic",
    "strategies",
    "num_strategies",
    "n_seeds",
    "published_seeds",
    "correlation",
    "low",
    "high",
    "contains_zero",
)


@dataclass(frozen=True)
class Measured:
    """One number per seed for a strategy, with the names of the seeds."""

    values: np.ndarray
    seeds: tuple[int, ...]


def compare_orders(
    experiment: Experiment, rounds: pd.DataFrame, finetuned: pd.DataFrame
) -> pd.DataFrame:
    """Rank correlation of the strategies' means with the published ones, for every reference.

    Orders can be compared where levels cannot, so that this holds for other settings, too. Values
    are raw. Where the setting is the published one both sides end at the last common number of
    labels, elsewhere each at its own. The interval holds the middle 95 % of the correlations of
    10,000 draws, in each of which the seeds of both sides are drawn anew with replacement; the
    same draw for all strategies that have the same seeds, whose values belong together.

    Returns
    -------
    Columns as `ORDER_COLUMNS`. No interval where a side has a single seed; no correlation with
    fewer than three common strategies, or where all are equal on a side.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for reference in experiment.references:
        own = own_rows(reference, rounds, finetuned)
        own = own[own["metric"] == experiment.metric]
        for split in ordered_splits(own["split"]):
            rows += _of_split(reference, own[own["split"] == split], split, experiment.metric)
    return pd.DataFrame(rows, columns=columns_for(experiment, ORDER_COLUMNS))


def _of_split(
    reference: Reference, own: pd.DataFrame, split: str, metric: str
) -> Iterator[dict[str, Any]]:
    curves = published_curves(reference, split, metric)
    chosen = setting(reference.name)
    pairs = {
        published: ours
        for ours, published in reversed(list(reference.strategies.items()))
        if published in curves and ours in set(own["strategy"])
    }
    names = [name for name in chosen.strategies if name in pairs]
    if not names:
        return
    budgets = np.array(chosen.budgets)
    counts = [set(own.loc[own["strategy"] == pairs[name], "num_labeled"]) for name in names]
    shared = np.array(sorted(set.intersection(*counts)))
    common = np.isin(budgets, shared) if reference.is_same else budgets > 0
    for measure in (FINAL, AREA):
        measured = {}
        for name in names:
            labels, values, seeds = seed_values(own, pairs[name])
            there = np.isin(labels, budgets[common] if reference.is_same else shared)
            curve = curves[name]
            both = (
                _measured(labels[there], values[:, there], seeds, measure),
                _measured(
                    *(curve.num_labeled[common], curve.values[:, common]), chosen.seeds, measure
                ),
            )
            if all(len(one.seeds) for one in both):
                measured[name] = both
        ours, theirs = ([both[side] for both in measured.values()] for side in (0, 1))
        rng = rng_for(
            "published-order", *reference.setting.values(), reference.name, split, metric, measure
        )
        for statistic, found in correlations(ours, theirs, rng).items():
            yield {
                **ids_in_tables(reference.setting),
                "trainer": reference.trainer,
                "reference": reference.name,
                "same_setting": int(reference.is_same),
                "split": split,
                "metric": metric,
                "measure": measure,
                "statistic": statistic,
                "strategies": " ".join(measured),
                "num_strategies": len(measured),
                "n_seeds": min((len(one.seeds) for one in ours), default=0),
                "published_seeds": min((len(one.seeds) for one in theirs), default=0),
                **found,
            }


def _measured(
    labels: np.ndarray, values: np.ndarray, seeds: Sequence[int], measure: str
) -> Measured:
    """One number for each seed that has all of what it is made from."""
    if not len(labels):
        return Measured(np.zeros(0), ())
    found = values[:, -1] if measure == FINAL else area_under_budget_curve(labels, values)
    there = np.isfinite(found)
    names = tuple(seed for seed, used in zip(seeds, there, strict=True) if used)
    return Measured(found[there], names)


def correlations(
    ours: Sequence[Measured], theirs: Sequence[Measured], rng: np.random.Generator
) -> dict[str, dict[str, float]]:
    """Both statistics of the means of two lists of strategies, with their intervals."""
    sides = [_means(side, rng) for side in (ours, theirs)]
    found = {}
    for statistic, function in ((SPEARMAN, spearman), (KENDALL, kendall)):
        value, low, high = math.nan, math.nan, math.nan
        if len(ours) >= FEWEST_STRATEGIES:
            value = float(function(*(mean[None] for mean, _ in sides))[0])
            drawn = function(*(draws for _, draws in sides))
            drawn = drawn[np.isfinite(drawn)]
            if len(drawn) and min(len(one.seeds) for one in (*ours, *theirs)) > 1:
                tails = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
                low, high = (float(end) for end in np.quantile(drawn, tails))
        contains = math.nan if math.isnan(low) else float(low <= 0 <= high)
        found[statistic] = {
            "correlation": value,
            "low": low,
            "high": high,
            "contains_zero": contains,
        }
    return found


def _means(side: Sequence[Measured], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Means (K,) of all strategies, and those (DRAWS, K) of seeds drawn with replacement."""
    means = np.array([one.values.mean() for one in side])
    drawn = {
        seeds: rng.integers(0, len(seeds), (DRAWS, len(seeds)))
        for seeds in dict.fromkeys(one.seeds for one in side)
    }
    columns = [one.values[drawn[one.seeds]].mean(axis=1) for one in side]
    return means, np.stack(columns, axis=1) if columns else np.zeros((DRAWS, 0))


def spearman(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Spearman's ρ of each row (B, K) of two arrays; ties share their mean rank. NaN: no order."""
    from scipy import stats

    ranks = [_rounded_ranks(stats, one) for one in (first, second)]
    centred = [one - one.mean(axis=1, keepdims=True) for one in ranks]
    products = (centred[0] * centred[1]).sum(axis=1)
    sizes = np.sqrt((centred[0] ** 2).sum(axis=1) * (centred[1] ** 2).sum(axis=1))
    return np.divide(products, sizes, out=np.full(len(sizes), np.nan), where=sizes > 0)


def kendall(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Kendall's τ-b of each row (B, K) of two arrays. NaN: no order."""
    left, right = np.triu_indices(first.shape[1], 1)
    signs = [
        np.sign(np.round(one[:, left] - one[:, right], 12)).astype(np.int64)
        for one in (first, second)
    ]
    products = (signs[0] * signs[1]).sum(axis=1)
    sizes = np.sqrt((signs[0] ** 2).sum(axis=1) * (signs[1] ** 2).sum(axis=1))
    return np.divide(products, sizes, out=np.full(len(sizes), np.nan), where=sizes > 0)


def _rounded_ranks(stats: Any, values: np.ndarray) -> np.ndarray:
    """Ranks of each row; means that differ by rounding alone are ties."""
    return stats.rankdata(np.round(values, 12), axis=1)
