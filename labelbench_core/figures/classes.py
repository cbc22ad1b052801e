"""Accuracy by class or group over labels bought, and its difference to the baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelbench_core.analysis.classes import last_of_both
from labelbench_core.analysis.collected.frames import (
    SETTING,
    groups,
    ordered_splits,
    present,
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
SAME = "No difference: the baseline is highlighted."
LONGEST = 36
"""Characters of a class's name in a legend."""
LEGEND_BELOW = 0.42
"""Inches from the axis to the legend: tick labels and the axis's name stand between."""


def draw_classes(classes: pd.DataFrame, experiment: Experiment) -> Figure:
    """A row of two panels per setting, of the highlighted strategy and the first split.

    `classes` is the table of `classes_table`. Left: a line per class, the worst and the median of
    the last labels heavy. Right: the paired difference to the baseline with the last labels, a dot
    with its interval for each class, ordered; a note where the baseline is highlighted.
    """
    splits = _splits(classes)
    return _draw(classes[classes["split"].isin(splits[:1])], experiment, "class")


def draw_groups(groups_: pd.DataFrame, experiment: Experiment) -> Figure:
    """As `draw_classes`, of the table of `groups_table`: a row per setting and split.

    Shifted splits have groups that the test does not, and are what groups are looked at for.
    """
    splits = _splits(groups_)
    rows = groups_[groups_["split"].isin(splits)]
    setting = rows.groupby(present(rows, SETTING), sort=False).ngroup()
    rows = rows.iloc[np.lexsort([rows["split"].map(splits.index), setting])]
    return _draw(rows.rename(columns={"group": "class"}), experiment, "group")


def _splits(table: pd.DataFrame) -> list[str]:
    return [name for name in ordered_splits(table["split"]) if name != "val"]


def _draw(rows: pd.DataFrame, experiment: Experiment, part: str) -> Figure:
    """A row of panels per setting and split of `rows`, whose column `class` is of that part.

    Settings that the highlighted strategy is not in are left out.
    """
    keys = present(rows, [*SETTING, "split"])
    measured = (rows["strategy"] == experiment.highlight) & rows["mean"].notna()
    if not measured.any():
        return style.message(f"No accuracy by {part}: see by_{part} in the configuration.")
    rows = rows[measured.groupby([rows[key] for key in keys]).transform("any")]
    names = setting_labels(rows, keys)
    titles = style.wrapped(names, style.panel_width(2))
    most = rows.groupby(keys)["class"].nunique().max()
    height = 1.3 + 0.14 * min(max(most, 10), MOST_NAMED) + style.room_for(titles)
    figure, axes = style.panels(len(names), 2, style.panel_width(2), height)
    for (left, right), (setting, own) in zip(axes, groups(rows, keys), strict=True):
        curves = own[(own["strategy"] == experiment.highlight) & own["mean"].notna()]
        _curves(left, curves)
        left.set_ylabel(f"{setting['split']} accuracy in %")
        if experiment.highlight == experiment.baseline:
            right.axis("off")
            right.text(0.5, 0.5, SAME, ha="center", va="center", color=style.MUTED)
        else:
            last = last_of_both(own, experiment)
            _differences(right, last[last["strategy"] == experiment.highlight])
            right.set_xlabel(f"{experiment.highlight} less {experiment.baseline}, in points")
        if len(names) > 1:
            left.set_title(titles[tuple(setting.values())])
    style.note_setting(figure, list(names.values()))
    return figure


def _curves(axes: Axes, own: pd.DataFrame) -> None:
    from matplotlib.transforms import ScaledTranslation

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
        name = names[number] or str(number)
        label = f"{what}: {style.short([name], LONGEST)[name]}"
        axes.plot(
            table.columns,
            100 * table.loc[number],
            color=style.HIGHLIGHT if what == "worst" else style.INK,
            linestyle=dashes,
            linewidth=1.5,
            label=label,
        )
    # Beneath the numbers of labels: among the lines, it would hide some of them.
    below = ScaledTranslation(0, -LEGEND_BELOW, axes.figure.dpi_scale_trans)
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(0, 0),
        bbox_transform=axes.transAxes + below,
        borderaxespad=0,
        fontsize=style.NOTE,
    )
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
        shown = [name or str(number) for name, number in pairs]
        short = style.short(shown)
        axes.set_yticks(places, [short[name] for name in shown], fontsize=style.NOTE)
    else:
        axes.set_yticks([])
        axes.set_ylabel(f"{len(ordered)} classes")
    axes.grid(axis="x")
