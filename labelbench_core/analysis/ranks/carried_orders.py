"""Does the order of strategies carry over from one setting of an experiment to another?

For instance from a linear proxy to a fine-tuned network, from one backbone, data set or schedule to
another, or from supervised to semi-supervised training. The answer is Spearman's rank correlation
between the strategies' means in two settings that differ in one thing, with an interval over
resampled seeds. Noise alone lowers such a correlation; how far is shown by how well a setting
agrees with itself, between two halves of its seeds.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from labelbench_core.analysis.collected.frames import (
    SETTING,
    by_strategy,
    columns_for,
    groups,
    ordered_splits,
    setting_name,
)
from labelbench_core.analysis.power import FINAL, MEASURES
from labelbench_core.analysis.ranks.rank_correlations import (
    FEWEST_STRATEGIES,
    SPEARMAN,
    Measured,
    correlations,
    measured,
    spearman,
)
from labelbench_core.analysis.tables import TextTable
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.seeds import rng_for

if TYPE_CHECKING:
    import pandas as pd

TRAINER = "trainer"
PROXY_ITSELF = "proxy"
"""Stands for no trainer: the proxy's own values."""
CARRIED_COLUMNS = (
    *SETTING,
    TRAINER,
    "varies",
    "other",
    "split",
    "metric",
    "measure",
    "strategies",
    "num_strategies",
    "n_seeds",
    "correlation",
    "low",
    "high",
    "contains_zero",
    "with_itself",
)
DRAWS = 2_000
HALVES = 200
"""Random halves of the seeds over which the agreement of a setting with itself is a mean."""


@dataclass(frozen=True, eq=False)
class Curves:
    """One split of a setting: a table of `by_seed` for every strategy. Compared by identity."""

    tables: dict[str, pd.DataFrame]


Measuring = Callable[[Curves, tuple[str, ...], frozenset[int], str], list[Measured]]


def carried_orders(
    experiment: Experiment, rounds: pd.DataFrame, finetuned: pd.DataFrame
) -> pd.DataFrame:
    """Rank correlations between all settings that differ in one thing, split by split.

    Parameters
    ----------
    rounds, finetuned
        One metric, methods only; `finetuned` may be empty. A fine-tuning counts as a setting of its
        own, whose `trainer` differs from the proxy's.

    Returns
    -------
    Columns as `CARRIED_COLUMNS`: the first setting, what `varies` (`dataset`, `annotator`,
    `backbone`, `proxy`, `schedule` or `trainer`), and its value in the `other` one. `measure` is
    the value with the last labels (`final`) or the area under the curve (`area`), over the numbers
    of labels that all common strategies have: in both settings, or, where the data set or the
    schedule differs, in each setting by itself. Both settings draw the same seeds. `with_itself` is
    the mean Spearman correlation between halves of the seeds within a setting, averaged over both
    settings: what a correlation with half of the seeds would be if the order were the same. NaN
    with a single seed. Pairs with fewer than three common strategies are left out.
    """
    import pandas as pd

    sides = [*_sides(rounds.assign(**{TRAINER: ""})), *_sides(finetuned)]
    # Mostly the same for all pairs that a setting is in.
    measuring = functools.cache(_measured)
    rows: list[dict[str, Any]] = []
    for (names, first), (others, second) in itertools.combinations(sides, 2):
        differing = [key for key in names if names[key] != others[key]]
        if len(differing) == 1:
            (key,) = differing
            both = [name for name in first if name in second]
            head = {**names, "varies": key, "other": others[key] or PROXY_ITSELF}
            for split in both:
                rows += _of_split(
                    {**head, "split": split, "metric": experiment.metric},
                    (first[split], second[split]),
                    measuring,
                    has_own_labels=key in ("dataset", "schedule"),
                )
    return pd.DataFrame(rows, columns=columns_for(experiment, CARRIED_COLUMNS))


def _sides(frame: pd.DataFrame) -> Iterator[tuple[dict[str, str], dict[str, Curves]]]:
    """Every setting with the curves of its splits."""
    for names, rows in groups(frame, [*SETTING, TRAINER]):
        curves = {
            split: Curves(by_strategy(rows[rows["split"] == split]))
            for split in ordered_splits(rows["split"])
        }
        yield names, curves


