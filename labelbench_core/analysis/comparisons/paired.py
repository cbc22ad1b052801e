"""Is a strategy better than the baseline? Paired differences by seed, budget by budget."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np

from labelbench_core.analysis.collected.curves import moments, of_counts, t_quantile
from labelbench_core.analysis.collected.frames import group_columns, groups, seed_table
from labelbench_core.analysis.collected.units import difference_bounds

if TYPE_CHECKING:
    import pandas as pd

SIGNIFICANCE = 0.05
POWER = 0.80
MOST_DEVIATIONS = 60.0
COMPARISON_COLUMNS = (
    "n_seeds",
    "difference",
    "half_width",
    "low",
    "high",
    "p_value",
    "p_holm",
    "detectable",
)


def paired_test(differences: np.ndarray, metric: str) -> dict[str, float]:
    """The mean of paired `differences` (n,) between two strategies, with interval and test.

    Returns
    -------
    `difference` (mean) with its 95 % t interval (`half_width`; `low` and `high`, cut at what a
    difference of values of `metric` can be), the two-sided `p_value` of the paired t-test, and
    `detectable`: the true difference that a test of this size would detect with 80 % power, given
    the observed spread. All but the mean are NaN for one seed, and where all differences are equal:
    a t-test has no spread to go by then. Where every one is zero, `p_value` is 1 and the interval
    from 0 to 0.
    """
    tests = paired_tests(np.asarray(differences, dtype=np.float64)[None], metric)
    return {name: values[0].item() for name, values in tests.items()}


def paired_tests(differences: np.ndarray, metric: str) -> dict[str, np.ndarray]:
    """`paired_test` of every row of `differences` (E, S), which is NaN where a pair lacks a seed.

    All values are (E,); `n_seeds` counts the seeds of each row, and without any the mean is NaN.
    """
    from scipy import special

    # The last bits are rounded away, so that equal differences are equal.
    values = np.round(differences, 12)
    count, mean, spread = moments(values)
    effect = of_counts(detectable_effect, count)
    spread = np.where(spread > 0, spread, math.nan)
    error = spread / np.sqrt(np.maximum(count, 1))
    # The same as scipy.stats.ttest_1samp, which takes far longer per call.
    p_value = 2 * special.stdtr(count - 1, -np.abs(mean) / error)
    is_tie = np.isnan(spread) & (count > 1) & (mean == 0)
    half = np.where(is_tie, 0.0, of_counts(t_quantile, count - 1) * error)
    lowest, most = difference_bounds(metric)
    return {
        "n_seeds": count,
        "difference": mean,
        "half_width": half,
        "low": np.maximum(mean - half, lowest),
        "high": np.minimum(mean + half, most),
        "p_value": np.where(is_tie, 1.0, p_value),
        "detectable": spread * effect,
    }


@functools.cache
def detectable_effect(num_seeds: int, alpha: float = SIGNIFICANCE) -> float:
    """Smallest true mean difference, in standard deviations of the paired differences, that a
    two-sided paired t-test at the level `alpha` finds with 80 % power. NaN for fewer than two
    seeds; infinite beyond sixty standard deviations.
    """
    from scipy import optimize

    if num_seeds < 2:
        return math.nan
    seeds = np.array([num_seeds])
    if not is_detectable(np.array([MOST_DEVIATIONS]), seeds, alpha)[0]:
        return math.inf

    def beyond(effect: float) -> float:
        return float(_power_beyond(np.array([effect]), seeds, alpha)[0])

    return float(optimize.brentq(beyond, 1e-6, MOST_DEVIATIONS))


def is_detectable(
    effects: np.ndarray, num_seeds: np.ndarray, alpha: float = SIGNIFICANCE
) -> np.ndarray:
    """Whether true differences of `effects` (E,) standard deviations reach the `detectable_effect`
    of `num_seeds` (E,), each at least two, at `alpha`. One power is computed instead of a search.
    """
    return _power_beyond(np.minimum(effects, MOST_DEVIATIONS), num_seeds, alpha) >= 0


def _power_beyond(effects: np.ndarray, num_seeds: np.ndarray, alpha: float) -> np.ndarray:
    """The power to detect each of `effects` (E,) with `num_seeds` (E,) seeds, minus `POWER`."""
    from scipy import stats

    freedom = num_seeds - 1
    critical = of_counts(lambda count: _critical(count, alpha), freedom)
    # The far tail is left out: at 80 % power it is negligible, and it is hard to compute.
    return stats.nct.sf(critical, freedom, effects * np.sqrt(num_seeds)) - POWER


@functools.cache
def _critical(freedom: int, alpha: float) -> float:
    from scipy import stats

    return float(stats.t.ppf(1 - alpha / 2, freedom))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's step-down adjusted p-values (Holm 1979), in the given order; NaN is left out."""
    p_values = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(len(p_values), math.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return adjusted


def compare_to_baseline(frame: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """Paired differences of every strategy to `baseline` at every number of labels.

    Pairs are made by seed id, over the seeds that both have; a budget without the baseline has no
    rows. Round 0 is left out: all strategies share it. Holm's correction runs over all strategies
    and budgets of a group (setting, split, metric).

    Returns
    -------
    Group columns, strategy, round, num_labeled and `COMPARISON_COLUMNS`, in units of the metric.
    """
    import pandas as pd

    keys = group_columns(frame)
    tables = []
    for names, rows in groups(frame[frame["round"] > 0], keys):
        part = _compared(rows, baseline, names["metric"])
        if part is not None:
            part = part.assign(**names)
            part["p_holm"] = holm(part["p_value"].to_numpy())
            tables.append(part)
    columns = [*keys, "strategy", "round", "num_labeled", *COMPARISON_COLUMNS]
    if not tables:
        return pd.DataFrame(columns=columns)
    merged = pd.concat(tables, ignore_index=True)[columns]
    return _by_strategy(merged, keys)


def _compared(rows: pd.DataFrame, baseline: str, metric: str) -> pd.DataFrame | None:
    """All tests of one group: a row per round and strategy that shares a seed with the baseline."""
    import pandas as pd

    number, rounds = pd.factorize(rows["round"])
    # The strategies of the first round come first, in its order.
    listed = rows["strategy"].iloc[np.argsort(number, kind="stable")]
    names = list(dict.fromkeys(listed))
    if baseline not in names:
        return None
    seeds, seed = np.unique(rows["seed"].to_numpy(), return_inverse=True)
    shape = (len(rounds), len(names), len(seeds))
    cell = np.ravel_multi_index(
        (number, pd.Index(names).get_indexer(rows["strategy"]), seed), shape
    )
    if np.bincount(cell).max() > 1:
        for one in range(len(rounds)):
            seed_table(rows[number == one], "strategy")  # says which
    cube = np.full(math.prod(shape), math.nan)
    cube[cell] = rows["value"].to_numpy()
    cube = cube.reshape(shape)
    labels = rows["num_labeled"].to_numpy()[np.unique(number, return_index=True)[1]]
    others = [place for place, name in enumerate(names) if name != baseline]
    differences = cube[:, others] - cube[:, [names.index(baseline)]]
    tests = paired_tests(differences.reshape(-1, len(seeds)), metric)
    table = pd.DataFrame(
        {
            "strategy": np.tile(np.array(names, dtype=object)[others], len(rounds)),
            "round": np.repeat(rounds, len(others)),
            "num_labeled": np.repeat(labels, len(others)),
            **tests,
        }
    )
    table = table[table["n_seeds"] > 0].reset_index(drop=True)
    return table if len(table) else None


def _by_strategy(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Rows of one group sorted by strategy in order of appearance, then by round."""
    place = {name: index for index, name in enumerate(dict.fromkeys(frame["strategy"]))}
    group = frame.groupby(keys, sort=False).ngroup()
    order = np.lexsort((frame["round"], frame["strategy"].map(place), group))
    return frame.iloc[order].reset_index(drop=True)
