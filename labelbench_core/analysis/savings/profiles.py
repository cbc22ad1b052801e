"""Performance profiles: how often a strategy needs at most τ times the labels of the best one.

Dolan & Moré, "Benchmarking optimization software with performance profiles", Mathematical
Programming 91, 2002. A problem is a seed of a setting; its cost is the number of labels at which
the strategy's curve, joined by straight lines, first reaches the level that the baseline's mean
ends with; a strategy that does not get there has an infinite ratio. A profile says nothing about
the order of two strategies that are both behind the best one (Gould & Scott, ACM TOMS 43, 2016).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from labelbench_core.analysis.collected.frames import SETTING, by_strategy, groups, ordered_splits
from labelbench_core.analysis.collected.units import of
from labelbench_core.analysis.savings.crossings import first_crossing

if TYPE_CHECKING:
    import pandas as pd

PROFILE_COLUMNS = ("split", "metric", "strategy", "n_problems", "ratio", "share", "never")


def performance_profiles(frame: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """A row for every ratio at which a strategy's profile steps up, rising from 1 on.

    Returned columns: `PROFILE_COLUMNS`. `share` is the share of problems with at most that `ratio`,
    `never` the share in which the level is not reached. A problem counts if its setting has the
    baseline, all strategies of the setting have its seed, and some strategy reaches the level;
    strategies that one of these settings lacks are left out.
    """
    import pandas as pd

    results = []
    for split in ordered_splits(frame["split"]) if len(frame) else ():
        for names, rows in groups(frame[frame["split"] == split], ["metric"]):
            ratios = label_ratios(rows, baseline)
            for strategy in ratios:
                values = np.sort(ratios[strategy].to_numpy(dtype=np.float64))
                count, finite = len(values), values[np.isfinite(values)]
                steps, last = np.unique(finite), len(finite)
                shares = np.searchsorted(values, steps, side="right") / count
                if not len(steps) or steps[0] > 1:
                    steps, shares = np.append(1.0, steps), np.append(0.0, shares)
                head = {"split": split, **names, "strategy": strategy, "n_problems": count}
                results += [
                    {**head, "ratio": ratio, "share": share, "never": 1 - last / count}
                    for ratio, share in zip(steps.tolist(), shares.tolist(), strict=True)
                ]
    return pd.DataFrame(results, columns=list(PROFILE_COLUMNS))


def label_ratios(rows: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """Labels divided by the fewest of any strategy: a row per problem, a column per strategy."""
    import pandas as pd

    tables = []
    for names, part in groups(rows, [*SETTING, "metric"]):
        sign = of(names["metric"]).sign
        curves = {name: sign * table for name, table in by_strategy(part).items()}
        if baseline not in curves:
            continue
        level = float(curves[baseline].iloc[:, -1].mean())
        indexes = [table.index for table in curves.values()]
        seeds = functools.reduce(lambda one, other: one.intersection(other), indexes)
        labels = {
            name: first_crossing(
                table.columns.to_numpy(dtype=np.float64),
                table.loc[seeds].to_numpy(dtype=np.float64),
                np.full(len(seeds), level),
            )
            for name, table in curves.items()
        }
        if len(seeds):
            tables.append(pd.DataFrame(labels))
    if not tables:
        return pd.DataFrame()
    shared = functools.reduce(
        lambda one, other: one.intersection(other), [t.columns for t in tables]
    )
    order = [name for name in dict.fromkeys(rows["strategy"]) if name in shared]
    costs = pd.concat([table[order] for table in tables], ignore_index=True)
    fewest = costs.min(axis="columns")
    return costs[np.isfinite(fewest)].div(fewest[np.isfinite(fewest)], axis="index")
