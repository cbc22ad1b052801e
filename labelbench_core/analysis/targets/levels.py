"""Labels to reach stated levels of the metric, and what they save over the baseline there.

A level is reached where a mean curve over seeds, joined by straight lines, first gets there; its
interval inverts the paired t-test over seeds (`crossings`). The saving at a level is the baseline's
number of labels over the strategy's. As the level is a given number, each of the two is an estimate
of its own, and their intervals are combined on the logarithmic scale (MOVER: Zou & Donner,
Statistics in Medicine 27, 2008), as `saving_intervals` does. MOVER takes them for independent; with
common first labels they vary together, which makes the interval too wide rather than too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from labelbench_core.analysis.collected.frames import (
    SETTING,
    alike,
    by_strategy,
    group_columns,
    groups,
    ordered_splits,
    setting_name,
)
from labelbench_core.analysis.collected.units import of, value_text
from labelbench_core.analysis.savings.crossings import LabelsAtLevel, crossing_of_zero
from labelbench_core.analysis.savings.label_savings import (
    BOUND_NAMES,
    interval_text,
    paired_curves,
    saving_text,
    stacked,
)
from labelbench_core.analysis.savings.saving_intervals import EXACT, LESS, MORE, Curve
from labelbench_core.analysis.tables import TextTable

if TYPE_CHECKING:
    import pandas as pd

LEVEL_COLUMNS = (
    "strategy",
    "n_seeds",
    "level",
    "labels",
    "bound",
    "labels_low",
    "low_bound",
    "labels_high",
    "high_bound",
    "baseline",
    "n_shared_seeds",
    "baseline_labels",
    "saving",
    "saving_bound",
    "saving_low",
    "saving_low_bound",
    "saving_high",
    "saving_high_bound",
)
_NO_SAVINGS = {
    name: "" if "bound" in name else math.nan
    for name in LEVEL_COLUMNS[LEVEL_COLUMNS.index("baseline_labels") :]
}
UNDEFINED = "undefined"
MOST_LEVELS = 12
STEPS = (1.0, 2.0, 5.0)
# Levels of a figure's or reader's choice differ by far more.
DECIMALS = 10


def labels_at_levels(
    frame: pd.DataFrame, baseline: str, levels: Sequence[float] = ()
) -> pd.DataFrame:
    """Labels that every strategy needs for every level, and the saving over `baseline` there.

    Parameters
    ----------
    frame
        Single values, see `frames.CURVE_COLUMNS`.
    levels
        In the unit of the metric; without any, round numbers between the worst first and the best
        last mean of each group (`round_levels`).

    Returns
    -------
    Group columns and `LEVEL_COLUMNS`. `labels` with their interval are over all `n_seeds` of the
    strategy. `bound` is "more than" where the level is not reached with the last labels, which
    `labels` then has, and "less than" where the curve starts there. `labels_low` is at most
    `labels`, and `low_bound` "less than" where the first labels may suffice, so that fewer than
    these may, too; `high_bound` is "more than" where it is open whether the last labels suffice.
    One seed has no interval. Everything from `baseline_labels` on is over the seeds of both, and
    missing where the baseline is; `saving_bound` is "undefined" where both start there or neither
    gets there.
    """
    import pandas as pd

    keys = group_columns(frame)
    results = []
    for names, rows in groups(frame, keys):
        sign = of(names["metric"]).sign
        tables = {name: sign * table for name, table in by_strategy(rows).items()}
        chosen = sign * np.array(levels, dtype=np.float64)
        if not len(chosen):
            chosen = round_levels([table.mean().to_numpy() for table in tables.values()])
        if not len(chosen):
            continue
        shown = np.round(sign * chosen, DECIMALS).tolist()
        found = _found(tables, baseline, chosen)
        results += [
            {**names, **row, "level": level}
            for name in tables
            for level, row in zip(shown, found[name], strict=True)
        ]
    return pd.DataFrame(results, columns=[*keys, *LEVEL_COLUMNS])


def _found(
    tables: Mapping[str, pd.DataFrame], baseline: str, levels: np.ndarray
) -> dict[str, list[dict[str, Any]]]:
    """Every strategy's rows, one for each level; strategies with equal seeds and labels at once."""
    base = tables.get(baseline)
    others = {name: table for name, table in tables.items() if name != baseline}
    saved = {name: [{"n_shared_seeds": 0, **_NO_SAVINGS}] * len(levels) for name in tables}
    for together in alike(others):
        if base is None:
            break
        seeds = base.index.intersection(tables[together[0]].index)
        if len(seeds):
            curves = paired_curves(base, [tables[name] for name in together], seeds)
            rows = _as_rows({"n_shared_seeds": len(seeds)}, savings_at(*curves, levels))
            saved |= _shared_out(together, rows)
    found = {}
    for together in alike(tables):
        own = stacked([tables[name] for name in together])
        head = {"n_seeds": own.values.shape[1], "baseline": baseline}
        found |= _shared_out(together, _as_rows(head, _labels(own, reach(own, levels))))
    return {
        name: [
            {"strategy": name, **labels, **saving}
            for labels, saving in zip(found[name], saved[name], strict=True)
        ]
        for name in tables
    }


