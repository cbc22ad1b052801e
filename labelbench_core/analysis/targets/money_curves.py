"""The metric against money: what labels and computing had cost when each round was done."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labelbench_core.analysis.collected.curves import summarise_curves
from labelbench_core.analysis.collected.frames import SETTING, groups, present
from labelbench_core.analysis.targets.spending import Spent, label_price, rows_of, shared_hours
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.stages.plan import Needs

if TYPE_CHECKING:
    import pandas as pd

MONEY_CURVE_COLUMNS = (
    *SETTING,
    "split",
    "metric",
    "strategy",
    "num_labeled",
    "n_seeds",
    "mean",
    "half_width",
    "low",
    "high",
    "label_cost",
    "compute_cost",
    "total_cost",
)


def metric_by_money(
    experiment: Experiment,
    needs: Needs,
    rounds: pd.DataFrame,
    costs: pd.DataFrame,
    prices: Mapping[str, Any],
) -> pd.DataFrame:
    """The metrics of an experiment after every round, and what had been spent by then.

    Parameters
    ----------
    needs
        What proxies need besides embeddings: views, a head made from class names, or images.
    rounds
        The table of `collect_curves`.
    costs
        The table of `collect_costs`.
    prices
        As `money.cost_to_reach` has them.

    Returns
    -------
    Columns as `MONEY_CURVE_COLUMNS`, a row per setting, split, metric, strategy and number of
    labels; ceilings are left out. `mean` is over seeds, with Student's 95 % interval. `label_cost`
    is of all labels of a seed, the first ones included; `compute_cost` is of the hours of its
    rounds so far, the mean over the strategy's seeds, and of preparing the data set and what the
    proxy reads, which are spent once; `total_cost` is their sum. They are NaN where a price or a
    measurement is missing.
    """
    import pandas as pd

    hour = prices.get("gpu_hour", math.nan)
    chosen = rounds[
        rounds["metric"].isin(experiment.metrics) & rounds["strategy"].isin(experiment.strategies)
    ]
    parts = []
    for names, rows in groups(chosen, SETTING):
        after = rows.drop_duplicates(["round"]).set_index("round")["num_labeled"].sort_index()
        label = label_price(names, prices)
        common = shared_hours(costs, names, needs)
        spent = Spent(rows_of(costs, names), after, common, label, hour)
        table = summarise_curves(rows)
        points = zip(table["strategy"], table["num_labeled"].tolist(), strict=True)
        table["compute_cost"] = _each(spent, list(points))
        table["label_cost"] = table["num_labeled"] * label
        table["total_cost"] = table["label_cost"] + table["compute_cost"]
        parts.append(table)
    columns = present(chosen, MONEY_CURVE_COLUMNS)
    if not parts:
        return pd.DataFrame(columns=columns)
    return pd.concat(parts, ignore_index=True)[columns]


def _each(spent: Spent, points: Sequence[tuple[str, int]]) -> list[float]:
    """What computing had cost at each (strategy, number of labels), which recur by split."""
    found = {point: spent.computing(*point) for point in dict.fromkeys(points)}
    return [found[point] for point in points]
