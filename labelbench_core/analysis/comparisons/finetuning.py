"""Does fine-tuning end to end beat the proxy that bought the labels?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from labelbench_core.analysis.collected.curves import t_interval
from labelbench_core.analysis.collected.frames import (
    SETTING,
    SPENT_ON_VALIDATION,
    group_columns,
    groups,
    present,
)
from labelbench_core.analysis.collected.units import of
from labelbench_core.analysis.comparisons.best import SAME, UNTESTED
from labelbench_core.analysis.comparisons.paired import SIGNIFICANCE, holm, paired_test
from labelbench_core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

FINETUNING_COLUMNS = (
    "strategy",
    "round",
    "num_labeled",
    *SPENT_ON_VALIDATION,
    "n_seeds",
    "finetuned",
    "finetuned_half_width",
    "proxy_value",
    "proxy_half_width",
    "difference",
    "half_width",
    "low",
    "high",
    "p_value",
    "p_holm",
)


def compare_to_proxy(finetuned: pd.DataFrame, rounds: pd.DataFrame) -> pd.DataFrame:
    """Paired differences between a fine-tuned model and the proxy, both on the same labels.

    Only seeds that were fine-tuned enter, on both sides. Metrics or splits that the proxy does not
    report are left out. Holm's correction runs over the strategies and budgets of a group.

    Returns
    -------
    Group columns (with trainer) and `FINETUNING_COLUMNS`; `difference` is the fine-tuned model's
    value minus the proxy's, whichever way is better.
    """
    import pandas as pd

    keys = group_columns(finetuned)
    columns = [*keys, *FINETUNING_COLUMNS]
    on = [*present(rounds, SETTING), "strategy", "seed", "round", "num_labeled", "split", "metric"]
    paired = finetuned.merge(rounds[[*on, "value"]], on=on, suffixes=("", "_proxy"), how="inner")
    if finetuned.empty:
        return pd.DataFrame(columns=columns)
    if paired.empty:
        raise InputError("no fine-tuned result has a matching selection round")
    tables = []
    for names, rows in groups(paired, keys):
        results = []
        for where, cell in groups(rows, ["strategy", "round", "num_labeled"]):
            mean, half = t_interval(cell["value"].to_numpy())
            proxy, proxy_half = t_interval(cell["value_proxy"].to_numpy())
            test = paired_test((cell["value"] - cell["value_proxy"]).to_numpy(), names["metric"])
            values = {
                "finetuned": mean,
                "finetuned_half_width": half,
                "proxy_value": proxy,
                "proxy_half_width": proxy_half,
            }
            spent = {column: cell[column].max() for column in SPENT_ON_VALIDATION}
            results.append({**names, **where, **spent, **values, **test})
        part = pd.DataFrame(results)
        part["p_holm"] = holm(part["p_value"].to_numpy())
        tables.append(part[columns])
    return pd.concat(tables, ignore_index=True)


def verdict(difference: float, p_holm: float, metric: str) -> str:
    """One of "better", "worse", "not distinguishable" or "not tested", by the p-value."""
    if math.isnan(p_holm):
        return UNTESTED
    if p_holm < SIGNIFICANCE:
        return "better" if of(metric).sign * difference > 0 else "worse"
    return SAME
