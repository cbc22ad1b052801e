"""Label savings over the baseline: a dot and its interval over seeds for every strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelbench_core.analysis.collected.frames import (
    SETTING,
    groups,
    ordered_splits,
    setting_labels,
)
from labelbench_core.analysis.savings.label_savings import HEADLINE, saving_text
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ARROWS = {"less than": "<", "more than": ">"}


def draw_savings(savings: pd.DataFrame, experiment: Experiment) -> Figure:
    """The saving at the baseline's last level: a row per setting, a column per split.

    `savings` is the table of `label_savings`. An arrow instead of a dot, or at the end of an
    interval, is a bound; it points towards the possible values.
    """
    rows = savings[(savings["definition"] == HEADLINE) & (savings["metric"] == experiment.metric)]
    if rows.empty:
        return style.message("Nothing to compare: only one strategy.")
    splits = [name for name in ordered_splits(rows["split"]) if name != "val"]
    names = setting_labels(rows)
    looks = style.looks(experiment.strategies, experiment.baseline, experiment.highlight)
    strategies = rows["strategy"].nunique()
    width = style.panel_width(len(splits))
    titles = style.wrapped(names, width)
    height = 0.9 + 0.2 * strategies + style.room_for(titles)
    figure, axes = style.panels(len(names), len(splits), width, height)
    for line, (setting, part) in zip(axes, groups(rows, SETTING), strict=True):
        shown_panels = style.panels_of(line, splits, part)
        first = part[part["split"] == shown_panels[0][1]]
        order = list(first.sort_values("saving", kind="stable", na_position="first")["strategy"])
        for panel, split in shown_panels:
            table = part[part["split"] == split].set_index("strategy").loc[order]
            _panel(panel, table, [looks[name] for name in order])
            title = titles[tuple(setting.values())]
            panel.set_title(split if len(names) == 1 else f"{title}\n{split}")
            panel.set_xlabel(f"labels of {experiment.baseline} ÷ labels of the strategy")
        for panel, _ in shown_panels[1:]:
            panel.tick_params(labelleft=False)
        shown = part.loc[part["split"].isin(splits), ["saving", "low", "high"]]
        drawn = [panel for panel, _ in shown_panels]
        style.common_limits(drawn, [1.0, *shown.to_numpy(dtype=float).ravel()])
    style.note_setting(figure, list(names.values()))
    return figure


def _panel(axes: Axes, table: pd.DataFrame, looks: list[style.Look]) -> None:
    axes.axvline(1, color=style.INK, linewidth=0.9, dashes=(4, 2))
    known = np.flatnonzero(np.isfinite(table["low"].to_numpy(np.float64)))
    axes.hlines(
        known,
        table["low"].to_numpy()[known],
        table["high"].to_numpy()[known],
        colors=[looks[place].color for place in known],
        linewidth=style.INTERVAL,
        capstyle="projecting",
        zorder=2,
    )
    for place, (look, row) in enumerate(zip(looks, table.to_dict("records"), strict=True)):
        if np.isfinite(row["low"]):
            ends = ((row[end], row[f"{end}_bound"]) for end in ("low", "high"))
            for value, bound in dict.fromkeys(ends):
                if bound:
                    axes.plot(value, place, marker=ARROWS[bound], color=look.color, markersize=4.2)
        marker = ARROWS.get(row["bound"], look.marker)
        axes.plot(row["saving"], place, marker=marker, color=look.color, markersize=5.5)
        axes.annotate(
            saving_text(row["saving"], row["bound"]),
            (1, place),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=style.NOTE,
            color=style.INK,
        )
    axes.set_yticks(range(len(table)), list(style.short(table.index).values()))
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.tick_params(axis="y", length=0, left=False)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
