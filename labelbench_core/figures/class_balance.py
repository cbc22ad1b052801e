"""How evenly the labels bought are spread over the classes, and how far from the pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelbench_core.analysis.balance_texts import SHARE
from labelbench_core.analysis.collected.curves import summarise_curves
from labelbench_core.analysis.collected.frames import SETTING, groups, setting_labels
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures import style
from labelbench_core.figures.label_efficiency import strategy_lines

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

POOL = style.Look(style.MUTED, "", (0, (5, 2)), 1.2)
MEASURES = {"evenness": "evenness in %", "distance_to_pool": "distance from the pool in %"}


def draw_class_balance(balance: pd.DataFrame, experiment: Experiment) -> Figure:
    """A row of two panels per setting: evenness, and distance from the pool, by labels bought.

    `balance` has a row per round, columns as `BALANCE_COLUMNS`. Lines are means over seeds, bands
    their 95 % intervals; the grey line is the pool's evenness. Ceilings are left out.
    """
    rows = balance[balance["strategy"].isin(experiment.strategies)]
    rows = rows[rows["evenness"].notna()]
    if rows.empty:
        return style.message("No class balance: the pools have a single class, or none was bought.")
    names = setting_labels(rows)
    looks = style.looks(experiment.strategies, experiment.baseline, experiment.highlight)
    width = style.panel_width(len(MEASURES))
    titles = style.wrapped(names, width)
    figure, axes = style.panels(len(names), len(MEASURES), width, 2.3 + style.room_for(titles))
    for line, (setting, part) in zip(axes, groups(rows, SETTING), strict=True):
        for panel, (measure, label) in zip(line, MEASURES.items(), strict=True):
            found = balance_summary(part, measure)
            if measure == "evenness":
                level = 100 * float(part["pool_evenness"].iloc[0])
                panel.axhline(level, color=POOL.color, linestyle=POOL.dashes, linewidth=POOL.width)
            strategy_lines(panel, found, looks, ("mean", "low", "high"), 100)
            style.budget_ticks(panel, found["num_labeled"].tolist())
            panel.set_xlabel("labels bought")
            panel.set_ylabel(label)
            if len(names) > 1:
                panel.set_title(titles[tuple(setting.values())])
    shown = style.drawn(looks, rows)
    handles: list[Artist] = [style.handle(name, looks[name]) for name in shown]
    style.note_setting(figure, list(names.values()))
    style.legend_above(figure, [*handles, style.handle("the whole pool", POOL)])
    return figure


def balance_summary(rows: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Mean and interval over seeds of a measure, by strategy and number of labels."""
    values = rows[measure].to_numpy(np.float64)
    return summarise_curves(rows.assign(split="", metric=SHARE, value=values))
