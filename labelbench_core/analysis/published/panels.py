"""The curves of a panel: an experiment's own, and the published ones beneath."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from labelbench_core.analysis.collected.curves import t_interval
from labelbench_core.analysis.published.published_curves import (
    own_rows,
    published_curves,
    seed_values,
)
from labelbench_core.configuration.references import Panel
from labelbench_core.errors import InputError, did_you_mean, listed
from labelbench_core.published.curves import running_maximum


@dataclass(frozen=True)
class PanelCurve:
    """A strategy's curve.

    `num_labeled` (R,), `mean` (R,) over seeds, and `half_width` (R,) of its 95 % t interval (NaN
    for a single seed), as shares; `published_labels` and `published` are the same of the published
    curve, without an interval, or None.
    """

    strategy: str
    num_labeled: np.ndarray
    mean: np.ndarray
    half_width: np.ndarray
    published_labels: np.ndarray | None = None
    published: np.ndarray | None = None


def panel_curves(
    panel: Panel, place: int, rounds: pd.DataFrame, finetuned: pd.DataFrame
) -> Iterator[PanelCurve]:
    """The curves of every strategy of a panel, in the order of the table.

    Both sides are smoothed as the panel says, seed by seed, before means are taken.

    Parameters
    ----------
    place
        Place of the panel in the experiment's list, for the messages.
    rounds, finetuned
        The tables of `collect_curves`.
    """
    rows = own_rows(panel, rounds, finetuned)
    for key, value in (("metric", panel.metric), ("split", panel.split)):
        known = sorted(set(rows[key]))
        if value not in known:
            raise InputError(
                f"panels.{place}.{key}: {value!r} was not measured{did_you_mean(value, known)}; "
                f"allowed: {listed(known)}"
            )
        rows = rows[rows[key] == value]
    smooth = running_maximum if panel.smoothing == "max" else np.asarray
    published = {}
    if panel.reference is not None:
        published = published_curves(panel.reference, panel.split, panel.metric)
    for strategy in dict.fromkeys(rows["strategy"]):
        labels, values, _ = seed_values(rows, strategy)
        there = [column[np.isfinite(column)] for column in smooth(values).T]
        means, halves = zip(*map(t_interval, there), strict=True)
        curve = published.get(panel.reference.strategies.get(strategy)) if panel.reference else None
        yield PanelCurve(
            strategy,
            labels,
            np.array(means),
            np.array(halves),
            curve.num_labeled if curve else None,
            np.nanmean(smooth(curve.values), axis=0) if curve else None,
        )
