"""Strategies over several data sets: mean ranks, the critical difference, and tests of all pairs.

Demšar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7, 2006. A data set
is one observation, however many seeds, backbones and proxies it was measured with: they are
averaged within it. The Friedman test asks whether the strategies differ at all. Two of them differ
by Nemenyi's test if their mean ranks do by more than the critical difference. Beside it stands
Wilcoxon's signed-rank test of every pair, corrected by Holm (Benavoli, Corani & Mangili, JMLR 17,
2016: Nemenyi's verdict on a pair depends on the other strategies); with fewer than six data sets it
cannot reach 5 %.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from labelbench_core.analysis.collected.frames import SETTING, by_strategy, groups, ordered_splits
from labelbench_core.analysis.collected.units import of
from labelbench_core.analysis.comparisons.aubc import area_under_budget_curve
from labelbench_core.analysis.comparisons.paired import SIGNIFICANCE, holm
from labelbench_core.analysis.tables import TextTable, p_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

ACROSS_COLUMNS = (
    "split",
    "metric",
    "strategy",
    "n_datasets",
    "n_strategies",
    "mean_rank",
    "critical_difference",
    "friedman_p",
    "differs",
    "wilcoxon_p",
    "wilcoxon_p_holm",
)
MOST_ORDERS = 100_000
"""Orders of the strategies over which the Friedman test is exact."""


def ranks_over_datasets(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean rank of every strategy over data sets, the best first.

    Strategies are ranked by the area under the curve over the numbers of labels that all of them
    have in a setting, averaged over seeds and over the settings of a data set that have all of
    them; ties share ranks. Strategies that one data set lacks are left out for all, as are those
    for want of which it would have no setting, and data sets with fewer than two common numbers of
    labels. With fewer than two data sets or strategies there are no rows.

    Returns
    -------
    Columns as `ACROSS_COLUMNS`. `critical_difference` is Nemenyi's at 5 %; `differs` is 1
    where the mean rank differs from the first one's by more than the critical difference;
    `wilcoxon_p` is of the pair with the first one, `wilcoxon_p_holm` corrected for all pairs.
    """
    import pandas as pd

    results = []
    splits = ordered_splits(frame["split"]) if len(frame) else []
    for split in splits:
        for names, rows in groups(frame[frame["split"] == split], ["metric"]):
            table = areas_by_dataset(rows)
            if min(table.shape) < 2:
                continue
            results += [
                {"split": split, **names, **row}
                for row in _ranked(table * -of(names["metric"]).sign)
            ]
    return pd.DataFrame(results, columns=list(ACROSS_COLUMNS))


