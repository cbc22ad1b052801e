"""Area under the budget curve (AUBC): one number for a whole curve."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from labelbench_core.analysis.collected.curves import t_interval
from labelbench_core.analysis.collected.frames import (
    by_strategy,
    group_columns,
    groups,
    shared_part,
)
from labelbench_core.analysis.comparisons.paired import holm, paired_test

if TYPE_CHECKING:
    import pandas as pd

AUBC_COLUMNS = (
    "strategy",
    "n_seeds",
    "aubc",
    "half_width",
    "difference",
    "difference_half_width",
    "p_value",
    "p_holm",
)


def area_under_budget_curve(budgets: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Area by the trapezoidal rule with budgets scaled to 0…1: the mean height of each curve.

    `budgets` (T,) rising, `values` (S, T) → (S,); NaN where there is only one budget.
    """
    if len(budgets) < 2:
        return np.full(len(values), math.nan)
    return np.trapezoid(values, budgets, axis=1) / (budgets[-1] - budgets[0])


def aubc_table(frame: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """AUBC of every strategy (mean, 95 % t half-width) and its paired difference to `baseline`.

    The difference is over the seeds and budgets that both have. Holm's correction runs over the
    strategies of a group. The baseline's own row has no difference; a group without the baseline
    has none at all.
    """
    import pandas as pd

    keys = group_columns(frame)
    tables = []
    for names, rows in groups(frame, keys):
        curves = by_strategy(rows)
        base = curves.get(baseline)
        results = [
            {
                **names,
                "strategy": name,
                **_row(curve, None if name == baseline else base, names["metric"]),
            }
            for name, curve in curves.items()
        ]
        part = pd.DataFrame(results)
        part["p_holm"] = holm(part["p_value"].to_numpy())
        tables.append(part[[*keys, *AUBC_COLUMNS]])
    return pd.concat(tables, ignore_index=True)


def _areas(curve: pd.DataFrame) -> np.ndarray:
    return area_under_budget_curve(curve.columns.to_numpy(float), curve.to_numpy(float))


def _row(curve: pd.DataFrame, base: pd.DataFrame | None, metric: str) -> dict[str, float]:
    mean, half = t_interval(_areas(curve))
    row = {"n_seeds": len(curve), "aubc": mean, "half_width": half}
    without = {**row, **dict.fromkeys(AUBC_COLUMNS[4:7], math.nan)}
    if base is None:
        return without
    own, other = shared_part(curve, base)
    if own.index.empty:
        return without
    differences = _areas(own) - _areas(other)
    test = paired_test(differences, metric)
    return {
        **row,
        "difference": test["difference"],
        "difference_half_width": test["half_width"],
        "p_value": test["p_value"],
    }
