"""Which strategy is best over the whole budget, and which others cannot be told from it."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from labelbench_core.analysis.collected.curves import t_interval
from labelbench_core.analysis.collected.frames import by_strategy, group_columns, groups
from labelbench_core.analysis.collected.units import ends, of, value_bounds, value_text
from labelbench_core.analysis.comparisons.aubc import area_under_budget_curve
from labelbench_core.analysis.comparisons.paired import SIGNIFICANCE, holm, paired_tests
from labelbench_core.errors import listed

if TYPE_CHECKING:
    import pandas as pd

BEST, SAME, WORSE, UNTESTED = "best", "not distinguishable", "worse", "not tested"
MOST_NAMED = 4
"""Most strategies that one short sentence names."""
BEST_COLUMNS = (
    "strategy",
    "n_seeds",
    "first_labels",
    "last_labels",
    "area",
    "low",
    "high",
    "difference",
    "difference_low",
    "difference_high",
    "p_value",
    "p_holm",
    "detectable",
    "verdict",
)


def best_strategies(frame: pd.DataFrame) -> pd.DataFrame:
    """Strategies by area under the curve, the best first, each compared with the best.

    Areas are over the numbers of labels that all strategies of a group have (`first_labels` to
    `last_labels`). Every pair of strategies is tested, by a paired t-test over the seeds of both,
    and Holm's correction runs over all pairs (García & Herrera, "An extension on 'Statistical
    comparisons of classifiers over multiple data sets' for all pairwise comparisons", JMLR 9,
    2008): picking the best one after seeing the results then needs no further correction.

    Returns
    -------
    Group columns and `BEST_COLUMNS`; groups with one strategy, or with fewer than two common
    numbers of labels, have no rows. `difference` is a strategy's area minus the best one's.
    `detectable`: the true difference that the uncorrected test finds with 80 % power.
    `verdict`: BEST; WORSE where `p_holm` is below 0.05; SAME where it is not; UNTESTED where there
    is no p-value, such as with a single seed.
    """
    import pandas as pd

    keys = group_columns(frame)
    rows = []
    for names, part in groups(frame, keys):
        curves = by_strategy(part)
        columns = [table.columns for table in curves.values()]
        budgets = functools.reduce(lambda first, second: first.intersection(second), columns)
        if len(curves) > 1 and len(budgets) > 1:
            areas = {name: _areas(table[budgets]) for name, table in curves.items()}
            labels = {"first_labels": int(budgets[0]), "last_labels": int(budgets[-1])}
            rows += [{**names, **labels, **row} for row in _ranked(areas, names["metric"])]
    return pd.DataFrame(rows, columns=[*keys, *BEST_COLUMNS])


def _areas(table: pd.DataFrame) -> pd.Series:
    """Area of every seed."""
    import pandas as pd

    areas = area_under_budget_curve(table.columns.to_numpy(float), table.to_numpy(float))
    return pd.Series(areas, index=table.index)


def _ranked(areas: Mapping[str, pd.Series], metric: str) -> list[dict[str, Any]]:
    import pandas as pd

    sign = of(metric).sign
    order = sorted(areas, key=lambda name: -sign * round(float(areas[name].mean()), 12))
    table = pd.DataFrame({name: areas[name] for name in order}).to_numpy().T
    # In the order of itertools.combinations: the best one's pairs come first.
    better, other = np.triu_indices(len(order), 1)
    tests = paired_tests(table[other] - table[better], metric)
    tests["p_holm"] = holm(tests["p_value"])
    found = {
        name: {key: values[place].item() for key, values in tests.items()}
        for place, name in enumerate(order[1:])
    }
    rows = []
    for name in order:
        mean, half = t_interval(areas[name].to_numpy())
        low, high = ends(mean, half, value_bounds(metric))
        test = found.get(name, {})
        rows.append(
            {
                "strategy": name,
                "n_seeds": len(areas[name]),
                "area": mean,
                "low": low,
                "high": high,
                "difference": test.get("difference", math.nan),
                "difference_low": test.get("low", math.nan),
                "difference_high": test.get("high", math.nan),
                "p_value": test.get("p_value", math.nan),
                "p_holm": test.get("p_holm", math.nan),
                "detectable": test.get("detectable", math.nan),
                "verdict": BEST if name == order[0] else _verdict(test, sign),
            }
        )
    return rows


def _verdict(test: Mapping[str, float], sign: int) -> str:
    if math.isnan(test["p_holm"]):
        return UNTESTED
    return WORSE if test["p_holm"] < SIGNIFICANCE and sign * test["difference"] < 0 else SAME


def best_text(rows: Sequence[Mapping[str, Any]], split: str, metric: str) -> str:
    """The strategies of one setting and split, as `best_strategies` orders them, in sentences."""
    best, *others = rows
    first, last = (f"{best[key]:,}" for key in ("first_labels", "last_labels"))
    value = value_text(best["area"], metric)
    lowest = "lowest" if of(metric).lower_is_better else "highest"
    text = (
        f"Over {first} to {last} labels, {best['strategy']} has the {lowest} mean {split} {metric} "
        f"(area under the curve): {value}"
    )
    if best["low"] is not None and not math.isnan(best["low"]):
        low, high = (value_text(best[end], metric) for end in ("low", "high"))
        text += f", 95 % interval {low} to {high}"
    named = {
        verdict: [row["strategy"] for row in others if row["verdict"] == verdict]
        for verdict in (SAME, WORSE, UNTESTED)
    }
    if len(named[UNTESTED]) == len(others):
        return f"{text}. With these seeds, no test can tell how certain that is."
    said = []
    if named[SAME]:
        said.append(f"cannot be told from it: {listed(named[SAME])}")
    if named[WORSE]:
        is_all = len(named[WORSE]) == len(others)
        said.append(f"worse: {'all others' if is_all else listed(named[WORSE])}")
    if named[UNTESTED]:
        said.append(f"not compared: {listed(named[UNTESTED])}")
    pairs = len(rows) * (len(rows) - 1) // 2
    how = f"paired t-tests over seeds, corrected for all {pairs} pairs"
    if pairs == 1:
        how = "a paired t-test over seeds"
    clauses = "; ".join(said)
    return f"{text}. {clauses[0].upper()}{clauses[1:]} ({how}).{_detectable_text(others, metric)}"


def best_line(rows: Sequence[Mapping[str, Any]], split: str, metric: str) -> str:
    """The best strategy of one setting and split, and how sure that is, in one short sentence."""
    best, *others = rows
    first, last = (f"{best[key]:,}" for key in ("first_labels", "last_labels"))
    same, worse, untested = (
        [row["strategy"] for row in others if row["verdict"] == verdict]
        for verdict in (SAME, WORSE, UNTESTED)
    )
    if len(untested) == len(others):
        sure = "with these seeds, no test can tell how certain that is"
    elif len(worse) == len(others):
        sure = "all others are worse" if len(worse) > 1 else f"{worse[0]} is worse"
    elif len(same) == len(others) > MOST_NAMED:
        sure = f"none of the other {len(same)} can be told from it"
    else:
        told = [(same, "cannot be told from it"), (untested, "not compared")]
        sure = "; ".join(f"{_first_names(names)} {what}" for names, what in told if names)
    return (
        f"Best over {first} to {last} labels, by mean {split} {metric}: {best['strategy']}; {sure}."
    )


def _first_names(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _detectable_text(others: Sequence[Mapping[str, Any]], metric: str) -> str:
    """What these seeds can show, as a sentence; empty where that is not known."""
    known = [one["detectable"] for one in others if one.get("detectable") is not None]
    known = [of(metric).scale * value for value in known if math.isfinite(value)]
    if not known:
        return ""
    digits = 2 if of(metric).is_share else 3
    low, high = (f"{value:.{digits}f}" for value in (min(known), max(known)))
    size = low if low == high else f"{low} to {high}"
    return (
        f" One uncorrected test with these seeds detects a true difference of {size} "
        f"{of(metric).unit_of_differences} with 80 % power."
    )
