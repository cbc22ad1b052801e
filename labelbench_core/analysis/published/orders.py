"""Do the strategies stand in the published order? Rank correlations over resampled seeds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from labelbench_core.analysis.collected.frames import SETTING, columns_for, ordered_splits
from labelbench_core.analysis.power import MEASURES
from labelbench_core.analysis.published.published_curves import (
    own_rows,
    published_curves,
    seed_values,
)
from labelbench_core.analysis.ranks.rank_correlations import correlations, measured
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.configuration.references import PublishedReference, ids_in_tables
from labelbench_core.published.settings import setting
from labelbench_core.seeds import rng_for

if TYPE_CHECKING:
    import pandas as pd

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
    reference: PublishedReference, own: pd.DataFrame, split: str, metric: str
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
    for measure in MEASURES:
        found = {}
        for name in names:
            labels, values, seeds = seed_values(own, pairs[name])
            there = np.isin(labels, budgets[common] if reference.is_same else shared)
            curve = curves[name]
            both = (
                measured(labels[there], values[:, there], seeds, measure),
                measured(
                    *(curve.num_labeled[common], curve.values[:, common]), chosen.seeds, measure
                ),
            )
            if all(len(one.seeds) for one in both):
                found[name] = both
        ours, theirs = ([both[side] for both in found.values()] for side in (0, 1))
        rng = rng_for(
            "published-order", *reference.setting.values(), reference.name, split, metric, measure
        )
        for statistic, numbers in correlations(ours, theirs, rng).items():
            yield {
                **ids_in_tables(reference.setting),
                "trainer": reference.trainer,
                "reference": reference.name,
                "same_setting": int(reference.is_same),
                "split": split,
                "metric": metric,
                "measure": measure,
                "statistic": statistic,
                "strategies": " ".join(found),
                "num_strategies": len(found),
                "n_seeds": min((len(one.seeds) for one in ours), default=0),
                "published_seeds": min((len(one.seeds) for one in theirs), default=0),
                **numbers,
            }
