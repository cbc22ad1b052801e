"""How many labels a strategy saves, as a table and as text.

`saving_intervals` defines a saving and its interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from labelbench_core.analysis.collected.frames import alike, by_strategy, group_columns, groups
from labelbench_core.analysis.collected.units import of
from labelbench_core.analysis.savings.saving_intervals import (
    AT_BASELINE,
    DEFINITIONS,
    EXACT,
    LESS,
    MORE,
    Curve,
    Savings,
    compute_savings,
)

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
    return _rows(compute_savings(baseline, strategy, definition))[0]


def _rows(found: Savings) -> list[dict[str, float | str]]:
    """`SAVING_COLUMNS` from `level` on, for each experiment."""
    needed, own = (
        np.where(np.isfinite(labels), labels, math.nan)
        for labels in (found.baseline_labels, found.strategy_labels)
    )
    names = [[BOUND_NAMES[kind] for kind in kinds.tolist()] for kinds in found.bounds]
    bounds = np.where(np.isnan(found.saving), "undefined", names[0]).tolist()
    columns = {
        "level": found.level.tolist(),
        "baseline_labels": needed.tolist(),
        "strategy_labels": own.tolist(),
        "saving": found.saving.tolist(),
        "bound": bounds,
        "low": found.low.tolist(),
        "low_bound": names[1],
        "high": found.high.tolist(),
        "high_bound": names[2],
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


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
        tables = {name: sign * table for name, table in by_strategy(rows).items()}
        if baseline not in tables:
            continue
        whole = tables.pop(baseline)
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for together in alike(tables):
            shared = whole.index.intersection(tables[together[0]].index)
            if shared.empty:
                continue
            base, own = paired_curves(whole, [tables[name] for name in together], shared)
            for definition in DEFINITIONS:
                rows_found = _rows(compute_savings(base, own, definition))
                for strategy, values in zip(together, rows_found, strict=True):
                    found[strategy, definition] = {"n_seeds": len(shared), **values}
        for strategy in tables:
            for definition in DEFINITIONS:
                if values := found.get((strategy, definition)):
                    values["level"] = sign * values["level"]
                    head = {"strategy": strategy, "baseline": baseline, "definition": definition}
                    results.append({**names, **head, **values})
    return pd.DataFrame(results, columns=[*keys, *SAVING_COLUMNS])


def curve(table: pd.DataFrame) -> Curve:
    """A table of `frames.by_seed` as a curve."""
    return Curve(table.columns.to_numpy(dtype=np.float64), table.to_numpy(dtype=np.float64))


def paired_curves(
    base: pd.DataFrame, others: Sequence[pd.DataFrame], seeds: pd.Index
) -> tuple[Curve, Curve]:
    """The baseline against K tables with equal labels, over `seeds`, as K experiments at once."""
    return stacked([base.loc[seeds]] * len(others)), stacked([one.loc[seeds] for one in others])


def stacked(tables: Sequence[pd.DataFrame]) -> Curve:
    """Tables of `frames.by_seed` with equal seeds and labels as the curves of as many experiments.

    `values` are (K, S, T).
    """
    labels = tables[0].columns.to_numpy(dtype=np.float64)
    return Curve(labels, np.stack([table.to_numpy(dtype=np.float64) for table in tables]))


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
