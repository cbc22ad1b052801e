"""When to stop: where each rule would have stopped, and what that would have lost and saved.

All is read from stored rounds: nothing is trained again. A seed that a rule does not stop ends with
all labels, loses nothing and saves nothing; it counts like the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from labelbench_core.analysis.collected.curves import t_intervals
from labelbench_core.analysis.collected.frames import (
    SETTING,
    by_strategy,
    group_columns,
    groups,
    ordered_splits,
    present,
    setting_name,
)
from labelbench_core.analysis.collected.units import difference_bounds, of, signed
from labelbench_core.analysis.stopping.stopping_rules import RULES
from labelbench_core.analysis.tables import TextTable
from labelbench_core.metrics.signals import SIGNALS

if TYPE_CHECKING:
    import pandas as pd

STOPPING_COLUMNS = (
    "strategy",
    "rule",
    "parameters",
    "n_seeds",
    "stopped",
    "stopped_low",
    "stopped_high",
    "labels",
    "labels_low",
    "labels_high",
    "last_labels",
    "saved",
    "saved_low",
    "saved_high",
    "lost",
    "lost_low",
    "lost_high",
)
Stops = dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]
"""(Rule, its parameters) → where each seed stops, and whether it does; (S,) each."""
HINDSIGHT, NEAR = "hindsight", 0.01
"""Not a rule: the first round within `NEAR` of the last, which is known only afterwards."""


def stopping_table(frame: pd.DataFrame, signals: pd.DataFrame) -> pd.DataFrame:
    """What every rule does in every group, for every strategy that has at least two rounds.

    Parameters
    ----------
    frame, signals
        Rounds of methods, of the metrics wanted, and the signals of the same rounds.

    Returns
    -------
    Group columns and `STOPPING_COLUMNS`. `stopped` is the share of seeds that the rule stops before
    their last round, with Wilson's 95 % interval; `labels` are those bought by then, `saved` is
    the share of `last_labels` that is not bought, and `lost` the last value minus that at the stop
    (times -1 where lower is better): means over seeds, with Student's 95 % interval, cut at the
    possible values.
    """
    import pandas as pd

    keys = group_columns(frame)
    chains = [*present(frame, SETTING), "strategy"]
    ordered = signals.sort_values(["seed", "num_labeled"], kind="stable")
    said = {tuple(names.values()): rows for names, rows in groups(ordered, chains)}
    known: dict[tuple, Stops] = {}
    results: list[dict[str, Any]] = []
    for names, rows in groups(frame, keys):
        for strategy, table in by_strategy(rows).items():
            chain = (*(names[key] for key in chains[:-1]), strategy)
            if chain in said and table.shape[1] > 1:
                # The same in all splits: rules read signals, not the metric.
                key = (chain, tuple(table.index.tolist()), tuple(table.columns.tolist()))
                if key not in known:
                    known[key] = _stops(table, said[chain])
                places = known[key] and {**known[key], **_hindsight(table, names["metric"])}
                results += [
                    {**names, "strategy": strategy, **row} for row in _rows(places, table, names)
                ]
    return pd.DataFrame(results, columns=[*keys, *STOPPING_COLUMNS])


def _stops(table: pd.DataFrame, signals: pd.DataFrame) -> Stops:
    """What each rule says of `signals`, in the order of seeds and labels.

    Rules whose signal no round has are left out, and all where rounds of `table` have no signals.
    """
    labels = table.columns.to_numpy(dtype=np.float64)
    wanted = signals["seed"].isin(table.index) & signals["num_labeled"].isin(labels)
    if not wanted.all():
        signals = signals[wanted]
    if len(signals) != table.size:
        return {}
    found = {}
    shape = (*table.shape, len(SIGNALS))
    cube = signals[list(SIGNALS)].to_numpy(dtype=np.float64).reshape(shape)
    for name, rule in RULES.items():
        values = cube[:, :, SIGNALS.index(rule.signal)]
        if not np.isnan(values).all():
            found[name, rule.parameters] = rule.stops(values, labels)
    return found


def _hindsight(table: pd.DataFrame, metric: str) -> Stops:
    """Where each seed is near its last value for the first time."""
    values = table.to_numpy()
    places = (of(metric).sign * (values - values[:, -1:]) >= -NEAR - 1e-12).argmax(axis=1)
    name = (HINDSIGHT, f"within {_near_text(metric)} of the last")
    return {name: (places, places < table.shape[1] - 1)}


def _near_text(metric: str) -> str:
    return "1 point" if of(metric).is_share else f"{NEAR} nats"


def _rows(
    places: Stops,
    table: pd.DataFrame,
    names: dict[str, Any],
) -> list[dict[str, Any]]:
    """`STOPPING_COLUMNS` but for the strategy, a row for each rule."""
    if not places:
        return []
    labels = table.columns.to_numpy(dtype=np.float64)
    values = of(names["metric"]).sign * table.to_numpy(dtype=np.float64)
    at = np.stack([place for place, _ in places.values()])
    seeds = np.arange(len(table))
    spent, last = labels[at], labels[-1]
    measures = {
        "labels": (spent, (labels[0], last)),
        "saved": (1 - spent / last, (0.0, 1.0)),
        "lost": (values[:, -1] - values[seeds, at], difference_bounds(names["metric"])),
    }
    columns: dict[str, list[float]] = {}
    for name, (numbers, bounds) in measures.items():
        mean, half = t_intervals(np.round(numbers, 12))
        columns[name] = mean.tolist()
        columns[f"{name}_low"] = np.maximum(mean - half, bounds[0]).tolist()
        columns[f"{name}_high"] = np.minimum(mean + half, bounds[1]).tolist()
    found = []
    for row, ((rule, parameters), (_, stopped)) in enumerate(places.items()):
        low, high = share_interval(int(stopped.sum()), len(seeds))
        found.append(
            {
                **{"rule": rule, "parameters": parameters, "n_seeds": len(seeds)},
                **{"stopped": float(stopped.mean()), "stopped_low": low, "stopped_high": high},
                **{name: column[row] for name, column in columns.items()},
                "last_labels": int(last),
            }
        )
    return found


def share_interval(count: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (J. Am. Stat. Assoc. 22, 1927)."""
    z = 1.959963984540054
    middle = (count + z**2 / 2) / (total + z**2)
    half = z / (total + z**2) * math.sqrt(count * (total - count) / total + z**2 / 4)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def stopping_tables(table: pd.DataFrame) -> list[TextTable]:
    """Text tables: one per setting, on its first split, a row per strategy and rule."""
    tables = []
    for names, rows in groups(table, [*SETTING, "metric"]):
        metric = names["metric"]
        columns = ("strategy", "rule", "seeds stopped", "labels", "labels saved", "95 % interval")
        columns += (f"lost in {of(metric).unit_of_differences}", "95 % interval")
        split = ordered_splits(rows["split"])[0]
        part = rows[rows["split"] == split].to_dict("records")
        title = f"{split} {metric}, {setting_name(names)}"
        tables.append(TextTable(title, columns, tuple(_cells(row, metric) for row in part), 2))
    return tables


def _cells(row: dict[str, Any], metric: str) -> tuple[str, ...]:
    def share(value: float) -> str:
        return f"{100 * value:.0f} %"

    def points(value: float) -> str:
        return signed(value, math.nan, metric)

    def reach(name: str, text: Callable[[float], str]) -> str:
        low, high = row[f"{name}_low"], row[f"{name}_high"]
        return "–" if math.isnan(low) else f"{text(low)} to {text(high)}"

    return (
        *(row["strategy"], row["rule"]),
        f"{round(row['stopped'] * row['n_seeds'])} of {row['n_seeds']}",
        f"{row['labels']:,.0f}",
        *(share(row["saved"]), reach("saved", share)),
        *(points(row["lost"]), reach("lost", points)),
    )
