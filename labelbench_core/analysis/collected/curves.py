"""Mean and 95 % interval over seeds of every curve, as measured: nothing is smoothed."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from labelbench_core.analysis.collected.frames import group_columns
from labelbench_core.analysis.collected.units import value_bounds

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE = 0.95
SUMMARY_COLUMNS = (
    "strategy",
    "round",
    "num_labeled",
    "n_seeds",
    "mean",
    "half_width",
    "low",
    "high",
)


def t_interval(values: np.ndarray) -> tuple[float, float]:
    """Mean and half the width of the 95 % Student t interval of the mean of `values` (n,).

    The half-width is NaN for a single value: one seed says nothing about the spread.
    """
    mean, half = t_intervals(np.asarray(values, dtype=np.float64)[None])
    return float(mean[0]), float(half[0])


def t_intervals(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`t_interval` of every row of `values` (E, S), which has NaN for missing seeds: two (E,)."""
    count, mean, spread = moments(values)
    half = of_counts(t_quantile, count - 1) * (spread / np.sqrt(np.maximum(count, 1)))
    return mean, half


def moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number, mean and standard deviation (n - 1) of each row of `values` (E, S) without its NaN.

    Three arrays (E,). The mean of no values is NaN, as is the deviation of fewer than two. The
    deviation is exactly 0 where all values are equal.
    """
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    highest = np.where(known, values, -math.inf).max(axis=1, initial=-math.inf)
    is_equal = highest <= np.where(known, values, math.inf).min(axis=1, initial=math.inf)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, values, 0.0).sum(axis=1) / count
        squares = np.where(known, values - mean[:, None], 0.0) ** 2
        spread = np.sqrt(squares.sum(axis=1) / (count - 1))
    spread = np.where(is_equal, 0.0, spread)
    return count, mean, np.where(count > 1, spread, math.nan)


def of_counts(function: Callable[[int], float], counts: np.ndarray) -> np.ndarray:
    """`function` of each of `counts` (E,), called once per distinct count; NaN for counts of 0."""
    distinct, place = np.unique(counts, return_inverse=True)
    found = [function(int(count)) if count > 0 else math.nan for count in distinct]
    return np.array(found, dtype=np.float64)[place]


@functools.cache
def t_quantile(degrees: int) -> float:
    """The two-sided 5 % quantile of Student's t."""
    from scipy import special

    return float(special.stdtrit(degrees, (1 + CONFIDENCE) / 2))


def summarise_curves(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds of every strategy at every number of labels.

    Parameters
    ----------
    frame
        Long table of single values, see `frames.CURVE_COLUMNS`; order of rows does not matter for
        the numbers.

    Returns
    -------
    Group columns and `SUMMARY_COLUMNS`; the interval is t-based over the seeds, `low` and `high`
    cut at what the metric can be. A maximum over rounds is never taken: with noise it is biased
    upwards and hides that a curve falls.
    """
    keys = group_columns(frame)
    cells = frame.groupby([*keys, "strategy", "round", "num_labeled"], sort=False)
    row, column = cells.ngroup().to_numpy(), cells.cumcount().to_numpy()
    values = np.full((row.max(initial=-1) + 1, column.max(initial=-1) + 1), math.nan)
    values[row, column] = frame["value"]
    mean, half = t_intervals(values)
    first = frame[column == 0]
    bounds = np.array([value_bounds(metric) for metric in first["metric"]]).reshape(-1, 2)
    numbers = {
        "n_seeds": (~np.isnan(values)).sum(axis=1),
        "mean": mean,
        "half_width": half,
        "low": np.maximum(mean - half, bounds[:, 0]),
        "high": np.minimum(mean + half, bounds[:, 1]),
    }
    table = first.reset_index(drop=True).assign(**numbers)
    return table[[*keys, *SUMMARY_COLUMNS]]