def _as_rows(head: dict[str, Any], columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [
        {**head, **dict(zip(columns, row, strict=True))}
        for row in zip(*columns.values(), strict=True)
    ]


def _shared_out(names: Sequence[str], rows: list[Any]) -> dict[str, list[Any]]:
    """Rows of strategies one after the other, as many for each."""
    count = len(rows) // len(names)
    return {name: rows[place * count :][:count] for place, name in enumerate(names)}


def round_levels(means: Sequence[np.ndarray]) -> np.ndarray:
    """Round numbers, at most `MOST_LEVELS`, above the lowest first and up to the highest mean.

    Their step is 1, 2 or 5 times a power of ten. None where no curve rises.
    """
    low = min(float(mean[0]) for mean in means)
    high = max(float(mean.max()) for mean in means)
    if not high - low > 1e-9:
        return np.zeros(0)
    decade = 10.0 ** math.floor(math.log10((high - low) / MOST_LEVELS))
    step = next(
        size * ten
        for ten in (decade, 10 * decade)
        for size in STEPS
        if (high - low) / (size * ten) <= MOST_LEVELS
    )
    first, last = math.floor(low / step + 1e-9) + 1, math.floor(high / step + 1e-9)
    return np.round(step * np.arange(first, last + 1), DECIMALS)


def reach(own: Curve, levels: np.ndarray) -> LabelsAtLevel:
    """Labels at which K mean curves first reach each of the levels (L,), with intervals.

    Curves are (K, S, T), the result (K · L,): all levels of the first curve come first.
    """
    lacks = own.values[:, None] - levels[:, None, None]
    return crossing_of_zero(own.budgets, lacks.reshape(-1, *own.values.shape[1:]))


def savings_at(base: Curve, own: Curve, levels: np.ndarray) -> dict[str, list[Any]]:
    """Savings at each level, as the columns of `LEVEL_COLUMNS` from `baseline_labels` on.

    For K pairs of curves (K, S, T); rows of both are the same seeds in the same order; more is
    better. Returned: K · L values each, those of the first pair first.
    """
    needed, reached = reach(base, levels), reach(own, levels)
    base_last, own_last = base.budgets[-1], own.budgets[-1]
    at_most = np.minimum(needed.estimate, base_last), np.minimum(reached.estimate, own_last)
    saving = at_most[0] / at_most[1]
    base_first = needed.estimate <= base.budgets[0]
    own_first = reached.estimate <= own.budgets[0]
    base_never, own_never = np.isinf(needed.estimate), np.isinf(reached.estimate)
    less, more = base_first | own_never, own_first | base_never
    bound = np.where(less, LESS, np.where(more, MORE, EXACT))
    undefined = less & more

    def ratio(up: np.ndarray, down: np.ndarray) -> np.ndarray:
        """The factor from the saving to an end, from the factors of the two numbers of labels."""
        return np.exp(np.hypot(np.log(up), np.log(down)))

    with np.errstate(invalid="ignore"):
        low = saving / ratio(
            at_most[0] / np.minimum(needed.low, at_most[0]),
            np.minimum(reached.high, own_last) / at_most[1],
        )
        high = saving * ratio(
            np.minimum(needed.high, base_last) / at_most[0],
            at_most[1] / np.minimum(reached.low, at_most[1]),
        )
    # Open ends: labels that are bounds themselves. Certainly never: nothing but the bound.
    low_open = (needed.low <= base.budgets[0]) | np.isinf(reached.high)
    high_open = (reached.low <= own.budgets[0]) | np.isinf(needed.high)
    low_bound = np.where(low_open, LESS, EXACT)
    high_bound = np.where(high_open, MORE, EXACT)
    own_out, base_out = np.isinf(reached.low), np.isinf(needed.low)
    low_bound = np.where(base_out & ~low_open, MORE, low_bound)
    high_bound = np.where(own_out & ~high_open, LESS, high_bound)
    single = base.values.shape[1] == 1
    gone = undefined | single
    kinds = np.where(gone, EXACT, low_bound), np.where(gone, EXACT, high_bound)
    names = [BOUND_NAMES[int(kind)] for kind in bound]
    return {
        "baseline_labels": np.where(base_never, math.nan, needed.estimate).tolist(),
        "saving": np.where(undefined, math.nan, saving).tolist(),
        "saving_bound": [
            UNDEFINED if none else name for none, name in zip(undefined, names, strict=True)
        ],
        "saving_low": np.where(gone, math.nan, low).tolist(),
        "saving_low_bound": [BOUND_NAMES[int(kind)] for kind in kinds[0]],
        "saving_high": np.where(gone, math.nan, high).tolist(),
        "saving_high_bound": [BOUND_NAMES[int(kind)] for kind in kinds[1]],
    }


def _labels(own: Curve, found: LabelsAtLevel) -> dict[str, list[Any]]:
    """The columns of labels and their interval."""
    first, last = own.budgets[0], own.budgets[-1]
    never = np.isinf(found.estimate)
    kinds = np.where(never, MORE, np.where(found.estimate <= first, LESS, EXACT))
    single = own.values.shape[1] == 1
    open_end = np.isinf(found.high) & (not single)
    return {
        "labels": np.minimum(found.estimate, last).tolist(),
        "bound": [BOUND_NAMES[int(kind)] for kind in kinds],
        "labels_low": np.minimum(found.low, last).tolist(),
        "low_bound": [BOUND_NAMES[LESS if low <= first else EXACT] for low in found.low],
        "labels_high": np.minimum(found.high, last).tolist(),
        "high_bound": [BOUND_NAMES[MORE if end else EXACT] for end in open_end],
    }


def level_tables(table: pd.DataFrame) -> list[TextTable]:
    """Text tables: per setting and split, a row per strategy and a column per level.

    Then the same for savings over the baseline.
    """
    tables = []
    for names, rows in groups(table, [*SETTING, "metric"]):
        metric = names["metric"]
        for split in ordered_splits(rows["split"]):
            part = rows[rows["split"] == split]
            levels = sorted(set(part["level"]), reverse=of(metric).lower_is_better)
            where = f"{split} {metric}, {setting_name(names)}"
            columns = ("strategy", *(value_text(level, metric) for level in levels))
            baseline = part["baseline"].iloc[0]
            for title, text in (
                (f"labels to reach {where}", labels_text),
                (f"label saving over {baseline} at {where}", _saving_text),
            ):
                shown = part if text is labels_text else part[part["n_shared_seeds"] > 0]
                texts: dict[str, dict[float, str]] = {}
                for row in shown.to_dict("records"):
                    texts.setdefault(row["strategy"], {})[row["level"]] = text(row)
                cells = [
                    (name, *(found.get(level, "–") for level in levels))
                    for name, found in texts.items()
                ]
                if cells:
                    tables.append(TextTable(title, columns, tuple(cells)))
    return tables


def labels_text(row: dict[str, Any]) -> str:
    """Labels with their interval: "1,200 (≤ 1,000 to 1,400)", "> 2,000", "≤ 100"."""
    value = f"{row['labels']:,.0f}"
    if row["bound"] == "less than":
        value = f"≤ {value}"
    if math.isnan(row["labels_low"]):
        return f"> {value}" if row["bound"] == "more than" else value
    if row["bound"] == "more than" and row["labels_low"] == row["labels"]:
        return f"> {value}"
    if row["bound"] == "less than" and row["labels_high"] == row["labels"]:
        return value
    less, more = "≤ " if row["low_bound"] else "", "> " if row["high_bound"] else ""
    shown = f"> {value}" if row["bound"] == "more than" else value
    return f"{shown} ({less}{row['labels_low']:,.0f} to {more}{row['labels_high']:,.0f})"


def _saving_text(row: dict[str, Any]) -> str:
    value = saving_text(row["saving"], row["saving_bound"])
    ends = ("saving_low", "saving_low_bound", "saving_high", "saving_high_bound")
    interval = interval_text(*(row[end] for end in ends))
    return f"{value} ({interval})" if interval and interval != value else value
