"""How many labels a strategy saves, as a table and as text.

`saving_intervals` defines a saving and its interval.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from labelbench_core.analysis.frames import by_seed, group_columns, groups
from labelbench_core.analysis.saving_intervals import (
    AT_BASELINE,
    DEFINITIONS,
    EXACT,
    LESS,
    MORE,
    Curve,
    compute_savings,
)
from labelbench_core.analysis.units import of

if TYPE_CHECKING:
    import pandas as pd

HEADLINE = AT_BASELINE
SAVING_COLUMNS = (
    "strategy",
    "baseline",
    "definition",
    "n_seeds",
    "level",
    "baseline_labels",
    "strategy_labels",
    "saving",
    "bound",
    "low",
    "low_bound",
    "high",
    "high_bound",
)
BOUND_NAMES = {LESS: "less than", EXACT: "", MORE: "more than"}


def saving_with_interval(
    baseline: Curve, strategy: Curve, definition: str, _rng: object = None
) -> dict[str, float | str]:
    """The saving of one strategy and its 95 % interval.

    Rows of both curves are the same seeds in the same order. With one seed there is no interval.
    `_rng` has no effect: nothing is drawn, but callers from the time of the bootstrap pass it.
    Returned keys: `SAVING_COLUMNS` from `level` on.
    """
    found = compute_savings(baseline, strategy, definition)
    saving = float(found.saving[0])
    labels = (found.baseline_labels[0], found.strategy_labels[0])
    needed, own = (float(count) if np.isfinite(count) else math.nan for count in labels)
    return {
        "level": float(found.level[0]),
        "baseline_labels": needed,
        "strategy_labels": own,
        "saving": saving,
        "bound": "undefined" if math.isnan(saving) else BOUND_NAMES[int(found.bound[0])],
        "low": float(found.low[0]),
        "low_bound": BOUND_NAMES[int(found.low_bound[0])],
        "high": float(found.high[0]),
        "high_bound": BOUND_NAMES[int(found.high_bound[0])],
    }


def label_savings(frame: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """Label savings of every strategy over `baseline`, by both definitions, in every group.

    Both curves are means over the seeds that both strategies have; groups without the baseline have
    no rows. Where lower is better, curves are mirrored, so that they reach a level from above.
    Returned columns: group columns and `SAVING_COLUMNS`.
    """
    import pandas as pd

    keys = group_columns(frame)
    results = []
    for names, rows in groups(frame, keys):
        sign = of(names["metric"]).sign
        tables = {name: sign * by_seed(part) for name, part in rows.groupby("strategy", sort=False)}
        if baseline not in tables:
            continue
        whole = tables.pop(baseline)
        for strategy, table in tables.items():
            shared = whole.index.intersection(table.index)
            if shared.empty:
                continue
            base, table = whole.loc[shared], table.loc[shared]
            for definition in DEFINITIONS:
                values = saving_with_interval(curve(base), curve(table), definition)
                values["level"] = sign * values["level"]
                head = {"strategy": strategy, "baseline": baseline, "definition": definition}
                results.append({**names, **head, "n_seeds": len(base), **values})
    return pd.DataFrame(results, columns=[*keys, *SAVING_COLUMNS])


def curve(table: pd.DataFrame) -> Curve:
    """A table of `frames.by_seed` as a curve."""
    return Curve(table.columns.to_numpy(dtype=np.float64), table.to_numpy(dtype=np.float64))


def saving_text(value: float, bound: str = "") -> str:
    """A saving as text: "2.31×", "> 1.00×", "< 1.00×", or a dash where there is none."""
    if math.isnan(value) or bound == "undefined":
        return "–"
    sign = {"": "", "more than": "> ", "less than": "< "}[bound]
    return f"{sign}{value:.2f}×"


def interval_text(low: float, low_bound: str, high: float, high_bound: str) -> str:
    """The interval of a saving as text, "1.90× to 2.80×"; empty where there is none."""
    if math.isnan(low):
        return ""
    if (low, low_bound) == (high, high_bound):
        return saving_text(low, low_bound)
    return f"{saving_text(low, low_bound)} to {saving_text(high, high_bound)}"


def may_be_one(low: float, low_bound: str, high: float, high_bound: str) -> bool:
    """Whether an interval of a saving contains 1×, so that nothing is known to be saved or lost.

    Not where there is none (`low` NaN).
    """
    above = low > 1 or (low == 1 and low_bound == "more than")
    below = high < 1 or (high == 1 and high_bound == "less than")
    open_below, open_above = low_bound == "less than", high_bound == "more than"
    return not math.isnan(low) and (open_below or not above) and (open_above or not below)
