"""What it costs to reach an accuracy: labels and computing hours, at prices that are given.

The level is that of the label savings, the last mean of the baseline. Labels are those at which a
strategy's mean curve first reaches it; hours are of whole rounds, since labels are bought by round.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from labelbench_core.analysis.frames import (
    SETTING,
    groups,
    ordered_splits,
    present,
    setting_name,
)
from labelbench_core.analysis.savings import HEADLINE
from labelbench_core.analysis.tables import TextTable
from labelbench_core.analysis.units import value_text

if TYPE_CHECKING:
    import pandas as pd

MONEY_COLUMNS = (
    *SETTING,
    "split",
    "metric",
    "strategy",
    "level",
    "labels",
    "hours",
    "shared_hours",
    "label_cost",
    "compute_cost",
    "total_cost",
    "pays_above",
)
ROUNDS = ("train_initial", "select_round", "refresh_embeddings", "finetune_model")
SHARED = ("prepare_dataset", "extract_embeddings", "extract_views", "build_zero_shot_head")


def cost_to_reach(
    savings: pd.DataFrame, rounds: pd.DataFrame, costs: pd.DataFrame, prices: Mapping[str, Any]
) -> pd.DataFrame:
    """What every strategy costs up to the baseline's last level.

    Parameters
    ----------
    savings
        Label savings, for the level and the labels at which it is reached.
    rounds
        The table of `collect_curves`, for the labels after each round.
    costs
        The table of `collect_costs`.
    prices
        `label` and `gpu_hour`, each if it is known.

    Returns
    -------
    Columns as `MONEY_COLUMNS`. `labels` are NaN where the level is not reached, all that follows
    from them, too. `hours` are those of a seed's rounds (mean over seeds), selecting, training and
    evaluating, and what embeds the pool anew; `shared_hours`, once for all strategies and seeds,
    prepare and embed. Costs are NaN where a price is not given; `compute_cost` is of both hours.
    `pays_above` is the price of a label above which the strategy is cheaper than the baseline: what
    its hours cost more, over the labels that it saves; 0 if it is always cheaper; NaN where it
    saves no labels.
    """
    import pandas as pd

    label, hour = (prices.get(name, math.nan) for name in ("label", "gpu_hour"))
    found = savings[savings["definition"] == HEADLINE]
    rows = []
    for names, part in groups(found, [*SETTING, "split", "metric"]):
        own = _of_setting(rounds, names).drop_duplicates(["round"])
        labels_after = own.set_index("round")["num_labeled"].sort_index()
        own_costs = _of_setting(costs, names)
        common = _shared_hours(costs, names)
        baseline = part["baseline"].iloc[0]
        # The baseline's own row: over most seeds. A strategy with fewer is compared over these.
        most = part.loc[part["n_seeds"].idxmax()]
        reached = [(baseline, most["baseline_labels"], most)]
        reached += [(row["strategy"], row["strategy_labels"], row) for _, row in part.iterrows()]
        for name, count, row in reached:
            needed = row["baseline_labels"]
            own_hours, base_hours = (
                _hours(own_costs, strategy, _rounds_for(labels_after, labels))
                for strategy, labels in ((name, count), (baseline, needed))
            )
            compute = (own_hours + common) * hour
            rows.append(
                {
                    **names,
                    "strategy": name,
                    "level": row["level"],
                    "labels": count,
                    "hours": own_hours,
                    "shared_hours": common,
                    "label_cost": count * label,
                    "compute_cost": compute,
                    "total_cost": count * label + compute,
                    "pays_above": pays_above(needed - count, (own_hours - base_hours) * hour),
                }
            )
    return pd.DataFrame(rows, columns=present(savings, MONEY_COLUMNS))


def pays_above(saved_labels: float, extra_cost: float) -> float:
    """The price of a label above which saving labels pays for what it costs more to compute."""
    if not saved_labels > 0 or math.isnan(extra_cost):
        return math.nan
    return max(0.0, extra_cost / saved_labels)


def _of_setting(frame: pd.DataFrame, names: Mapping[str, Any]) -> pd.DataFrame:
    """Rows of a setting."""
    for key in present(frame, SETTING):
        frame = frame[frame[key] == names[key]]
    return frame


def _rounds_for(labels_after: pd.Series, count: float) -> int | None:
    """The round after which there are at least `count` labels; None if that is never."""
    enough = labels_after[labels_after >= count - 1e-9]
    return None if math.isnan(count) or enough.empty else int(enough.index[0])


def _hours(costs: pd.DataFrame, strategy: str, last: int | None) -> float:
    """Of the rounds up to `last`, the mean over seeds; NaN where one is not measured."""
    if last is None:
        return math.nan
    refreshed = costs.loc[costs["stage"] == "refresh_embeddings", ["strategy", "seed", "round"]]
    keys = set(refreshed.itertuples(index=False, name=None))
    # The first round is shared: it also belongs to seeds that the strategy was not run with.
    chosen = (costs["stage"] == "select_round") & (costs["strategy"] == strategy)
    seeds = set(costs.loc[chosen, "seed"])
    total = {}
    for row in costs[costs["stage"].isin(ROUNDS)].itertuples():
        if seeds and row.seed not in seeds:
            continue
        first = row.stage == "train_initial"
        if not first and (row.strategy != strategy or float(row.round) > last):
            continue
        # A refresh after the last round is for the one after it.
        is_refresh = row.stage in ("refresh_embeddings", "finetune_model")
        if is_refresh and (
            float(row.round) >= last or (row.strategy, row.seed, row.round) not in keys
        ):
            continue
        total[row.seed] = total.get(row.seed, 0.0) + row.seconds
    return sum(total.values()) / len(total) / 3600 if total else math.nan


def _shared_hours(costs: pd.DataFrame, names: Mapping[str, Any]) -> float:
    """Of preparing the data set, and embedding it with the backbone; NaN if one is not measured."""
    chosen = costs[costs["stage"].isin(SHARED) & (costs["dataset"] == names["dataset"])]
    chosen = chosen[chosen["backbone"].isin(["", names["backbone"]])]
    return float(chosen["seconds"].sum(skipna=False)) / 3600


def money_tables(table: pd.DataFrame, currency: str = "") -> list[TextTable]:
    """For people: a table per setting and split, a row per strategy."""
    unit = f" in {currency}" if currency else ""
    columns = (
        "strategy",
        "labels",
        "hours",
        f"labels{unit}",
        f"computing{unit}",
        f"in all{unit}",
        "pays above, a label",
    )
    tables = []
    for names, rows in groups(table, SETTING):
        for split in ordered_splits(rows["split"]):
            part = rows[rows["split"] == split]
            level, metric = part["level"].iloc[0], part["metric"].iloc[0]
            title = f"to reach {value_text(level, metric)} {split} {metric}, {setting_name(names)}"
            tables.append(TextTable(title, columns, tuple(_cells(part))))
    return tables


def _cells(rows: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    for _, row in rows.iterrows():
        yield (
            row["strategy"],
            _number(row["labels"], ",.0f"),
            _number(row["hours"] + row["shared_hours"], ",.3f"),
            *(_number(row[name], ",.2f") for name in ("label_cost", "compute_cost", "total_cost")),
            _number(row["pays_above"], ",.4f"),
        )


def _number(value: float, shape: str) -> str:
    return "–" if math.isnan(value) else format(value, shape)
