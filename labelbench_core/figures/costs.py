"""What each stage cost: wall-clock time, peak memory, and a round by strategy and by proxy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from labelbench_core.analysis.collected.costs import cost_by, selection_costs
from labelbench_core.figures import style
from labelbench_core.figures.palette import PALETTE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NO_COSTS = "No costs to show: the benchmark files of these results are missing."


def draw_costs(costs: pd.DataFrame) -> Figure:
    """Total time and peak memory per stage, median time of one round per strategy.

    Where there are several proxies, also median time and FLOPs of one round for each of them.
    """
    stages, strategies = cost_by(costs, "stage"), selection_costs(costs)
    if stages["seconds"].isna().all():
        return style.message(NO_COSTS)
    proxies = selection_costs(costs, "proxy")
    several = len(proxies) > 1
    rows = [len(stages), *([len(strategies)] if len(strategies) else [])]
    rows += [len(proxies)] if several else []
    figure, axes = style.panels(1, 1, style.TWO_COLUMNS, sum(0.6 + 0.19 * count for count in rows))
    axes[0][0].remove()
    grid = figure.add_gridspec(len(rows), 2, height_ratios=[1.5 + count for count in rows])
    names = list(stages["stage"])
    time, memory = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
    _bars(time, names, list(stages["seconds"]), duration)
    time.set_title("total time of all jobs")
    _bars(memory, [""] * len(names), list(stages["max_rss_mb"] / 1024), "{:.2f} GB".format)
    memory.set_title("peak memory of a job")
    if len(strategies):
        rounds = figure.add_subplot(grid[1, :])
        _bars(rounds, list(strategies["strategy"]), list(strategies["median_seconds"]), duration)
        rounds.set_title("median time of one round, by strategy")
    if several:
        names = list(proxies["proxy"])
        time, work = figure.add_subplot(grid[2, 0]), figure.add_subplot(grid[2, 1])
        _bars(time, names, list(proxies["median_seconds"]), duration)
        time.set_title("median time of one round, by proxy")
        _bars(work, [""] * len(names), list(proxies["median_flops"]), operations, 1.45)
        work.set_title("FLOPs of the median round")
    return figure


def _bars(
    axes: Axes,
    names: list[str],
    values: list[float],
    text: Callable[[float], str],
    width: float = 1.25,
) -> None:
    """Horizontal bars from top to bottom, each with its value; the numbers replace an axis.

    `width` is that of the panel, relative to the longest bar: the rest is for its number.
    """
    places = range(len(names))
    known = [0.0 if value != value else value for value in values]
    axes.barh(places, known, height=0.62, color=PALETTE[0])
    for place, value in zip(places, values, strict=True):
        axes.annotate(
            "–" if value != value else text(value),
            (0.0 if value != value else value, place),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=style.NOTE,
        )
    shown = style.short(names)
    axes.set_yticks(places, [shown[name] for name in names])
    axes.invert_yaxis()
    axes.set_xlim(0, max(known) * width or 1)
    axes.tick_params(axis="y", length=0, left=False)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)


def duration(seconds: float) -> str:
    """Seconds as text in a fitting unit: "0.42 s", "12.3 s", "4 min 05 s", "3 h 12 min"."""
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def operations(flops: float) -> str:
    """Floating-point operations as text in a fitting unit: "87.2 MFLOPs", "1.35 PFLOPs"."""
    for unit in ("", "k", "M", "G", "T", "P"):
        if flops < 999.5:
            return f"{flops:.3g} {unit}FLOPs"
        flops /= 1000
    return f"{flops:,.3g} EFLOPs" if flops < 999.5 else f"{flops:,.0f} EFLOPs"
