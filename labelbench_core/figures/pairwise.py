"""The pairwise penalty matrix: row beats column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelbench_core.analysis.collected.frames import ordered_splits
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures import style
from labelbench_core.figures.palette import PALETTE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MEAN = "mean"
NUMBERED = 16
"""With more strategies than this, cells are only shaded."""
CELL, SMALLEST_CELL, NAME, NARROWEST = 0.29, 0.13, 1.15, 2.5
"""Inches: the side of a cell with a number, the least side at which names do not overlap, the room
for the names, and the width of a panel whose caption is not cut."""


def draw_pairwise(pairwise: pd.DataFrame, experiment: Experiment) -> Figure:
    """A panel per split: in how many settings the strategy of the row beats that of the column.

    `pairwise` is the table of that name: columns `split`, `strategy` and a column per strategy; the
    row `mean` stands apart below. The rows and columns of a panel are in the order of that row: the
    strategy that is beaten least comes first. Cells without a test are empty.
    """
    names = [name for name in experiment.strategies if name in pairwise]
    if len(names) < 2:
        return style.message("Nothing to compare: only one strategy.")
    cells = pairwise.loc[pairwise["strategy"] != MEAN, names].to_numpy(dtype=np.float64)
    if np.isfinite(cells).sum() <= np.isfinite(cells).any(axis=1).sum():  # the diagonal alone
        return style.message("No test: no two strategies have two seeds in common.")
    splits = [name for name in ordered_splits(pairwise["split"]) if name != "val"]
    cell = min(CELL, max((style.TWO_COLUMNS - NAME) / len(names), SMALLEST_CELL))
    side = max(NAME + cell * len(names), NARROWEST)
    columns = len(splits) if len(splits) * side <= style.TWO_COLUMNS else 1
    figure, axes = style.panels(-(-len(splits) // columns), columns, side, side)
    places = [panel for line in axes for panel in line]
    for panel, split in zip(places, splits, strict=True):
        table = pairwise[pairwise["split"] == split].set_index("strategy")[names]
        beaten = table.loc[MEAN].fillna(np.inf).sort_values(kind="stable")
        _panel(panel, table.loc[[*beaten.index, MEAN], list(beaten.index)])
        panel.set_title(split)
        panel.set_xlabel("is beaten by the row")
    return figure


def _panel(axes: Axes, table: pd.DataFrame) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    values = table.to_numpy(dtype=np.float64)
    most = np.nanmax(values) if np.isfinite(values).any() else 0.0
    shades = LinearSegmentedColormap.from_list("wins", [style.PAPER, PALETTE[0]])
    last = len(values) - 1
    # The means stand apart: a gap of a quarter of a row.
    edges = np.append(np.arange(last + 1, dtype=np.float64), [last + 0.25, last + 1.25])
    shown = np.insert(values, last, np.nan, axis=0)
    axes.pcolormesh(np.arange(last + 1), edges, shown, cmap=shades, vmin=0, vmax=max(most, 1e-9))
    middles = [*np.arange(last) + 0.5, last + 0.75]
    if last <= NUMBERED:
        for (row, column), value in np.ndenumerate(values):
            if np.isfinite(value):
                ink = style.PAPER if value > 0.6 * most else style.INK
                place = (column + 0.5, middles[row])
                axes.text(
                    *place, f"{value:.2f}", ha="center", va="center", fontsize=style.NOTE, color=ink
                )
    names = list(style.short(table.columns).values())
    axes.set_yticks(middles, [*names, "mean"])
    axes.set_xticks(middles[:-1], names, rotation=45, ha="right", rotation_mode="anchor")
    axes.tick_params(length=0, left=False, bottom=False)
    axes.set_ylim(last + 1.25, 0)
    axes.spines[["left", "bottom"]].set_visible(False)