def areas_by_dataset(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean area under the curve: a row per data set, a column per strategy that all have.

    A strategy that lacks a setting would have its mean over easier or harder ones than the others:
    only settings with all these strategies enter.
    """
    import pandas as pd

    settings = [
        (names["dataset"], curves)
        for names, part in groups(rows, SETTING)
        if len(_shared((curves := by_strategy(part)).values())) > 1
    ]
    ranked = _ranked_strategies(list(dict.fromkeys(rows["strategy"])), settings)
    found: dict[str, dict[str, list[float]]] = {}
    for dataset, curves in settings:
        if not ranked or not curves.keys() >= set(ranked):
            continue
        budgets = _shared(curves[name] for name in ranked)
        for name in ranked:
            values = curves[name][budgets].to_numpy(dtype=np.float64)
            area = area_under_budget_curve(budgets.to_numpy(dtype=np.float64), values).mean()
            found.setdefault(dataset, {}).setdefault(name, []).append(float(area))
    means = {
        dataset: {name: float(np.mean(areas)) for name, areas in strategies.items()}
        for dataset, strategies in found.items()
    }
    return pd.DataFrame.from_dict(means, orient="index", columns=ranked)


def _shared(tables: Iterable[pd.DataFrame]) -> pd.Index:
    """The numbers of labels that all of (seeds, numbers of labels) have."""
    return functools.reduce(
        lambda first, second: first.intersection(second), (table.columns for table in tables)
    )


def _ranked_strategies(
    names: list[str], settings: Sequence[tuple[str, Mapping[str, pd.DataFrame]]]
) -> list[str]:
    """The strategies that every data set has together in at least one setting.

    As long as one has not, the strategy is left out that has the fewest data sets, then settings,
    then strategies beside it: the last one of the experiment's list among equals.
    """

    def company(name: str) -> tuple[int, int, int]:
        having = [(dataset, curves) for dataset, curves in settings if name in curves]
        datasets = len({dataset for dataset, _ in having})
        return datasets, len(having), sum(len(curves) for _, curves in having)

    datasets = {dataset for dataset, _ in settings}
    kept = [name for name in names if company(name)[0]]
    while datasets != {dataset for dataset, curves in settings if curves.keys() >= set(kept)}:
        kept.remove(min(reversed(kept), key=company))
    return kept


def _ranked(losses: pd.DataFrame) -> list[dict]:
    """A row per strategy of `losses` (data sets, strategies), lower being better."""
    ranks = losses.round(12).rank(axis="columns").mean()
    order = list(ranks.sort_values(kind="stable").index)
    pairs = list(itertools.combinations(order, 2))
    values = {name: losses[name].to_numpy() for name in order}
    tests = wilcoxon_p(np.stack([values[one] - values[other] for one, other in pairs]))
    corrected = holm(tests)
    beside_best = {
        other: (test, p_holm)
        for (_, other), test, p_holm in zip(pairs[: len(order) - 1], tests, corrected, strict=False)
    }
    width = critical_difference(len(order), len(losses))
    friedman = friedman_p(losses.to_numpy())
    rows = []
    for name in order:
        test, p_holm = beside_best.get(name, (math.nan, math.nan))
        rows.append(
            {
                "strategy": name,
                "n_datasets": len(losses),
                "n_strategies": len(order),
                "mean_rank": float(ranks[name]),
                "critical_difference": width,
                "friedman_p": friedman,
                "differs": int(ranks[name] - ranks[order[0]] > width),
                "wilcoxon_p": test,
                "wilcoxon_p_holm": p_holm,
            }
        )
    return rows


@functools.cache
def critical_difference(strategies: int, datasets: int) -> float:
    """Nemenyi's critical difference at 5 %: q sqrt(k (k + 1) / (6 N)).

    q is the quantile of the studentized range over sqrt(2).
    """
    from scipy import stats

    quantile = stats.studentized_range.ppf(1 - SIGNIFICANCE, strategies, np.inf) / math.sqrt(2)
    return float(quantile * math.sqrt(strategies * (strategies + 1) / (6 * datasets)))


def friedman_p(losses: np.ndarray) -> float:
    """p-value of the Friedman test; NaN if all are tied.

    `losses` is (N, k): N data sets, k strategies. Exact, over all orders that the data sets could
    have, where these are at most `MOST_ORDERS`; beyond, in the form of Iman & Davenport (1980),
    which is too sure with few data sets, but never below the probability of the orders seen.
    """
    from scipy import stats

    count, strategies = losses.shape
    # Twice the distance to the mean rank: whole numbers, with ties, too.
    places = np.rint(2 * stats.rankdata(np.round(losses, 12), axis=1) - (strategies + 1))
    # The variance of all ranks allows for ties.
    spread = float((places**2).sum())
    if spread == 0:
        return math.nan
    if math.factorial(strategies) ** (count - 1) <= MOST_ORDERS:
        return _exact_p(places)
    between = float((places.sum(axis=0) ** 2).sum()) / count
    chi_squared = count * (strategies - 1) * between / spread
    least = _probability(places)
    if chi_squared >= count * (strategies - 1) - 1e-9:
        return least
    ratio = (count - 1) * chi_squared / (count * (strategies - 1) - chi_squared)
    freedom = strategies - 1
    return max(float(stats.f.sf(ratio, freedom, freedom * (count - 1))), least)


def _exact_p(places: np.ndarray) -> float:
    """The share of all orders of the rows of `places` (N, k) that differ as much, or more."""
    sums = places[:1]  # only orders beside the first row's matter
    for row in places[1:]:
        orders = np.array(list(itertools.permutations(row)))
        sums = (sums[:, None] + orders).reshape(-1, places.shape[1])
    return float(((sums**2).sum(axis=1) >= (places.sum(axis=0) ** 2).sum()).mean())


def _probability(places: np.ndarray) -> float:
    """The probability of the orders of the rows beside that of one, if all are equally likely."""
    orders = [
        math.factorial(len(row)) / math.prod(map(math.factorial, np.unique_counts(row).counts))
        for row in places
    ]
    return max(orders) / math.prod(orders)


def wilcoxon_p(differences: np.ndarray) -> np.ndarray:
    """Two-sided p-values (E,) of a signed-rank test per row (E, N); 1 where all are zero."""
    from scipy import stats

    values = np.round(differences, 12)
    found = np.ones(len(values))
    sizes = np.sort(np.abs(values), axis=1)
    # scipy takes one method for all rows that it is given: the exact one without zeros and ties.
    is_plain = (sizes[:, 0] > 0) & (np.diff(sizes, axis=1) > 0).all(axis=1)
    if is_plain.any():
        found[is_plain] = stats.wilcoxon(values[is_plain], axis=1).pvalue
    for row in np.flatnonzero(~is_plain & values.any(axis=1)):
        found[row] = stats.wilcoxon(values[row]).pvalue
    return found


def indistinguishable(ranks: np.ndarray, width: float) -> list[tuple[int, int]]:
    """First and last places of the longest runs of sorted mean `ranks` that span at most `width`.

    These are the bars of the critical difference diagram; a run of one is no bar.
    """
    bars: list[tuple[int, int]] = []
    for first in range(len(ranks)):
        last = int(np.flatnonzero(ranks <= ranks[first] + width)[-1])
        if last > first and (not bars or last > bars[-1][1]):
            bars.append((first, last))
    return bars


def across_tables(table: pd.DataFrame) -> list[TextTable]:
    """Text tables: one per split and metric, the best strategy first."""
    tables = []
    for names, rows in groups(table, ["split", "metric"]):
        first = rows.iloc[0]
        cells = tuple(
            (
                row["strategy"],
                f"{row['mean_rank']:.2f}",
                "yes" if row["differs"] else "no",
                p_text(row["wilcoxon_p"]),
                p_text(row["wilcoxon_p_holm"]),
            )
            for row in rows.to_dict("records")
        )
        width, friedman = first["critical_difference"], p_text(first["friedman_p"])
        title = (
            f"{names['split']} {names['metric']} over {first['n_datasets']} data sets, critical "
            f"difference {width:.2f}, Friedman p {friedman}"
        )
        columns = ("strategy", "mean rank", "differs from the first (Nemenyi)")
        columns += ("Wilcoxon p", "p (Holm)")
        tables.append(TextTable(title, columns, cells))
    return tables
