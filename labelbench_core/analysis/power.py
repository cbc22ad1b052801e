"""How small a difference these seeds can show, and how many seeds smaller ones would take.

Both follow from the observed spread of the paired differences, for a two-sided paired t-test at the
5 % level with 80 % power (Cohen, Statistical Power Analysis for the Behavioral Sciences, 2nd ed.
1988, chapter 2; the noncentral t distribution, without the far tail, which is negligible at 80 %
power). A spread observed with few seeds is itself uncertain: its 95 % interval by the chi-squared
distribution stands beside it, and the numbers of seeds that follow from the interval's ends stand
beside the number of seeds.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from labelbench_core.analysis.collected.curves import CONFIDENCE
from labelbench_core.analysis.collected.frames import (
    SETTING,
    by_strategy,
    group_columns,
    groups,
    ordered_splits,
    setting_name,
    shared_part,
)
from labelbench_core.analysis.collected.units import of
from labelbench_core.analysis.comparisons.aubc import area_under_budget_curve
from labelbench_core.analysis.comparisons.paired import (
    POWER,
    SIGNIFICANCE,
    detectable_effect,
    is_detectable,
)
from labelbench_core.analysis.tables import TextTable

if TYPE_CHECKING:
    import pandas as pd

FINAL, AREA = "final", "area"
MEASURES = (FINAL, AREA)
"""What is compared: values with the last labels of both, or areas under their curves."""
POWER_COLUMNS = (
    "strategy",
    "baseline",
    "measure",
    "n_seeds",
    "spread",
    "spread_low",
    "spread_high",
    "detectable",
    "n_tests",
    "detectable_holm",
    "difference",
    "seeds",
    "seeds_low",
    "seeds_high",
    "seeds_holm",
)
POINTS = (0.5, 1.0, 2.0, 5.0)
"""Differences as they are shown: in points of a share; in hundredths of a nat for a loss."""
MOST_SEEDS = 10_000
"""Largest number of seeds that is looked for; where more are needed, `seeds` is infinite."""


def power_table(frame: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """What can be told of every strategy's difference to `baseline`, in every group.

    Returns
    -------
    Group columns and `POWER_COLUMNS`; a row for each of `POINTS`. `spread` is the standard
    deviation of the paired differences over `n_seeds` seeds of both; `detectable` the true
    difference that they would show with 80 % power at the 5 % level, `detectable_holm` the same at
    5 % divided by `n_tests`, the strategies compared, which is what Holm's correction asks of the
    first of them. `seeds` are those needed to show `difference`, `seeds_low` and `seeds_high` at
    the ends of the spread's interval, `seeds_holm` at the corrected level. All NaN where there is
    no spread: one seed, or equal differences.
    """
    import pandas as pd

    keys = group_columns(frame)
    results = []
    for names, rows in groups(frame, keys):
        tables = by_strategy(rows)
        base = tables.pop(baseline, None)
        if base is None:
            continue
        for measure in MEASURES:
            for strategy, table in tables.items():
                differences = paired_differences(table, base, measure)
                if not len(differences):
                    continue
                head = {"strategy": strategy, "baseline": baseline, "measure": measure}
                row = {**names, **head, **_spread(differences, len(tables))}
                results += [{**row, "difference": points / 100} for points in POINTS]
    found = pd.DataFrame(results, columns=[*keys, *POWER_COLUMNS])
    if found.empty:
        return found
    steps, tests = (found[name].to_numpy(np.float64) for name in ("difference", "n_tests"))
    for name, spread, alpha in (
        ("seeds", "spread", SIGNIFICANCE),
        ("seeds_low", "spread_low", SIGNIFICANCE),
        ("seeds_high", "spread_high", SIGNIFICANCE),
        ("seeds_holm", "spread", SIGNIFICANCE / tests),
    ):
        found[name] = seeds_needed(steps, found[spread].to_numpy(np.float64), alpha)
    return found


def paired_differences(one: pd.DataFrame, other: pd.DataFrame, measure: str) -> np.ndarray:
    """(n,) differences of two tables of `frames.by_seed` over the seeds and labels of both."""
    one, other = shared_part(one, other)
    budgets = one.columns.to_numpy(dtype=np.float64)
    if one.empty or len(budgets) < (2 if measure == AREA else 1):
        return np.zeros(0)
    lines = one.to_numpy(dtype=np.float64) - other.to_numpy(dtype=np.float64)
    if measure == FINAL:
        return lines[:, -1]
    return area_under_budget_curve(budgets, lines)


def _spread(differences: np.ndarray, tests: int) -> dict[str, Any]:
    """`POWER_COLUMNS` from `n_seeds` to `detectable_holm`."""
    count = len(differences)
    values = np.round(differences, 12)
    spread = float(values.std(ddof=1)) if count > 1 and np.ptp(values) > 0 else math.nan
    low, high = spread_interval(spread, count)
    return {
        "n_seeds": count,
        "spread": spread,
        "spread_low": low,
        "spread_high": high,
        "detectable": spread * detectable_effect(count),
        "n_tests": tests,
        "detectable_holm": spread * detectable_effect(count, SIGNIFICANCE / tests),
    }


def spread_interval(spread: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a normal distribution's standard deviation, seen in `count` values."""
    from scipy import special

    if math.isnan(spread):
        return math.nan, math.nan
    freedom, tail = count - 1, (1 - CONFIDENCE) / 2
    upper, lower = (float(special.chdtri(freedom, share)) for share in (tail, 1 - tail))
    return spread * math.sqrt(freedom / upper), spread * math.sqrt(freedom / lower)


