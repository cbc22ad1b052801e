"""The metric against labels bought, and the difference to the baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from labelbench_core.analysis.collected.ceilings import FULL_DATA, ceiling_name, full_data_of
from labelbench_core.analysis.collected.frames import (
    SETTING,
    groups,
    ordered_splits,
    setting_labels,
)
from labelbench_core.analysis.collected.units import of
from labelbench_core.analysis.published.published_curves import MAXIMUM, RAW, matching
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures import style
from labelbench_core.figures.published import budget_label, draw_published, published_handles

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


MOST_MARKED, MARKERS_EACH = 12, 5
"""With more strategies than the first number, a curve has only as many markers as the second."""
MOST_BANDS = 6
"""With more strategies, not every interval is drawn; the report says so."""


def draw_curves(
    curves: pd.DataFrame, experiment: Experiment, published: pd.DataFrame | None = None
) -> Figure:
    """Mean and 95 % band of the metric by labels bought: a row per setting, a column per split.

    `curves` is the table of `compute_results`. Ceilings are grey lines, without intervals; a model
    on the full data is a horizontal one. Beneath lie the curves of `published`, the table of
    `compare_to_published`: thin, as measured and as running maxima.
    """
    curves = curves[curves["metric"] == experiment.metric]
    rows = curves[curves["kind"] != FULL_DATA]
    label = f"{experiment.metric} in {of(experiment.metric).unit}"
    columns = ("mean", "low", "high")
    return _grid(rows, experiment, columns, label, ceilings_in=curves, published=published)


def draw_differences(comparisons: pd.DataFrame, experiment: Experiment) -> Figure:
    """Mean paired difference to the baseline and its 95 % band against labels bought.

    `comparisons` is the table of `compare_to_baseline`. Filled markers: p (Holm) < 0.05.
    """
    rows = comparisons[comparisons["metric"] == experiment.metric]
    if rows.empty:
        return style.message("Nothing to compare: only one strategy or one round.")
    metric = of(experiment.metric)
    label = f"{experiment.metric}: {metric.unit_of_differences} over {experiment.baseline}"
    if metric.lower_is_better:
        label += ", below 0 is better"
    return _grid(rows, experiment, ("difference", "low", "high"), label)


def _grid(
    rows: pd.DataFrame,
    experiment: Experiment,
    columns: tuple[str, str, str],
    label: str,
    ceilings_in: pd.DataFrame | None = None,
    published: pd.DataFrame | None = None,
) -> Figure:
    splits = [name for name in ordered_splits(rows["split"]) if name != "val"]
    scale = of(experiment.metric).scale
    names = setting_labels(rows)
    looks = style.looks(experiment.strategies, experiment.baseline, experiment.highlight)
    ceilings = style.ceiling_looks((*experiment.full_data, *experiment.ceilings))
    width = style.panel_width(len(splits))
    titles = style.wrapped(names, width)
    figure, axes = style.panels(len(names), len(splits), width, 2.5 + style.room_for(titles))
    for line, (setting, part) in zip(axes, groups(rows, SETTING), strict=True):
        title = titles[tuple(setting.values())]
        shown_panels = style.panels_of(line, splits, part)
        for panel, split in shown_panels:
            shown = part[part["split"] == split]
            if ceilings_in is not None:
                full = full_data_of(ceilings_in, {**setting, "split": split})
                _ceilings(panel, shown, full, ceilings, scale)
            strategy_lines(panel, shown, looks, columns, scale)
            style.budget_ticks(panel, shown["num_labeled"].tolist())
            panel.set_xlabel("labels bought")
            if published is not None:
                beneath = matching(published, {**setting, "split": split, "trainer": ""})
                _published(panel, shown, beneath, looks)
            panel.set_title(split if len(names) == 1 else f"{title}\n{split}")
        shown_panels[0][0].set_ylabel(style.beside(label))
    drawn = style.drawn(looks, rows)
    handles = [style.handle(name, looks[name]) for name in drawn]
    if ceilings_in is not None:
        handles += [style.handle(ceiling_name(name), look) for name, look in ceilings.items()]
    below = _published_handles(experiment) if published is not None and len(published) else []
    if below and len(names) == 1:  # else the two notes would lie on each other
        below.append(style.handle(*names.values(), style.NOTHING))
    else:
        style.note_setting(figure, list(names.values()))
    style.legend_below(figure, below)
    style.legend_above(figure, handles)
    return figure


def strategy_lines(
    axes: Axes,
    rows: pd.DataFrame,
    looks: Mapping[str, style.Look],
    columns: tuple[str, str, str],
    scale: int,
    along: str = "num_labeled",
) -> None:
    """A line for every strategy, with the band of those that are drawn with one.

    Parameters
    ----------
    columns
        Of the line and of the band's ends; differences have a line at 0 and hollow markers, filled
        where `p_holm` < 0.05.
    along
        The column along x, in which each strategy's rows rise.
    """
    mean, low, high = columns
    differences = mean == "difference"
    if differences:
        axes.axhline(0, color=style.INK, linewidth=0.9, dashes=(4, 2))
    banded = banded_strategies(looks)
    drawn_rows = dict(iter(rows.groupby("strategy", sort=False)))
    # Staggered, so that markers of neighbours do not lie on each other; in differences, all say
    # whether they are significant.
    budgets = rows["num_labeled"].nunique()
    step = 1 if differences or len(drawn_rows) <= MOST_MARKED else -(-budgets // MARKERS_EACH)
    # Heavy lines last, so that the baseline and the headline strategy lie on top.
    for place, name in enumerate(sorted(looks, key=lambda name: looks[name].width)):
        if name not in drawn_rows:
            continue
        part, look = drawn_rows[name], looks[name]
        labels = part[along].to_numpy()
        if name in banded:
            band = (scale * part[low].to_numpy(), scale * part[high].to_numpy())
            axes.fill_between(labels, *band, color=look.color, alpha=0.13, linewidth=0)
        axes.plot(
            labels,
            scale * part[mean].to_numpy(),
            color=look.color,
            linestyle=look.dashes,
            linewidth=look.width,
            marker=look.marker,
            markevery=(place % step, step),
            markersize=style.MARKER,
            markeredgewidth=0.9,
            markerfacecolor=style.PAPER if differences else look.color,
        )
        if differences:
            sure = part[part["p_holm"] < 0.05]
            axes.plot(
                sure[along],
                scale * sure[mean],
                color=look.color,
                linestyle="none",
                marker=look.marker,
                markersize=style.MARKER,
            )
    axes.grid(axis="y")
    axes.margins(x=0.03)


def _published_handles(experiment: Experiment) -> list[Artist]:
    """Entries of the legend for the curves beneath the rounds."""
    shown = [one for one in experiment.references if not one.trainer]
    return published_handles(shown, (RAW, MAXIMUM), [one.validation_labels for one in shown])


def _published(
    axes: Axes, own: pd.DataFrame, rows: pd.DataFrame, looks: Mapping[str, style.Look]
) -> None:
    """Published curves of the strategies that are drawn."""
    rows = rows[rows["strategy"].isin(looks)]
    for names, part in groups(rows, ["strategy", "smoothing"]):
        curve = (part["published_labels"].to_numpy(), part["published"].to_numpy())
        draw_published(axes, *curve, looks[names["strategy"]], names["smoothing"])
    if len(rows):
        budgets = {*own["num_labeled"].tolist(), *rows["num_labeled"].tolist()}
        style.budget_ticks(axes, sorted(budgets))
        axes.set_xlabel(budget_label(int(rows["extra_labels"].max())))


def _ceilings(
    axes: Axes,
    curves: pd.DataFrame,
    full: pd.DataFrame,
    looks: Mapping[str, style.Look],
    scale: int,
) -> None:
    """A curve for each ceiling that buys in rounds, a line across for one on the full data."""
    for name, look in looks.items():
        drawn = {"color": look.color, "linestyle": look.dashes, "linewidth": look.width}
        curve = curves[curves["strategy"] == name]
        if len(curve):
            axes.plot(curve["num_labeled"], scale * curve["mean"], **drawn)
        for value in full.loc[full["strategy"] == name, "mean"]:
            axes.axhline(scale * value, **drawn)


def banded_strategies(looks: Mapping[str, style.Look]) -> list[str]:
    """Strategies drawn with their interval: all, or the heavy ones where bands would hide lines."""
    if len(looks) <= MOST_BANDS:
        return list(looks)
    return [name for name, look in looks.items() if look.width >= style.HEAVY]
