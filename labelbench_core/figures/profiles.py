"""Performance profiles: how often a strategy needs at most so many times the fewest labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelbench_core.analysis.collected.frames import ordered_splits
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_profiles(profiles: pd.DataFrame, experiment: Experiment) -> Figure:
    """A panel per split; `profiles` is the table of `performance_profiles`.

    What is missing from 1 at the right end is the share of problems in which the strategy does not
    reach the level.
    """
    rows = profiles[profiles["metric"] == experiment.metric]
    splits = [name for name in ordered_splits(rows["split"]) if name != "val"] if len(rows) else []
    if not splits or rows["strategy"].nunique() < 2:
        return style.message("No level that two strategies both reach.")
    looks = style.looks(experiment.strategies, experiment.baseline, experiment.highlight)
    figure, axes = style.panels(1, len(splits), style.panel_width(len(splits)), 2.6)
    for panel, split in zip(axes[0], splits, strict=True):
        part = rows[rows["split"] == split]
        _panel(panel, part, looks)
        panel.set_title(split)
        panel.set_xlabel(f"labels ÷ fewest labels, {part['n_problems'].iloc[0]:,} problems")
        panel.set_ylabel("share of problems")
    shown = style.drawn(looks, rows)
    style.legend_above(figure, [style.handle(name, looks[name]) for name in shown])
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, looks: dict[str, style.Look]) -> None:
    end = float(rows["ratio"].max())
    end += 0.05 * max(end - 1, 0.2)
    for name, part in rows.groupby("strategy", sort=False):
        look = looks[name]
        ratios = np.append(part["ratio"].to_numpy(dtype=np.float64), end)
        shares = part["share"].to_numpy(dtype=np.float64)
        axes.plot(
            ratios,
            np.append(shares, shares[-1]),
            drawstyle="steps-post",
            color=look.color,
            linestyle=look.dashes,
            linewidth=look.width,
        )
    axes.set_xlim(1, end)
    axes.set_ylim(0, 1.03)
    axes.grid()
