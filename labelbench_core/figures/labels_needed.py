"""Labels that each strategy needs against labels that the baseline needs, level by level."""

from __future__ import annotations

import textwrap
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

NONE = "No level that the baseline and another strategy both reach"
NOTE_CHARACTERS_PER_INCH = 10.0


def draw_labels_needed(levels: pd.DataFrame, experiment: Experiment) -> Figure:
    """A row per setting, a column per split; beneath the diagonal, labels are saved.

    `levels` is the table of `labels_at_levels`. Levels that the baseline or the strategy does not
    reach, or that either has from the start, have no point; a panel without any says so. The
    highlighted strategy has the 95 % interval of its number of labels.
    """
    compared = levels[(levels["n_shared_seeds"] > 0) & (levels["split"] != "val")]
    rows = compared[(compared["saving_bound"] == "") & compared["saving"].notna()]
    if rows.empty:
        return style.message(f"{NONE}.")
    splits = ordered_splits(compared["split"])
    names = setting_labels(compared)
    width = style.panel_width(len(splits))
    titles = style.wrapped(names, width)
    looks = style.looks(experiment.strategies, experiment.baseline, experiment.highlight)
    height = 2.6 + style.room_for(titles)
    figure, axes = style.panels(len(names), len(splits), width, height)
    for line, (setting, part) in zip(axes, groups(compared, SETTING), strict=True):
        for panel, split in style.panels_of(line, splits, part):
            title = titles[tuple(setting.values())]
            panel.set_title(split if len(names) == 1 else f"{title}\n{split}")
            drawn = rows.loc[rows.index.intersection(part.index[part["split"] == split])]
            if drawn.empty:
                panel.axis("off")
                note = "\n".join(textwrap.wrap(NONE, int(NOTE_CHARACTERS_PER_INCH * width)))
                panel.text(0.5, 0.5, note, ha="center", va="center", color=style.MUTED)
                continue
            _panel(panel, drawn, looks, experiment.highlight)
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
            # One level alone has no area: a line of that colour.
            line = 0.0 if len(needed) > 1 else 3.0
            axes.fill_between(needed, ends[:, 0], ends[:, 1], color=look.color, alpha=0.15, lw=line)
    reach = (0.0, float(max(rows["baseline_labels"].max(), rows["labels"].max())))
    axes.plot(reach, reach, color=style.INK, linewidth=0.9, dashes=(4, 2), zorder=1)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:,.0f}")
    axes.locator_params(nbins=5)
    axes.grid()
