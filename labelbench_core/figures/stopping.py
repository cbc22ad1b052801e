"""What each rule for stopping would have saved, and what it would have lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelbench_core.analysis.collected.frames import (
    SETTING,
    groups,
    ordered_splits,
    setting_labels,
)
from labelbench_core.analysis.collected.units import of
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


MOST_SHOWN = 12
"""Largest number of strategies drawn; of more, only the highlighted one and the baseline are."""


def draw_stopping(stopping: pd.DataFrame, experiment: Experiment) -> Figure:
    """A row of two panels per setting, labels saved and value lost; in each, a line per rule.

    `stopping` is the table of `stopping_table`; the first split, usually the test, is drawn. The
    highlighted strategy has its 95 % intervals. A rule that stopped no seed is hollow.
    """
    rows = stopping[stopping["metric"] == experiment.metric]
    splits = [name for name in ordered_splits(rows["split"]) if name != "val"]
    if not splits:
        return style.message("No rounds that a rule for stopping could be read from.")
    rows = rows[rows["split"] == splits[0]]
    names = setting_labels(rows)
    looks = style.looks(experiment.strategies, experiment.baseline, experiment.highlight)
    shown = style.drawn(looks, rows)
    if len(shown) > MOST_SHOWN:
        shown = [name for name in shown if name in (experiment.baseline, experiment.highlight)]
    rules = list(dict.fromkeys(rows["rule"]))
    width = style.panel_width(2)
    titles = style.wrapped(names, width)
    line_height = 0.15 + 0.033 * len(shown)
    height = 0.9 + line_height * len(rules) + style.room_for(titles)
    figure, axes = style.panels(len(names), 2, width, height)
    metric = of(experiment.metric)
    labels = {
        "saved": ("labels saved in %", 100),
        "lost": (
            f"{splits[0]} {experiment.metric} lost in {metric.unit_of_differences}",
            metric.scale,
        ),
    }
    for line, (setting, part) in zip(axes, groups(rows, SETTING), strict=True):
        for panel, (column, (label, scale)) in zip(line, labels.items(), strict=True):
            _panel(
                panel, part, rules, column, scale, {name: looks[name] for name in shown}, experiment
            )
            panel.set_xlabel(label)
            if len(names) > 1:
                panel.set_title(titles[tuple(setting.values())])
        line[1].tick_params(labelleft=False)
    style.legend_above(figure, [style.handle(name, looks[name]) for name in shown])
    style.note_setting(figure, list(names.values()))
    return figure


def _panel(
    axes: Axes,
    table: pd.DataFrame,
    rules: list[str],
    column: str,
    scale: int,
    looks: dict[str, style.Look],
    experiment: Experiment,
) -> None:
    axes.axvline(0, color=style.INK, linewidth=0.9, dashes=(4, 2))
    places = {rule: len(rules) - 1 - place for place, rule in enumerate(rules)}
    offsets = np.linspace(0.32, -0.32, len(looks)) if len(looks) > 1 else [0.0]
    for (name, look), offset in zip(looks.items(), offsets, strict=True):
        rows = table[table["strategy"] == name]
        heights = rows["rule"].map(places).to_numpy(dtype=np.float64) + offset
        values = scale * rows[column].to_numpy(dtype=np.float64)
        if name == experiment.highlight:
            low, high = (scale * rows[f"{column}_{end}"] for end in ("low", "high"))
            axes.hlines(heights, low, high, color=look.color, linewidth=1.5)
        stops = rows["stopped"].to_numpy() > 0
        for chosen, fill in ((stops, look.color), (~stops, style.PAPER)):
            axes.plot(
                values[chosen],
                heights[chosen],
                linestyle="none",
                marker=look.marker,
                color=look.color,
                markerfacecolor=fill,
                markersize=style.MARKER,
            )
    axes.set_yticks(range(len(rules)), rules[::-1], fontsize=style.NOTE)
    axes.set_ylim(-0.6, len(rules) - 0.4)
    axes.tick_params(axis="y", length=0, left=False)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
