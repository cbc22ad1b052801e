"""The metric against what had been spent, in money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelbench_core.analysis.collected.frames import (
    SETTING,
    groups,
    ordered_splits,
    setting_labels,
)
from labelbench_core.analysis.collected.units import of
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures import style
from labelbench_core.figures.label_efficiency import strategy_lines

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

UNKNOWN = "No costs in money: the price of a label, that of an hour, or measurements are missing."


def draw_money(curves: pd.DataFrame, experiment: Experiment, currency: str = "") -> Figure:
    """Mean and 95 % band of the metric by total cost: a row per setting, a column per split.

    `curves` is the table of `metric_by_money`.
    """
    rows = curves[(curves["metric"] == experiment.metric) & curves["total_cost"].notna()]
    splits = [name for name in ordered_splits(rows["split"]) if name != "val"]
    if not splits:
        return style.message(UNKNOWN)
    rows = rows[rows["split"].isin(splits)]
    names = setting_labels(rows)
    looks = style.looks(experiment.strategies, experiment.baseline, experiment.highlight)
    metric = of(experiment.metric)
    width = style.panel_width(len(splits))
    titles = style.wrapped(names, width)
    figure, axes = style.panels(len(names), len(splits), width, 2.5 + style.room_for(titles))
    for line, (setting, part) in zip(axes, groups(rows, SETTING), strict=True):
        shown_panels = style.panels_of(line, splits, part)
        for panel, split in shown_panels:
            shown = part[part["split"] == split]
            strategy_lines(
                panel, shown, looks, ("mean", "low", "high"), metric.scale, along="total_cost"
            )
            panel.set_xlabel(f"spent, in {currency}" if currency else "spent")
            title = titles[tuple(setting.values())]
            panel.set_title(split if len(names) == 1 else f"{title}\n{split}")
        shown_panels[0][0].set_ylabel(style.beside(f"{experiment.metric} in {metric.unit}"))
    drawn = style.drawn(looks, rows)
    style.note_setting(figure, list(names.values()))
    style.legend_above(figure, [style.handle(name, looks[name]) for name in drawn])
    return figure
