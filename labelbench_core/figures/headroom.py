"""The share of the headroom that every strategy takes, with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelbench_core.analysis.collected.frames import (
    SETTING,
    groups,
    ordered_splits,
    setting_labels,
)
from labelbench_core.analysis.headroom import BOUNDED, NONE
from labelbench_core.analysis.power import AREA
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_headroom(headroom: pd.DataFrame, experiment: Experiment) -> Figure:
    """Headroom in the area under the curve: a row per setting, a column per split.

    `headroom` is the table of `headroom_table`. 0 is the baseline, 1 the ceiling. A hollow marker
    has no interval: it is unbounded, or there is one seed.
    """
    rows = headroom[(headroom["measure"] == AREA) & (headroom["metric"] == experiment.metric)]
    if rows.empty or not rows["share"].notna().any():
        return style.message("No ceiling that is better than the baseline on the same seeds.")
    splits = [name for name in ordered_splits(rows["split"]) if name != "val"]
    names = setting_labels(rows)
    looks = style.looks(experiment.strategies, experiment.baseline, experiment.highlight)
    several = rows["ceiling"].nunique() > 1
    width = style.panel_width(len(splits))
    titles = style.wrapped(names, width)
    most = max(part["split"].value_counts().max() for _, part in groups(rows, SETTING))
    height = 0.9 + 0.2 * most + style.room_for(titles)
    figure, axes = style.panels(len(names), len(splits), width, height)
    for line, (setting, part) in zip(axes, groups(rows, SETTING), strict=True):
        for panel, split in style.panels_of(line, splits, part):
            table = part[part["split"] == split]
            _panel(panel, table.sort_values("share", kind="stable"), looks, several=several)
            title = titles[tuple(setting.values())]
            panel.set_title(split if len(names) == 1 else f"{title}\n{split}")
            panel.set_xlabel("share of the headroom")
    style.note_setting(figure, list(names.values()))
    return figure


def _panel(axes: Axes, table: pd.DataFrame, looks: dict[str, style.Look], *, several: bool) -> None:
    for value in (0, 1):
        axes.axvline(value, color=style.INK, linewidth=0.9, dashes=(4, 2))
    for place, row in enumerate(table.to_dict("records")):
        look = looks[row["strategy"]]
        if row["verdict"] == NONE:
            axes.text(
                0.02, place, "no headroom", va="center", fontsize=style.NOTE, color=style.MUTED
            )
            continue
        bounded = row["verdict"] == BOUNDED
        if bounded:
            axes.plot(
                [row["low"], row["high"]], [place] * 2, color=look.color, linewidth=style.INTERVAL
            )
        axes.plot(
            row["share"],
            place,
            marker=look.marker,
            color=look.color,
            markerfacecolor=look.color if bounded else style.PAPER,
            markersize=5.5,
        )
    names = style.short(table["strategy"])
    labels = [
        f"{names[row['strategy']]} of {row['ceiling']}" if several else names[row["strategy"]]
        for row in table.to_dict("records")
    ]
    axes.set_yticks(range(len(table)), labels)
    axes.set_ylim(-0.6, len(table) - 0.4)
    finite = table[["share", "low", "high"]].to_numpy(dtype=np.float64)
    style.common_limits([axes], [0.0, 1.0, *finite[np.isfinite(finite)]])
    axes.tick_params(axis="y", length=0, left=False)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
