"""The critical-difference diagram: mean ranks over data sets, and what cannot be told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelbench_core.analysis.collected.frames import ordered_splits
from labelbench_core.analysis.ranks.across import indistinguishable
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, BAR = 0.16, 0.11
"""Heights in inches of a strategy's line and of a bar."""
BAR_WIDTH = 2.3
"""Width of a bar in points."""


def draw_critical_difference(across: pd.DataFrame, experiment: Experiment) -> Figure:
    """A panel per split, as Demšar (JMLR 7, 2006) draws it; `across` is `ranks_over_datasets`.

    Ranks stand on a line, the best one left; a bar joins strategies whose mean ranks span at most
    the critical difference, whose length is drawn above.
    """
    rows = across[across["metric"] == experiment.metric]
    splits = [name for name in ordered_splits(rows["split"]) if name != "val"] if len(rows) else []
    if not splits:
        return style.message("Ranks need two data sets with two strategies in common.")
    looks = style.looks(experiment.strategies, experiment.baseline, experiment.highlight)
    parts = [rows[rows["split"] == split] for split in splits]
    bars = [
        indistinguishable(part["mean_rank"].to_numpy(), part["critical_difference"].iloc[0])
        for part in parts
    ]
    most = max(-(-len(part) // 2) for part in parts)
    height = 1.0 + ROW * most + BAR * max(map(len, bars))
    figure, axes = style.panels(len(splits), 1, style.TWO_COLUMNS, height)
    for (panel,), split, part, of_part in zip(axes, splits, parts, bars, strict=True):
        _panel(panel, part, of_part, looks, height)
        first = part.iloc[0]
        panel.set_title(f"{split}: mean ranks over {first['n_datasets']} data sets")
    return figure


def _panel(
    axes: Axes,
    rows: pd.DataFrame,
    bars: list[tuple[int, int]],
    looks: dict[str, style.Look],
    height: float,
) -> None:
    """Draw one split; heights are in inches, down from the line of ranks."""
    ranks = rows["mean_rank"].to_numpy(dtype=np.float64)
    names, count = list(rows["strategy"]), len(rows)
    width = float(rows["critical_difference"].iloc[0])
    span = max(count, 1 + width) - 1
    left, right = 1 - 0.32 * span, 1 + 1.32 * span
    axes.set_xlim(left, right)
    axes.set_ylim(height - 0.55, -0.45)
    axes.axis("off")
    axes.plot([1, count], [0, 0], color=style.INK, linewidth=0.9)
    for rank in range(1, count + 1, -(-count // 20)):
        axes.plot([rank, rank], [0, -0.05], color=style.INK, linewidth=0.9)
        axes.text(rank, -0.08, str(rank), ha="center", va="bottom", fontsize=style.NOTE)
    axes.plot([1, 1 + width], [-0.34, -0.34], color=style.MUTED, linewidth=1.6)
    note = f"critical difference {width:.2f}"
    axes.text(
        1 + width + 0.02 * span, -0.34, note, va="center", fontsize=style.NOTE, color=style.MUTED
    )
    for number, (first, last) in enumerate(bars):
        down = 0.11 + BAR * number
        reach = [ranks[first] - 0.01 * span, ranks[last] + 0.01 * span]
        axes.plot(reach, [down, down], color=style.INK, linewidth=BAR_WIDTH)
    below, half = 0.08 + BAR * (len(bars) + 0.5), -(-count // 2)
    shown = style.short(names)
    for place, (name, rank) in enumerate(zip(names, ranks, strict=True)):
        best = place < half
        down = below + ROW * (place if best else count - 1 - place)
        end = 1 - 0.04 * span if best else count + 0.04 * span
        axes.plot([rank, rank, end], [0, down, down], color=looks[name].color, linewidth=1.0)
        text = f"{shown[name]} {rank:.2f}" if best else f"{rank:.2f} {shown[name]}"
        shift = -0.02 * span if best else 0.02 * span
        axes.text(
            end + shift,
            down,
            text,
            ha="right" if best else "left",
            va="center",
            fontsize=style.NOTE,
        )
