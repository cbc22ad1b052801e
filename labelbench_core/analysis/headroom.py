"""A strategy's share of the headroom: how much it gains of what selection could gain.

The headroom is what a ceiling, a strategy that sees hidden labels (such as look-ahead), gains over
the baseline; the share is what a strategy gains over the baseline, divided by that. Both are means
over the same seeds. The 95 % interval is Fieller's for a ratio of two means of paired values
(J. R. Stat. Soc. B 16, 1954): the shares at which a paired t-test does not reject "gain minus share
times headroom is zero". It is exact for normally distributed differences, and unbounded where the
headroom itself is not certain.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from labelbench_core.analysis.collected.curves import t_quantile
from labelbench_core.analysis.collected.frames import (
    SETTING,
    by_strategy,
    group_columns,
    groups,
    ordered_splits,
    setting_name,
)
from labelbench_core.analysis.collected.units import of, signed
from labelbench_core.analysis.power import AREA, FINAL, MEASURES, paired_differences
from labelbench_core.analysis.tables import TextTable
from labelbench_core.configuration.experiment import Experiment

if TYPE_CHECKING:
    import pandas as pd

HEADROOM_COLUMNS = (
    "ceiling",
    "strategy",
    "baseline",
    "measure",
    "num_labeled",
    "n_seeds",
    "gain",
    "headroom",
    "share",
    "low",
    "high",
    "verdict",
)
BOUNDED, UNBOUNDED, NONE, UNTESTED = "bounded", "unbounded", "no headroom", "one seed"
"""Verdicts on the interval, in this order: it has ends; it has none, since the headroom is not
certain; there is no share, since the ceiling is no better than the baseline; no interval."""


def headroom_table(frame: pd.DataFrame, experiment: Experiment) -> pd.DataFrame:
    """The share of the headroom of every strategy under every ceiling of its setting.

    `frame` has methods and ceilings. Returned: group columns and `HEADROOM_COLUMNS`; `num_labeled`
    is the last number of labels that strategy, ceiling and baseline have, where `final` is measured
    and the area ends. `gain` and `headroom` are mean paired differences to the baseline, times -1
    where lower is better. A model on the full data is no ceiling here: it has no number of labels
    to be compared at.
    """
    import pandas as pd

    keys = group_columns(frame)
    wanted = frame[frame["strategy"].isin([*experiment.strategies, *experiment.ceilings])]
    results = []
    for names, rows in groups(wanted, keys) if experiment.ceilings else ():
        sign = of(names["metric"]).sign
        tables = {name: sign * table for name, table in by_strategy(rows).items()}
        base = tables.get(experiment.baseline)
        ceilings = [name for name in experiment.ceilings if name in tables]
        others = {*experiment.ceilings, experiment.baseline}
        methods = [name for name in tables if name not in others]
        if base is None:
            continue
        for ceiling in ceilings:
            for strategy in methods:
                trio = (tables[strategy], tables[ceiling], base)
                seeds = trio[0].index.intersection(trio[1].index).intersection(base.index)
                budgets = trio[0].columns.intersection(trio[1].columns).intersection(base.columns)
                if seeds.empty or budgets.empty:
                    continue
                own, top, zero = (table.loc[seeds, budgets] for table in trio)
                for measure in MEASURES:
                    gains = paired_differences(own, zero, measure)
                    rooms = paired_differences(top, zero, measure)
                    if len(gains):
                        head = {
                            "ceiling": ceiling,
                            "strategy": strategy,
                            "baseline": experiment.baseline,
                            "measure": measure,
                            "num_labeled": int(budgets[-1]),
                        }
                        results.append({**names, **head, **share_of_headroom(gains, rooms)})
    return pd.DataFrame(results, columns=[*keys, *HEADROOM_COLUMNS])


def share_of_headroom(gains: np.ndarray, rooms: np.ndarray) -> dict[str, float | str]:
    """The ratio of the means of paired `gains` and `rooms`, (n,) each, with Fieller's interval."""
    gains, rooms = np.round(gains, 12), np.round(rooms, 12)
    count, gain, room = len(gains), float(gains.mean()), float(rooms.mean())
    found: dict[str, float | str] = {
        "n_seeds": count,
        "gain": gain,
        "headroom": room,
        "share": math.nan,
        "low": math.nan,
        "high": math.nan,
    }
    if room <= 0:
        return {**found, "verdict": NONE}
    found["share"] = gain / room
    if count < 2:
        return {**found, "verdict": UNTESTED}
    covariance = np.cov(gains, rooms) * t_quantile(count - 1) ** 2 / count
    # (gain - share * room)^2 <= t^2 var(gain - share * room), a quadratic in the share.
    square = room**2 - covariance[1, 1]
    if square <= 0:
        return {**found, "verdict": UNBOUNDED}
    half = gain * room - covariance[0, 1]
    root = math.sqrt(max(half**2 - square * (gain**2 - covariance[0, 0]), 0.0))
    return {
        **found,
        "low": (half - root) / square,
        "high": (half + root) / square,
        "verdict": BOUNDED,
    }


def headroom_tables(table: pd.DataFrame) -> list[TextTable]:
    """Text tables: per setting and split, a row per ceiling and strategy."""
    tables = []
    for names, rows in groups(table, [*SETTING, "metric"]):
        metric = names["metric"]
        for split in ordered_splits(rows["split"]):
            part = rows[rows["split"] == split]
            unit = of(metric).unit_of_differences
            for measure, what in ((FINAL, "with the last labels"), (AREA, "area under the curve")):
                one = part[part["measure"] == measure]
                cells = tuple(
                    (
                        row["ceiling"],
                        row["strategy"],
                        str(row["n_seeds"]),
                        signed(row["gain"], math.nan, metric),
                        signed(row["headroom"], math.nan, metric),
                        *share_text(row),
                    )
                    for row in one.to_dict("records")
                )
                columns = (
                    "ceiling",
                    "strategy",
                    "seeds",
                    f"gain in {unit}",
                    f"headroom in {unit}",
                    "share of headroom",
                    "95 % interval",
                )
                if cells:
                    title = f"{what}, {split} {metric}, {setting_name(names)}"
                    tables.append(TextTable(title, columns, cells, 2))
    return tables


def share_text(row: dict) -> tuple[str, str]:
    """A share and its interval as text: ("62 %", "40 % to 85 %")."""
    if row["verdict"] == NONE:
        return "–", NONE
    share = f"{100 * row['share']:.0f} %"
    if row["verdict"] != BOUNDED:
        return share, row["verdict"]
    return share, f"{100 * row['low']:.0f} % to {100 * row['high']:.0f} %"
