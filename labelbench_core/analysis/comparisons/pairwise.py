"""Pairwise penalty matrix: how often each strategy significantly beats each other one.

Ash et al., "Deep Batch Active Learning by Diverse, Uncertain Gradient Lower Bounds" (BADGE,
ICLR 2020), section 4. Two traps of published implementations are avoided: pairs are made by seed
id, not by the order of rows, and the matrix is stored the way it is read: row beats column.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from labelbench_core.analysis.collected.frames import SETTING, groups, seed_table
from labelbench_core.analysis.collected.units import of
from labelbench_core.analysis.comparisons.paired import (
    SIGNIFICANCE,
    paired_tests,
)

if TYPE_CHECKING:
    import pandas as pd

SATURATION = 0.99
"""Budgets after the baseline has reached this share of its final value are not compared."""


def checkpoint_rounds(baseline_means: np.ndarray, *, lower_is_better: bool = False) -> list[int]:
    """Rounds 1, 2, 4, 8, … up to the first one where the baseline is at 99 % of its final value.

    `baseline_means` (T,) starts with round 0. Round 1 is always compared. Where lower is better, it
    is the first round where the final value is at least 99 % of the baseline's.
    """
    final = baseline_means[-1]
    reached = baseline_means >= SATURATION * final
    if lower_is_better:
        reached = final >= SATURATION * baseline_means
    saturated = int(np.argmax(reached))
    last = max(saturated, 1)
    return [1 << power for power in range(last.bit_length()) if 1 << power < len(baseline_means)]


def penalty_matrix(frame: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """Entry (i, j): in how many settings strategy i significantly beats strategy j.

    `frame` has single values of one split and one metric. A setting weighs 1, spread over the
    checkpoints at which the two are tested; a win is a paired t-test over the seeds of both with
    p < 0.05, uncorrected, as in the paper. Settings without the baseline, which sets the
    checkpoints, are left out. The row `mean` holds the column means: how often a strategy is
    beaten; lower is better. A pair without a test, for want of two common seeds or of a common
    checkpoint, is NaN and enters no mean; one that is tested in fewer settings than others enters
    as often as it would have been won in all of them, so that what lacks a setting is not the
    better for it.
    """
    import pandas as pd

    names = list(dict.fromkeys(frame["strategy"]))
    metric_name = frame["metric"].iloc[0]
    metric = of(metric_name)
    wins = np.full((len(names), len(names)), math.nan)
    settings = np.zeros_like(wins)
    for _, rows in groups(frame, SETTING):
        means = rows[rows["strategy"] == baseline].groupby("round")["value"].mean().sort_index()
        if means.empty:
            continue
        rounds = checkpoint_rounds(means.to_numpy(), lower_is_better=metric.lower_is_better)
        tested, won = np.zeros_like(wins), np.zeros_like(wins)
        for number in rounds:
            table = seed_table(rows[rows["round"] == number], "strategy").reindex(columns=names)
            was_tested, has_won = _wins(table.to_numpy().T, metric_name)
            tested += was_tested
            won += has_won
        shares = np.divide(won, tested, out=np.full_like(wins, math.nan), where=tested > 0)
        wins = np.where(np.isnan(wins), shares, wins + np.nan_to_num(shares))
        settings += tested > 0
    table = pd.DataFrame(wins, index=names, columns=names)
    in_all = settings.max() / np.where(settings > 0, settings, 1)
    table.loc["mean"] = (table * in_all).mean()
    for name in names:
        table.loc[name, name] = 0.0
    return table


def _wins(values: np.ndarray, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Which pairs (K, K) of K strategies with `values` (K, S) are tested, and where row wins."""
    count = len(values)
    first, second = np.triu_indices(count, 1)
    tests = paired_tests(values[first] - values[second], metric)
    differs = tests["p_value"] < SIGNIFICANCE
    better = of(metric).sign * tests["difference"] > 0
    tested, won = np.zeros((count, count), bool), np.zeros((count, count), bool)
    tested[first, second] = tested[second, first] = tests["n_seeds"] > 1
    won[first, second] = differs & better
    won[second, first] = differs & ~better
    return tested, won
