"""Rank correlations of the means of strategies, with intervals over resampled seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labelbench_core.analysis.collected.curves import CONFIDENCE
from labelbench_core.analysis.comparisons.aubc import area_under_budget_curve
from labelbench_core.analysis.power import FINAL

SPEARMAN, KENDALL = "spearman", "kendall"
DRAWS = 10_000
FEWEST_STRATEGIES = 3
"""Fewest that are correlated: two have only the one order or the other."""


@dataclass(frozen=True)
class Measured:
    """One number per seed for a strategy, with the names of the seeds."""

    values: np.ndarray
    seeds: tuple[int, ...]


def measured(
    labels: np.ndarray, values: np.ndarray, seeds: Sequence[int], measure: str
) -> Measured:
    """One number for each seed that has all the values that the number is made from.

    Parameters
    ----------
    labels, values
        Numbers of labels (R,), rising, and values (S, R) of the seeds; NaN where there is none.
    measure
        `FINAL`, the value with the last labels, or `AREA`, the area under the curve.
    """
    if not len(labels):
        return Measured(np.zeros(0), ())
    found = values[:, -1] if measure == FINAL else area_under_budget_curve(labels, values)
    there = np.isfinite(found)
    names = tuple(seed for seed, used in zip(seeds, there, strict=True) if used)
    return Measured(found[there], names)


def correlations(
    ours: Sequence[Measured],
    theirs: Sequence[Measured],
    rng: np.random.Generator,
    statistics: Sequence[str] = (SPEARMAN, KENDALL),
    draws: int = DRAWS,
    are_paired: bool = False,
) -> dict[str, dict[str, float]]:
    """The statistics of the means of two lists of strategies, with their intervals.

    The interval holds the middle 95 % of the correlations of `draws` draws, in each of which the
    seeds of both sides are drawn anew with replacement: the same draw for all strategies that have
    the same seeds, whose values belong together, and with `are_paired` for both sides, too. A
    correlation is NaN with fewer than three strategies, or where all are tied on a side; there is
    no interval where a strategy has a single seed.
    """
    drawn_seeds: dict[tuple[int, ...], np.ndarray] = {}
    sides = []
    for side in (ours, theirs):
        sides.append(_means(side, rng, draws, drawn_seeds))
        if not are_paired:
            drawn_seeds = {}
    found = {}
    functions = {SPEARMAN: spearman, KENDALL: kendall}
    for statistic in statistics:
        function = functions[statistic]
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


def _means(
    side: Sequence[Measured],
    rng: np.random.Generator,
    draws: int,
    drawn: dict[tuple[int, ...], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Means (K,) of all strategies, and those (draws, K) of seeds drawn with replacement.

    `drawn` holds the draws of every group of seeds, and is filled here.
    """
    means = np.array([one.values.mean() for one in side])
    columns = np.zeros((draws, len(side)))
    for seeds in dict.fromkeys(one.seeds for one in side):
        if seeds not in drawn:
            drawn[seeds] = rng.integers(0, len(seeds), (draws, len(seeds)))
        places = [place for place, one in enumerate(side) if one.seeds == seeds]
        values = np.stack([side[place].values for place in places], axis=1)
        columns[:, places] = values[drawn[seeds].T].mean(axis=0)
    return means, columns


def spearman(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Spearman's ρ of each row (B, K) of two arrays; ties share their mean rank. NaN: all tied."""
    ranks = [_rounded_ranks(one) for one in (first, second)]
    centred = [one - one.mean(axis=1, keepdims=True) for one in ranks]
    products = (centred[0] * centred[1]).sum(axis=1)
    sizes = np.sqrt((centred[0] ** 2).sum(axis=1) * (centred[1] ** 2).sum(axis=1))
    return np.divide(products, sizes, out=np.full(len(sizes), np.nan), where=sizes > 0)


def kendall(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Kendall's τ-b of each row (B, K) of two arrays. NaN: all tied."""
    left, right = np.triu_indices(first.shape[1], 1)
    signs = [
        np.sign(np.round(one[:, left] - one[:, right], 12)).astype(np.int64)
        for one in (first, second)
    ]
    products = (signs[0] * signs[1]).sum(axis=1)
    sizes = np.sqrt((signs[0] ** 2).sum(axis=1) * (signs[1] ** 2).sum(axis=1))
    return np.divide(products, sizes, out=np.full(len(sizes), np.nan), where=sizes > 0)


def _rounded_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks of each row (B, K); ties, also values that differ by rounding, share their mean rank.

    Ranks are counted, not sorted: with tens of strategies and thousands of rows, that is three
    times as fast.
    """
    columns = np.ascontiguousarray(np.round(values, 12).T)
    below, same = np.zeros((2, *columns.shape), np.int32)
    for one in columns:
        below += one < columns
        same += one == columns
    return np.add(below.T, (same.T + 1) / 2)
