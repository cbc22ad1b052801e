"""Accuracy by class over labels bought, and its difference to the baseline at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelbench_core.analysis.classes import last_of_both
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

MOST_NAMED = 30
"""Largest number of classes that are named; with more, the names stand in the tables alone."""


def draw_classes(classes: pd.DataFrame, experiment: Experiment) -> Figure:
    """A row of two panels per setting, of the highlighted strategy and the first split.

    `classes` is the table of `classes_table`. Left: a line per class, the worst and the median of
    the last labels heavy. Right: the paired difference to the baseline with the last labels, a dot
    with its interval for each class, ordered.
    """
    splits = [name for name in ordered_splits(classes["split"]) if name != "val"]
    rows = classes[classes["split"] == splits[0]] if splits else classes
    if not (rows["strategy"] == experiment.highlight).any():
        return style.message("No accuracy by class: see by_class in the configuration.")
    names = setting_labels(rows)
    titles = style.wrapped(names, style.panel_width(2))
    most = rows.groupby("dataset")["class"].nunique().max()
    height = 1.0 + 0.14 * min(max(most, 10), MOST_NAMED) + style.room_for(titles)
    figure, axes = style.panels(len(names), 2, style.panel_width(2), height)
    for (left, right), (setting, part) in zip(axes, groups(rows, SETTING), strict=True):
        own = part[(part["strategy"] == experiment.highlight) & part["mean"].notna()]
        _curves(left, own)
        left.set_ylabel(f"{splits[0]} accuracy in %")
        last = last_of_both(part, experiment)
        _differences(right, last[last["strategy"] == experiment.highlight])
        right.set_xlabel(f"{experiment.highlight} less {experiment.baseline}, in points")
        if len(names) > 1:
            left.set_title(titles[tuple(setting.values())])
    style.note_setting(figure, list(names.values()))
    return figure


def _curves(axes: Axes, own: pd.DataFrame) -> None:
    table = own.pivot_table(index="class", columns="num_labeled", values="mean", sort=True)
    ranked = table.iloc[:, -1].sort_values(kind="stable").index
    names = dict(zip(own["class"], own["name"], strict=True))
    for _, line in table.iterrows():
        axes.plot(
            table.columns,
            100 * line,
            color=style.MUTED,
            linewidth=0.6,
            alpha=min(1, 12 / len(table)),
        )
    marked = (("worst", ranked[0], "-"), ("median", ranked[(len(ranked) - 1) // 2], (0, (4, 2))))
    for what, number, dashes in marked:
        label = f"{what}: {names[number] or number}"
        axes.plot(
            table.columns,
            100 * table.loc[number],
            color=style.HIGHLIGHT if what == "worst" else style.INK,
            linestyle=dashes,
            linewidth=1.5,
            label=label,
        )
    axes.legend(loc="lower right", fontsize=style.NOTE)
    axes.set_xlabel("labels bought")
    axes.grid(axis="y")
    style.budget_ticks(axes, [int(count) for count in table.columns])


def _differences(axes: Axes, last: pd.DataFrame) -> None:
    ordered = last[last["difference"].notna()].sort_values("difference", kind="stable")
    places = np.arange(len(ordered))
    axes.axvline(0, color=style.INK, linewidth=0.9, dashes=(4, 2))
    ends = 100 * ordered[["difference_low", "difference_high"]].to_numpy(dtype=np.float64)
    axes.hlines(places, ends[:, 0], ends[:, 1], color=style.HIGHLIGHT, linewidth=1.2, alpha=0.6)
    axes.plot(100 * ordered["difference"], places, "o", color=style.HIGHLIGHT, markersize=3.4)
    if len(ordered) <= MOST_NAMED:
        pairs = zip(ordered["name"], ordered["class"], strict=True)
        axes.set_yticks(
            places, [name or str(number) for name, number in pairs], fontsize=style.NOTE
        )
    else:
        axes.set_yticks([])
        axes.set_ylabel(f"{len(ordered)} classes")
    axes.grid(axis="x")
