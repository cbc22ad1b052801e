"""Fine-tuned models beside the proxies that bought their labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelbench_core.analysis.collected.ceilings import FULL_DATA, ceiling_name, full_data_of
from labelbench_core.analysis.collected.frames import (
    SETTING,
    groups,
    ordered_splits,
    setting_labels,
)
from labelbench_core.analysis.collected.units import ends, of, value_bounds
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES = (*SETTING, "trainer")


def draw_finetuning(table: pd.DataFrame, experiment: Experiment) -> Figure:
    """Proxy (hollow) and fine-tuned (filled) value with 95 % intervals, a line between the two.

    `table` is that of `compare_to_proxy`. A row per setting and trainer, with a panel for each of
    its own budgets; the first split (test) only.
    """
    rows = table[table["metric"] == experiment.metric]
    if rows.empty:
        return style.message("This experiment has no fine-tuning.")
    scale = of(experiment.metric).scale
    split = ordered_splits(rows["split"])[0]
    rows = rows[rows["split"] == split]
    everything, rows = rows, rows[rows["kind"] != FULL_DATA]
    if rows.empty:
        return style.message("Fine-tuned on the full data only: see the table.")
    names = setting_labels(rows, NAMES)
    columns = max(part["round"].nunique() for _, part in groups(rows, NAMES))
    looks = style.looks(experiment.strategies, experiment.baseline, experiment.highlight)
    looks |= style.ceiling_looks((*experiment.full_data, *experiment.ceilings))
    width = style.panel_width(columns)
    titles = style.wrapped(names, width)
    height = 1.0 + 0.32 * rows["strategy"].nunique() + style.room_for(titles)
    figure, axes = style.panels(len(names), columns, width, height)
    for line, (setting, part) in zip(axes, groups(rows, NAMES), strict=True):
        order = list(dict.fromkeys(part["strategy"]))[::-1]
        full = full_data_of(everything, setting)
        rounds = sorted(set(part["round"]))
        for panel in line[len(rounds) :]:
            panel.remove()
        line = line[: len(rounds)]
        for panel, number in zip(line, rounds, strict=True):
            cell = part[part["round"] == number].set_index("strategy").reindex(order)
            _panel(panel, cell, looks, experiment.metric)
            for name, value in zip(full["strategy"], scale * full["finetuned"], strict=True):
                panel.axvline(value, color=looks[name].color, linestyle=looks[name].dashes)
            labels = f"{int(cell['num_labeled'].dropna().iloc[0]):,} labels"
            title = titles[tuple(setting.values())]
            panel.set_title(labels if len(names) == 1 else f"{title}\n{labels}")
            panel.set_xlabel(f"{split} {experiment.metric} in {of(experiment.metric).unit}")
        for panel in line[1:]:
            panel.tick_params(labelleft=False)
        shown = [
            scale * end
            for value, half in (
                ("finetuned", "finetuned_half_width"),
                ("proxy_value", "proxy_half_width"),
            )
            for pair in zip(part[value], part[half].fillna(0.0), strict=True)
            for end in ends(*pair, value_bounds(experiment.metric))
        ]
        style.common_limits(line, [*shown, *(scale * full["finetuned"])])
    style.note_setting(figure, list(names.values()))
    handles = _handles()
    if len(everything) > len(rows):
        handles += [
            style.handle(f"{ceiling_name(name)}, fine-tuned", looks[name])
            for name in experiment.full_data
        ]
    style.legend_above(figure, handles)
    return figure


def _panel(axes: Axes, table: pd.DataFrame, looks: dict[str, style.Look], metric: str) -> None:
    scale = of(metric).scale
    for place, (name, row) in enumerate(table.iterrows()):
        color = looks[str(name)].color
        for value, half, shift, filled in (
            (row["proxy_value"], row["proxy_half_width"], 0.14, False),
            (row["finetuned"], row["finetuned_half_width"], -0.14, True),
        ):
            low, high = ends(value, half, value_bounds(metric))
            reach = [[scale * (value - low)], [scale * (high - value)]]
            axes.errorbar(
                scale * value,
                place + shift,
                xerr=None if half != half else reach,
                color=color,
                marker="o",
                markersize=5.2,
                markerfacecolor=color if filled else style.PAPER,
                markeredgewidth=1.2,
                elinewidth=1.3,
            )
    axes.set_yticks(range(len(table)), list(style.short(table.index).values()))
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.tick_params(axis="y", length=0, left=False)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")


def _handles() -> list:
    from matplotlib.lines import Line2D

    common = {"color": style.MUTED, "marker": "o", "markersize": 5.2, "linewidth": 1.3}
    return [
        Line2D([], [], label="proxy (same seeds)", markerfacecolor=style.PAPER, **common),
        Line2D([], [], label="fine-tuned end to end", **common),
    ]