def seeds_needed(
    difference: np.ndarray | float,
    spread: np.ndarray | float,
    alpha: np.ndarray | float = SIGNIFICANCE,
) -> np.ndarray:
    """The fewest seeds whose paired t-test shows a true `difference` with 80 % power.

    The three, and what is returned, have one shape, or are numbers. NaN where the spread is not
    known, infinite where more than `MOST_SEEDS` are needed.
    """
    steps, spreads, levels = np.broadcast_arrays(difference, spread, alpha)
    found = np.full(steps.shape, math.nan)
    known = spreads > 0
    # The ratio of two decimals often is a short decimal: rounding makes it exactly that.
    ratios = (steps[known] / spreads[known]).tolist()
    effects, tested = np.array([round(ratio, 9) for ratio in ratios]), levels[known]
    needed = np.full(len(effects), math.nan)
    for level in np.unique(tested):
        distinct, place = np.unique(effects[tested == level], return_inverse=True)
        needed[tested == level] = _fewest(distinct, float(level))[place]
    found[known] = needed
    return found


def _fewest(effects: np.ndarray, alpha: float) -> np.ndarray:
    """`seeds_needed` of `effects` (E,), in standard deviations."""
    from scipy import special

    needed = np.full(len(effects), math.inf)
    known = np.flatnonzero(effects > 0)
    effects = effects[known]
    # If the true spread were known, `few` seeds or more would be needed.
    quantiles = special.ndtri(1 - alpha / 2) + special.ndtri(POWER)
    few = np.clip((quantiles / effects) ** 2 - 1, 1, MOST_SEEDS).astype(np.int64)
    few[(few > 1) & is_detectable(effects, np.maximum(few, 2), alpha)] = 1
    many = few + 1
    while True:
        short = np.flatnonzero(many <= MOST_SEEDS)
        short = short[~is_detectable(effects[short], many[short], alpha)]
        if not len(short):
            break
        few[short], many[short] = many[short], 2 * many[short] - few[short] + 1
    # Beyond `MOST_SEEDS` it need not be detectable: the search below goes up to there.
    many = np.minimum(many, MOST_SEEDS + 1)
    while len(wide := np.flatnonzero(many - few > 1)):
        middle = (few[wide] + many[wide]) // 2
        enough = is_detectable(effects[wide], middle, alpha)
        many[wide[enough]], few[wide[~enough]] = middle[enough], middle[~enough]
    needed[known] = np.where(many <= MOST_SEEDS, many, math.inf)
    return needed


def power_tables(table: pd.DataFrame) -> list[TextTable]:
    """Text tables: per setting and split, a row per strategy and measure."""
    tables = []
    for names, rows in groups(table, [*SETTING, "metric"]):
        metric = of(names["metric"])
        unit, scale = metric.unit_of_differences, metric.scale
        digits = 2 if metric.is_share else 4
        for split in ordered_splits(rows["split"]):
            part = rows[rows["split"] == split]
            steps_of: dict[tuple[str, str], list[dict[str, Any]]] = {}
            for row in part.to_dict("records"):
                steps_of.setdefault((row["strategy"], row["measure"]), []).append(row)
            cells = []
            for (strategy, measure), (first, *_) in steps_of.items():
                effects = (first[name] for name in ("spread", "detectable", "detectable_holm"))
                cells.append(
                    (
                        strategy,
                        measure,
                        str(first["n_seeds"]),
                        *(f"{scale * v:.{digits}f}" if math.isfinite(v) else "–" for v in effects),
                        *(_seeds_text(row) for row in steps_of[strategy, measure]),
                    )
                )
            steps = (f"{scale * step:g} {unit}" for step in dict.fromkeys(part["difference"]))
            columns = (
                "strategy",
                "measure",
                "seeds",
                f"spread in {unit}",
                "detectable",
                "after Holm",
                *(f"seeds for {step}" for step in steps),
            )
            title = f"difference to {part['baseline'].iloc[0]} in {split} {names['metric']}, "
            tables.append(TextTable(title + setting_name(names), columns, tuple(cells), 2))
    return tables


def _seeds_text(row: dict[str, Any]) -> str:
    """Seeds needed, with those at the ends of the spread's interval: "9 (4 to 40)"."""
    if math.isnan(row["seeds"]):
        return "–"
    own, low, high = (
        f"> {MOST_SEEDS:,}" if math.isinf(row[name]) else f"{row[name]:,.0f}"
        for name in ("seeds", "seeds_low", "seeds_high")
    )
    return f"{own} ({low} to {high})"
