"""What it costs to reach an accuracy: labels and computing hours, at prices that are given.

The level is that of the label savings, the last mean of the baseline over the seeds that it shares
with a strategy: strategies with other seeds have other levels. Labels are those at which a
strategy's mean curve first reaches it; hours are of whole rounds, since labels are bought by round.
Intervals over seeds are those of the label savings (`crossings`, `saving_intervals`), put into
money: hours enter as measured, on average over seeds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labelbench_core.analysis.collected.frames import (
    SETTING,
    by_seed,
    groups,
    ordered_splits,
    present,
    setting_name,
)
from labelbench_core.analysis.collected.units import of, value_text
from labelbench_core.analysis.savings.label_savings import BOUND_NAMES, EXACT, HEADLINE, MORE, curve
from labelbench_core.analysis.savings.saving_intervals import labels_to_reach, saved_labels
from labelbench_core.analysis.tables import TextTable
from labelbench_core.analysis.targets.spending import (
    Spent,
    label_price,
    label_seconds,
    rows_of,
    shared_hours,
)
from labelbench_core.stages.plan import Needs

if TYPE_CHECKING:
    import pandas as pd

MONEY_COLUMNS = (
    *SETTING,
    "split",
    "metric",
    "strategy",
    "n_seeds",
    "level",
    "labels",
    "labels_low",
    "labels_high",
    "high_bound",
    "label_hours",
    "hours",
    "shared_hours",
    "label_cost",
    "compute_cost",
    "total_cost",
    "total_low",
    "total_high",
    "pays_above",
    "pays_above_low",
    "pays_above_high",
)

PRICE = "price"
"""How prices of a label are written, in the place of a format: `price_text`."""


@dataclass(frozen=True)
class _Labels:
    """Labels up to the level: the estimate, NaN where it is not reached, and the interval's ends.

    A high end beyond the strategy's last budget is that budget, and `more` says so. One seed has no
    ends: NaN.
    """

    estimate: float
    low: float
    high: float
    more: bool


def cost_to_reach(
    savings: pd.DataFrame,
    rounds: pd.DataFrame,
    costs: pd.DataFrame,
    needs: Needs,
    prices: Mapping[str, Any],
) -> pd.DataFrame:
    """What every strategy costs up to the baseline's last level over the seeds of both.

    Parameters
    ----------
    savings
        Label savings, for the level and the labels at which it is reached.
    rounds
        The table of `collect_curves`, for the labels after each round and the values of each seed.
    costs
        The table of `collect_costs`.
    needs
        What proxies need besides embeddings: views, a head made from class names, or images.
    prices
        `label` and `gpu_hour`, each if it is known; `annotators` has, by id, the `price` that
        counts instead of `label` for that annotator's labels, and the `seconds` that a label takes.

    Returns
    -------
    Columns as `MONEY_COLUMNS`; in every group the baseline comes first, over all of its seeds.
    `level`, `labels` and their interval are over `n_seeds`, those that baseline and strategy share.
    Where the level is not reached, `labels` and all that follows from them are NaN. `hours` are
    spent in a seed's rounds (mean over the strategy's seeds) on selecting, training, evaluating and
    embedding the pool again; `shared_hours`, once for all strategies and seeds, on preparing the
    data set and on what the proxy reads (`spending.shared_jobs`); `label_hours` by the annotator.
    Costs are NaN where a price is not given; `compute_cost` is of hours and shared hours.
    `pays_above` is the price of a label above which the strategy is cheaper than the baseline: the
    extra cost of its hours, divided by the labels that it saves, both over the seeds that the two
    share; 0 if it is always cheaper; NaN where it saves no labels.

    `_low` and `_high` are the ends of 95 % intervals over seeds; NaN for one seed. `high_bound` is
    "more than" where it is uncertain whether the level is reached with the last labels: labels and
    cost at `_high` are those of all its rounds. Fewer than the first labels cannot be bought.
    `pays_above_high` is infinite where the strategy may save no labels; both ends of `pays_above`
    are NaN where it certainly saves none.
    """
    import pandas as pd

    hour = prices.get("gpu_hour", math.nan)
    found = savings[savings["definition"] == HEADLINE]
    rows = []
    for names, part in groups(found, [*SETTING, "split", "metric"]):
        curves = rows_of(rounds, names, (*SETTING, "split", "metric"))
        after = curves.drop_duplicates(["round"]).set_index("round")["num_labeled"].sort_index()
        common = shared_hours(costs, names, needs)
        label = label_price(names, prices)
        spent = Spent(rows_of(costs, names), after, common, label, hour)
        baseline = part["baseline"].iloc[0]
        for row in (_of_baseline(curves, baseline), *part.to_dict("records")):
            name, estimate, needed = (
                row[key] for key in ("strategy", "strategy_labels", "baseline_labels")
            )
            estimates = {baseline: needed, name: estimate}
            labels, pays = _intervals(curves, baseline, name, estimates, spent)
            both = _seeds_of_both(curves, baseline, name)
            rows.append(
                {
                    **names,
                    "strategy": name,
                    "n_seeds": row["n_seeds"],
                    "level": row["level"],
                    "labels": labels.estimate,
                    "labels_low": labels.low,
                    "labels_high": labels.high,
                    "high_bound": BOUND_NAMES[MORE if labels.more else EXACT],
                    "label_hours": estimate * label_seconds(names, prices) / 3600,
                    "hours": spent.hours(name, estimate),
                    "shared_hours": common,
                    "label_cost": estimate * label,
                    "compute_cost": spent.computing(name, estimate),
                    "total_cost": spent.total(name, estimate),
                    "total_low": spent.total(name, labels.low),
                    "total_high": spent.total(name, labels.high),
                    "pays_above": pays_above(
                        needed - estimate,
                        spent.extra(name, estimate, baseline, needed, both),
                    ),
                    "pays_above_low": pays[0],
                    "pays_above_high": pays[1],
                }
            )
    return pd.DataFrame(rows, columns=present(savings, MONEY_COLUMNS))


def _of_baseline(curves: pd.DataFrame, baseline: str) -> dict[str, Any]:
    """The baseline as a row of label savings, over all of its seeds.

    None of the comparisons need have all of these seeds.
    """
    sign = of(curves["metric"].iloc[0]).sign
    own = curve(sign * by_seed(curves[curves["strategy"] == baseline]))
    labels = float(labels_to_reach(own, own)[0].estimate[0])
    return {
        "strategy": baseline,
        "n_seeds": len(own.values),
        "level": sign * float(own.values[:, -1].mean()),
        "baseline_labels": labels,
        "strategy_labels": labels,
    }


def _intervals(
    curves: pd.DataFrame,
    baseline: str,
    name: str,
    estimates: Mapping[str, float],
    spent: Spent,
) -> tuple[_Labels, tuple[float, float]]:
    """The labels of strategy `name`, and the ends of its `pays_above`."""
    sign = of(curves["metric"].iloc[0]).sign
    whole, other = (sign * by_seed(curves[curves["strategy"] == one]) for one in (baseline, name))
    both = _seeds_of_both(curves, baseline, name)  # the seeds that savings are over
    base, own = curve(whole.loc[both]), curve(other.loc[both])
    last = float(own.budgets[-1])
    needed, reached = labels_to_reach(base, own)
    low, high = float(reached.low[0]), float(reached.high[0])
    labels = _Labels(estimates[name], min(low, last), min(high, last), math.isinf(high))
    if math.isnan(low):  # one seed
        return _Labels(estimates[name], math.nan, math.nan, False), (math.nan, math.nan)
    fewest, most = (float(end[0]) for end in saved_labels(base, needed, reached))
    if name == baseline or not most > 0:
        return labels, (math.nan, math.nan)
    needed_at_most = float(needed.high[0])
    cheapest = pays_above(most, spent.extra(name, labels.low, baseline, needed_at_most, both))
    if not fewest > 0:
        return labels, (cheapest, math.nan if math.isnan(cheapest) else math.inf)
    extra = spent.extra(name, labels.high, baseline, estimates[baseline], both)
    return labels, (cheapest, pays_above(fewest, extra))


def _seeds_of_both(curves: pd.DataFrame, baseline: str, name: str) -> list[int]:
    """The seeds that the baseline and strategy `name` share, sorted."""
    seeds = curves.groupby("strategy")["seed"]
    return sorted(set(seeds.get_group(baseline)) & set(seeds.get_group(name)))


def pays_above(saved_labels: float, extra_cost: float) -> float:
    """The price of a label above which saving labels pays for the extra cost of computing."""
    if not saved_labels > 0 or math.isnan(extra_cost):
        return math.nan
    return max(0.0, extra_cost / saved_labels)


def money_tables(table: pd.DataFrame, currency: str = "") -> list[TextTable]:
    """Text tables: one per setting, metric and split, a row per strategy.

    Where strategies were compared at several levels, each row shows its own and over how many seeds
    that is.
    """
    unit = f" in {currency}" if currency else ""
    asks = ("hours of labelling",) if table["label_hours"].notna().any() else ()
    columns = (
        "labels",
        *asks,
        "hours",
        f"labels{unit}",
        f"computing{unit}",
        f"in all{unit}",
        "pays above, a label",
    )
    tables = []
    for names, rows in groups(table, [*SETTING, "metric"]):
        metric = names["metric"]
        for split in ordered_splits(rows["split"]):
            part = rows[rows["split"] == split]
            levels = [value_text(level, metric) for level in part["level"]]
            several = len(set(levels)) > 1 or part["n_seeds"].nunique() > 1
            what = f"{levels[0]} {split} {metric}"
            if several:
                what = f"the last {split} {metric} of {part['strategy'].iloc[0]}"
            rows_of = _cells(part, asks=bool(asks))
            cells = tuple(
                (name, *((str(seeds), level) if several else ()), *rest)
                for (name, *rest), seeds, level in zip(
                    rows_of, part["n_seeds"], levels, strict=True
                )
            )
            head = ("strategy", *(("seeds", "level") if several else ()))
            title = f"to reach {what}, {setting_name(names)}"
            tables.append(TextTable(title, (*head, *columns), cells))
    return tables


def _cells(rows: pd.DataFrame, *, asks: bool) -> Iterator[tuple[str, ...]]:
    for _, row in rows.iterrows():
        more = row["high_bound"] == BOUND_NAMES[MORE]
        yield (
            row["strategy"],
            _with_interval(row, "labels", "labels", ",.0f", more=more),
            *([_number(row["label_hours"], ",.2f")] if asks else []),
            _number(row["hours"] + row["shared_hours"], ",.3f"),
            *(_number(row[name], ",.2f") for name in ("label_cost", "compute_cost")),
            _with_interval(row, "total_cost", "total", ",.2f", more=more),
            _with_interval(row, "pays_above", "pays_above", PRICE, more=False),
        )


def _with_interval(row: pd.Series, name: str, ends: str, shape: str, *, more: bool) -> str:
    """A number and its interval: "20 (18 to 25)", "20 (18 to > 40)", "– (> 40)".

    An end at infinity is left out: "0.1 (more than 0.05)".
    """
    value, low, high = _number(row[name], shape), row[f"{ends}_low"], row[f"{ends}_high"]
    is_point = low == high == row[name] and not more
    if math.isnan(low) or math.isnan(high) or is_point:
        return value
    if math.isinf(high):
        return f"{value} (more than {_number(low, shape)})"
    last = f"{'> ' if more else ''}{_number(high, shape)}"
    if more and low == high:
        return f"{value} ({last})"
    return f"{value} ({_number(low, shape)} to {last})"


def _number(value: float, shape: str) -> str:
    if shape == PRICE:
        return price_text(value)
    return "–" if math.isnan(value) else format(value, shape)


def price_text(value: float) -> str:
    """The price of a label: four decimals, and more where the first two digits need them."""
    if math.isnan(value):
        return "–"
    if not value:
        return "0"
    return f"{value:,.{max(4, 1 - math.floor(math.log10(value)))}f}"
