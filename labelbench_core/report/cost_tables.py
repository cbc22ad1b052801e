"""What jobs cost, and what selecting by proxy saves, as text tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from labelbench_core.analysis.collected.costs import cost_by, refresh_costs, selection_costs
from labelbench_core.analysis.collected.frames import SETTING, groups, setting_name
from labelbench_core.analysis.tables import TextTable
from labelbench_core.figures.costs import duration, operations

if TYPE_CHECKING:
    import pandas as pd


def cost_tables(costs: pd.DataFrame) -> list[TextTable]:
    """What stages, and rounds by strategy and by proxy, cost. `costs` is of `collect_costs`."""
    tables = []
    for title, key, rows in (
        ("by stage", "stage", cost_by(costs, "stage")),
        ("selection rounds, by strategy", "strategy", selection_costs(costs)),
    ):
        cells = tuple(
            (
                row[key],
                f"{row['measured']:,} of {row['jobs']:,}",
                known(duration, row["seconds"]),
                known(duration, row["median_seconds"]),
                known(duration, row["cpu_seconds"]),
                known("{:.2f} GB".format, row["max_rss_mb"] / 1024),
                known(operations, row["flops"]),
            )
            for _, row in rows.iterrows()
        )
        columns = (key, "jobs measured", "total time", "median job", "CPU time", "peak memory")
        if cells:
            tables.append(TextTable(title, (*columns, "total FLOPs"), cells))
    return [*tables, *_proxy_cost_tables(costs)]


def _proxy_cost_tables(costs: pd.DataFrame) -> list[TextTable]:
    """What a round and all rounds of every proxy cost, and refreshing the pool's embeddings."""
    refreshes = {row["proxy"]: row for _, row in refresh_costs(costs).iterrows()}
    columns = ["proxy", "median round", "its FLOPs", "all rounds", "total FLOPs"]
    columns += ["refreshes", "FLOPs of refreshes"] if refreshes else []
    cells = []
    for _, row in selection_costs(costs, "proxy").iterrows():
        line = [row["proxy"]]
        for part in ("median_", ""):
            line.append(known(duration, row[f"{part}seconds"]))
            line.append(known(operations, row[f"{part}flops"]))
        if refreshes:
            refresh = refreshes.get(row["proxy"], {"seconds": math.nan, "flops": math.nan})
            line.append(known(duration, refresh["seconds"]))
            line.append(known(operations, refresh["flops"]))
        cells.append(tuple(line))
    return [TextTable("selection rounds, by proxy", tuple(columns), tuple(cells))] if cells else []


def known(text: Callable[[float], str], value: float) -> str:
    """`text` of a value; a dash where there is none."""
    return "–" if math.isnan(value) else text(value)


def proxy_saving_tables(
    table: pd.DataFrame, hour: float = math.nan, currency: str = ""
) -> list[TextTable]:
    """Text tables: one per setting, a row per trainer and strategy.

    `hour` is the price of an hour in `currency`; without it, no money is shown.
    """
    unit = f" in {currency}" if currency else ""
    priced = not math.isnan(hour)
    columns = (
        *("trainer", "strategy", "rounds", "of them measured", "by the proxy"),
        *("fine-tuned in every round", "times as long", "saved in a round"),
        *((f"saved in a round{unit}", f"saved in all{unit}") if priced else ()),
        *("FLOPs by the proxy", "FLOPs fine-tuned", "times as many FLOPs"),
    )
    tables = []
    for names, rows in groups(table, SETTING):
        cells = []
        for row in rows.to_dict("records"):
            each, saved = (row[f"{name}_seconds"] / 3600 for name in ("saved_each_round", "saved"))
            money = (known("{:,.4f}".format, each * hour), known("{:,.2f}".format, saved * hour))
            cells.append(
                (
                    *(row["trainer"], row["strategy"]),
                    *(str(row["rounds"]), str(row["measured_rounds"])),
                    known(duration, row["proxy_seconds"]),
                    known(duration, row["finetuned_seconds"]),
                    _ratio(row, "seconds"),
                    known(duration, row["saved_each_round_seconds"]),
                    *(money if priced else ()),
                    known(operations, row["proxy_flops"]),
                    known(operations, row["finetuned_flops"]),
                    _ratio(row, "flops"),
                )
            )
        title = f"selecting by the proxy, {setting_name(names)}"
        tables.append(TextTable(title, columns, tuple(cells), 2))
    return tables


def _ratio(row: Mapping[str, Any], amount: str) -> str:
    proxy, finetuned = row[f"proxy_{amount}"], row[f"finetuned_{amount}"]
    return f"{finetuned / proxy:,.1f}" if proxy > 0 and not math.isnan(finetuned) else "–"
