"""The figure that an experiment lays out itself: a panel for each of its `panels`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from labelbench_core.analysis.collected.units import ends, of, value_bounds
from labelbench_core.analysis.published.panels import PanelCurve
from labelbench_core.analysis.published.published_curves import MAXIMUM, RAW
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.configuration.references import Panel
from labelbench_core.figures import style
from labelbench_core.figures.label_efficiency import banded_strategies
from labelbench_core.figures.published import budget_label, draw_published, published_handles
from labelbench_core.published.settings import setting

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_COLUMNS = 3


def draw_panels(experiment: Experiment, curves: Sequence[Sequence[PanelCurve]]) -> Figure:
    """Mean and 95 % band by labels bought, and the published means beneath, in every panel.

    `curves`: those of `panel_curves` for each of the experiment's panels.
    """
    panels = experiment.panels
    columns = min(len(panels), MOST_COLUMNS)
    rows = math.ceil(len(panels) / columns)
    width = style.panel_width(columns)
    looks = style.looks(experiment.strategies, experiment.baseline, experiment.highlight)
    looks |= style.ceiling_looks((*experiment.full_data, *experiment.ceilings))
    figure, axes = style.panels(rows, columns, width, 2.5)
    places = [one for line in axes for one in line]
    for place, panel, drawn in zip(places, panels, curves, strict=False):
        _panel(place, panel, drawn, looks)
    for place in places[len(panels) :]:
        place.axis("off")
    names = {one.strategy for drawn in curves for one in drawn}
    handles = [style.handle(name, look) for name, look in looks.items() if name in names]
    references = [panel.reference for panel in panels if panel.reference]
    smoothings = [
        smoothing
        for smoothing in (RAW, MAXIMUM)
        if any(panel.reference and _smoothing(panel) == smoothing for panel in panels)
    ]
    labels = [panel.validation_labels for panel in panels]
    style.legend_above(figure, handles)
    style.legend_below(figure, published_handles(references, smoothings, labels))
    return figure


def _smoothing(panel: Panel) -> str:
    return MAXIMUM if panel.smoothing == "max" else RAW


def _panel(
    axes: Axes, panel: Panel, curves: Sequence[PanelCurve], looks: dict[str, style.Look]
) -> None:
    metric = of(panel.metric)
    banded = banded_strategies({one.strategy: looks[one.strategy] for one in curves})
    budgets: list[int] = []
    for one in sorted(curves, key=lambda one: looks[one.strategy].width):
        look = looks[one.strategy]
        budgets += one.num_labeled.tolist()
        if one.published is not None:
            draw_published(axes, one.published_labels, one.published, look, _smoothing(panel))
        _band(axes, one, look.color if one.strategy in banded else "none", panel.metric)
        axes.plot(
            one.num_labeled,
            metric.scale * one.mean,
            color=look.color,
            linestyle=look.dashes,
            linewidth=look.width,
            marker=look.marker,
            markersize=style.MARKER,
        )
    if panel.reference and any(one.published is not None for one in curves):
        budgets += setting(panel.reference.name).budgets
    axes.set_title(panel.title)
    axes.set_xlabel(budget_label(panel.validation_labels))
    smoothed = "\nrunning maximum" if panel.smoothing == "max" else ""
    axes.set_ylabel(f"{panel.split} {panel.metric} in {metric.unit}{smoothed}")
    axes.grid(axis="y")
    axes.margins(x=0.03)
    if panel.y is not None:
        axes.set_ylim(*panel.y)
    style.budget_ticks(axes, budgets, most=4)


def _band(axes: Axes, curve: PanelCurve, color: str, metric: str) -> None:
    pairs = zip(curve.mean.tolist(), curve.half_width.tolist(), strict=True)
    band = [ends(mean, half, value_bounds(metric)) for mean, half in pairs]
    low, high = ([of(metric).scale * end for end in side] for side in zip(*band, strict=True))
    axes.fill_between(curve.num_labeled, low, high, color=color, alpha=0.13, linewidth=0)
