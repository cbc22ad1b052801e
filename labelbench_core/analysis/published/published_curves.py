"""The published curves beside an experiment's own, and their difference where it may be told."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from labelbench_core.analysis.collected.curves import CONFIDENCE, t_interval
from labelbench_core.analysis.collected.frames import SETTING, columns_for, ordered_splits
from labelbench_core.analysis.collected.units import difference_bounds, ends
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.configuration.references import Panel, PublishedReference, ids_in_tables
from labelbench_core.published.curves import THEIRS, PublishedCurve, curve, running_maximum
from labelbench_core.published.settings import setting

if TYPE_CHECKING:
    import pandas as pd

RAW, MAXIMUM = "raw", "maximum"
"""Values as measured, and the running maximum of each seed, as the paper draws it."""
REFERENCE_COLUMNS = (
    *SETTING,
    "trainer",
    "reference",
    "same_setting",
    "extra_labels",
    "split",
    "metric",
    "smoothing",
    "strategy",
    "num_labeled",
    "n_seeds",
    "mean",
    "published_labels",
    "published_seeds",
    "published",
    "difference",
    "half_width",
    "low",
    "high",
)


def welch_interval(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
    """Difference of the means of two independent groups, and half its 95 % interval.

    Welch's t interval: the groups may have different variances and sizes. NaN where a group has a
    single value, whose spread is not known.
    """
    from scipy import special

    difference = float(np.mean(ours) - np.mean(theirs))
    if min(len(ours), len(theirs)) < 2:
        return difference, math.nan
    errors = [float(np.var(one, ddof=1)) / len(one) for one in (ours, theirs)]
    if sum(errors) == 0:
        return difference, 0.0
    freedom = sum(errors) ** 2 / (
        errors[0] ** 2 / (len(ours) - 1) + errors[1] ** 2 / (len(theirs) - 1)
    )
    quantile = float(special.stdtrit(freedom, (1 + CONFIDENCE) / 2))
    return difference, quantile * math.sqrt(sum(errors))


def compare_to_published(
    experiment: Experiment, rounds: pd.DataFrame, finetuned: pd.DataFrame
) -> pd.DataFrame:
    """Every published curve that the experiment names, with its own beside it.

    Raw values are compared with raw ones, running maxima (of each seed, then the mean) with running
    maxima, at the same numbers of labels, and only where the setting is the published one.
    Elsewhere the experiment's cells are empty, as they are for strategies that only the published
    side has.

    Parameters
    ----------
    rounds, finetuned
        The tables of `collect_curves`.

    Returns
    -------
    Columns as `REFERENCE_COLUMNS`; values are shares. `difference` > 0: the experiment is better.
    `published_labels` counts what the original bought: badge has bought up to one more a round.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for reference in experiment.references:
        own = own_rows(reference, rounds, finetuned)
        own = own[own["metric"] == experiment.metric]
        for split in ordered_splits(sorted({split for split, _ in THEIRS})):
            if split in set(own["split"]) or not reference.is_same:
                rows += _of_split(reference, own[own["split"] == split], split, experiment.metric)
    return pd.DataFrame(rows, columns=columns_for(experiment, REFERENCE_COLUMNS))


def own_rows(
    reference: PublishedReference | Panel, rounds: pd.DataFrame, finetuned: pd.DataFrame
) -> pd.DataFrame:
    """The experiment's rows that a reference, or a panel, stands for."""
    table = finetuned if reference.trainer else rounds
    wanted = ids_in_tables(reference.setting)
    if reference.trainer:
        wanted["trainer"] = reference.trainer
    return matching(table, wanted)


def matching(table: pd.DataFrame, wanted: Mapping[str, str]) -> pd.DataFrame:
    """The rows with these values; a column that the table does not have is no condition."""
    keep = np.ones(len(table), dtype=bool)
    for key, value in wanted.items():
        if key in table:
            keep &= (table[key] == value).to_numpy()
    return table[keep]


def seed_values(rows: pd.DataFrame, strategy: str) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Numbers of labels (R,), values (S, R) and seeds of a strategy in one split and metric.

    NaN where a seed has no value at a number of labels.
    """
    table = rows[rows["strategy"] == strategy].pivot(
        index="seed", columns="num_labeled", values="value"
    )
    table = table.sort_index().sort_index(axis="columns")
    return table.columns.to_numpy(dtype=np.int64), table.to_numpy(dtype=float), list(table.index)


def published_curves(
    reference: PublishedReference, split: str, metric: str
) -> dict[str, PublishedCurve]:
    """Published name of a strategy → its curve, for those that have one."""
    found = {
        strategy: curve(reference.name, strategy, split, metric)
        for strategy in setting(reference.name).strategies
    }
    return {strategy: one for strategy, one in found.items() if one is not None}


def _of_split(
    reference: PublishedReference, own: pd.DataFrame, split: str, metric: str
) -> Iterator[dict[str, Any]]:
    curves = published_curves(reference, split, metric)
    ours = {theirs: name for name, theirs in reversed(list(reference.strategies.items()))}
    budgets = setting(reference.name).budgets
    for published, theirs in curves.items():
        name = ours.get(published, published)
        there = name in set(own["strategy"]) and reference.is_same
        labels, values, _ = seed_values(own, name) if there else (np.zeros(0, int), None, None)
        for smoothing in (RAW, MAXIMUM):
            smooth = running_maximum if smoothing == MAXIMUM else np.asarray
            for place, count in enumerate(budgets):
                row = {
                    **ids_in_tables(reference.setting),
                    "trainer": reference.trainer,
                    "reference": reference.name,
                    "same_setting": int(reference.is_same),
                    "extra_labels": reference.validation_labels,
                    "split": split,
                    "metric": metric,
                    "smoothing": smoothing,
                    "strategy": name,
                    "num_labeled": count,
                    "published_labels": int(theirs.num_labeled[place]),
                }
                yield {
                    **row,
                    **_compared(
                        metric,
                        smooth(values)[:, labels == count].ravel() if there else np.zeros(0),
                        smooth(theirs.values)[:, place],
                    ),
                }


def _compared(metric: str, ours: np.ndarray, theirs: np.ndarray) -> Mapping[str, float]:
    """Both means, and the difference where there are both; NaN: there is no such number."""
    ours, theirs = ours[np.isfinite(ours)], theirs[np.isfinite(theirs)]
    found: dict[str, float] = {
        "n_seeds": len(ours),
        "mean": t_interval(ours)[0] if len(ours) else math.nan,
        "published_seeds": len(theirs),
        "published": t_interval(theirs)[0] if len(theirs) else math.nan,
    }
    difference, half = math.nan, math.nan
    if len(ours) and len(theirs):
        difference, half = welch_interval(ours, theirs)
    low, high = ends(difference, half, difference_bounds(metric))
    return {**found, "difference": difference, "half_width": half, "low": low, "high": high}