def _of_split(
    head: Mapping[str, Any],
    sides: tuple[Curves, Curves],
    measuring: Measuring,
    has_own_labels: bool,
) -> Iterator[dict[str, Any]]:
    common = tuple(name for name in sides[0].tables if name in sides[1].tables)
    if len(common) < FEWEST_STRATEGIES:
        return
    budgets = [
        frozenset.intersection(*(frozenset(side.tables[name].columns.tolist()) for name in common))
        for side in sides
    ]
    if not has_own_labels:
        budgets = [budgets[0] & budgets[1]] * 2
    for measure in MEASURES:
        if min(map(len, budgets)) < (1 if measure == FINAL else 2):
            continue
        first, second = (
            measuring(side, common, labels, measure)
            for side, labels in zip(sides, budgets, strict=True)
        )
        rng = rng_for("carried-order", *head.values(), measure)
        found = correlations(first, second, rng, [SPEARMAN], DRAWS, are_paired=True)[SPEARMAN]
        yield {
            **head,
            TRAINER: head[TRAINER] or PROXY_ITSELF,
            "measure": measure,
            "strategies": " ".join(common),
            "num_strategies": len(common),
            "n_seeds": min(len(one.seeds) for one in (*first, *second)),
            **found,
            "with_itself": float(
                np.mean([agreement_with_itself(one, rng) for one in (first, second)])
            ),
        }


def _measured(
    side: Curves, strategies: tuple[str, ...], labels: frozenset[int], measure: str
) -> list[Measured]:
    """One number for each seed of each of the strategies."""
    columns = sorted(labels)
    parts = [side.tables[name][columns] for name in strategies]
    return [
        measured(np.array(columns), part.to_numpy(np.float64), part.index.tolist(), measure)
        for part in parts
    ]


def agreement_with_itself(side: Sequence[Measured], rng: np.random.Generator) -> float:
    """Mean Spearman correlation between two halves of the seeds that all strategies share.

    Halves are drawn at random, `HALVES` times; with an odd number of seeds one is left out each
    time. NaN with a single seed, or where no draw has an order.
    """
    seeds = [name for name in side[0].seeds if all(name in one.seeds for one in side)]
    half = len(seeds) // 2
    if half < 1:
        return math.nan
    values = np.array([[one.values[one.seeds.index(name)] for name in seeds] for one in side])
    orders = rng.permuted(np.tile(np.arange(len(seeds)), (HALVES, 1)), axis=1)
    first, second = orders[:, :half], orders[:, half : 2 * half]
    found = spearman(values[:, first].mean(axis=2).T, values[:, second].mean(axis=2).T)
    return float(np.nanmean(found)) if np.isfinite(found).any() else math.nan


def carried_tables(table: pd.DataFrame) -> list[TextTable]:
    """Text tables: one for each thing that differs, a row per pair, split and measure."""
    tables = []
    for names, rows in groups(table, ["varies", "metric"]):
        key = names["varies"]
        cells = []
        for row in rows.to_dict("records"):
            place = setting_name({**row, key: f"{row[key]} → {row['other']}"})
            if key == TRAINER:
                place += f", {row[TRAINER]} → {row['other']}"
            elif row[TRAINER] != PROXY_ITSELF:
                place += f", {row[TRAINER]}"
            interval = "–" if math.isnan(row["low"]) else f"{row['low']:.2f} to {row['high']:.2f}"
            itself = "–" if math.isnan(row["with_itself"]) else f"{row['with_itself']:.2f}"
            value = "–" if math.isnan(row["correlation"]) else f"{row['correlation']:.2f}"
            cells.append(
                (
                    place,
                    row["split"],
                    row["measure"],
                    str(row["num_strategies"]),
                    str(row["n_seeds"]),
                    value,
                    interval,
                    itself,
                )
            )
        columns = ("from → to", "split", "by", "strategies", "seeds", "Spearman's ρ")
        columns += ("95 % interval", "within a setting, half of the seeds")
        title = f"order of the strategies by {names['metric']}, another {key}"
        tables.append(TextTable(title, columns, tuple(cells), 3))
    return tables
