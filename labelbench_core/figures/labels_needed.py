"""Labels that each strategy needs against labels that the baseline needs, level by level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelbench_core.analysis.collected.frames import (
    SETTING,
    groups,
    ordered_splits,
    setting_labels,
)
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_labels_needed(levels: pd.DataFrame, experiment: Experiment) -> Figure:
    """A row per setting, a column per split; beneath the diagonal, labels are saved.

    `levels` is the table of `labels_at_levels`. Levels that the baseline or the strategy does not
    reach, or that either has from the start, have no point. The highlighted strategy has the 95 %
    interval of its number of labels.
    """
    rows = levels[(levels["saving_bound"] == "") & levels["saving"].notna()]
    if rows.empty:
        return style.message("No level that the baseline and another strategy both reach.")
    splits = [name for name in ordered_splits(rows["split"]) if name != "val"]
    if not splits:
        return style.message("No level that the baseline and another strategy both reach.")
    rows = rows[rows["split"].isin(splits)]
    names = setting_labels(rows)
    width = style.panel_width(len(splits))
    titles = style.wrapped(names, width)
    looks = style.looks(experiment.strategies, experiment.baseline, experiment.highlight)
    height = 2.6 + style.room_for(titles)
    figure, axes = style.panels(len(names), len(splits), width, height)
    for line, (setting, part) in zip(axes, groups(rows, SETTING), strict=True):
        for panel, split in style.panels_of(line, splits, part):
            _panel(panel, part[part["split"] == split], looks, experiment.highlight)
            title = titles[tuple(setting.values())]
            panel.set_title(split if len(names) == 1 else f"{title}\n{split}")
            panel.set_xlabel(f"labels of {experiment.baseline}")
            panel.set_ylabel("labels of the strategy")
    shown = style.drawn(looks, rows)
    style.legend_above(figure, [style.handle(name, looks[name]) for name in shown])
    style.note_setting(figure, list(names.values()))
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, looks: dict[str, style.Look], highlight: str) -> None:
    for name, part in rows.groupby("strategy", sort=False):
        look, ordered = looks[name], part.sort_values("baseline_labels", kind="stable")
        needed = ordered["baseline_labels"].to_numpy(dtype=np.float64)
        # Over the seeds of both, as the saving is.
        own = needed / ordered["saving"].to_numpy(dtype=np.float64)
        axes.plot(
            needed,
            own,
            color=look.color,
            linestyle=look.dashes,
            linewidth=look.width,
            marker=look.marker,
            markersize=3.4,
        )
        ends = ordered[["labels_low", "labels_high"]].to_numpy(dtype=np.float64)
        if name == highlight and np.isfinite(ends).all():
            axes.fill_between(needed, ends[:, 0], ends[:, 1], color=look.color, alpha=0.15, lw=0)
    reach = (0.0, float(max(rows["baseline_labels"].max(), rows["labels"].max())))
    axes.plot(reach, reach, color=style.INK, linewidth=0.9, dashes=(4, 2), zorder=1)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:,.0f}")
    axes.locator_params(nbins=5)
    axes.grid()
