"""Mean and 95 % interval over seeds of every curve, as measured: nothing is smoothed."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np

from labelbench_core.analysis.frames import group_columns, groups
from labelbench_core.analysis.units import ends, value_bounds

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
    values = np.asarray(values, dtype=np.float64)
    mean = float(values.mean())
    if len(values) < 2:
        return mean, math.nan
    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    return mean, t_quantile(len(values) - 1) * error


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
    import pandas as pd

    keys = group_columns(frame)
    rows = []
    for names, cell in groups(frame, [*keys, "strategy", "round", "num_labeled"]):
        mean, half = t_interval(cell["value"].to_numpy())
        low, high = ends(mean, half, value_bounds(names["metric"]))
        rows.append(
            {
                **names,
                "n_seeds": len(cell),
                "mean": mean,
                "half_width": half,
                "low": low,
                "high": high,
            }
        )
    return pd.DataFrame(rows, columns=[*keys, *SUMMARY_COLUMNS])
