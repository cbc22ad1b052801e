"""The interactive figures as Vega-Lite specifications: what is drawn how, without data.

The page fills the data set `points` of each with rows that carry their own colour, dashes and
marker (`report_charts.js`), so that one specification serves all settings, splits and metrics, and
a strategy looks alike everywhere. `highlight` is a list of strategies: all others are pale.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from labelbench_core.report.remembered import remembered

POINTS = "points"
HIGHLIGHTED = "!length(highlight) || indexof(highlight, datum.strategy) >= 0"
PALE = 0.12
BAND = 0.14
INK, MUTED, RULE = "var(--ink)", "var(--muted)", "var(--rule)"
"""Colours of the page's theme: light, dark, printed."""
HEIGHT = 320
"""Height of curves in pixels; the width is the page's."""
ROW = 26
"""Height of a row in figures with a row for each strategy; the page multiplies it."""


@functools.cache
def chart_specs() -> dict[str, dict[str, Any]]:
    """Name of a figure → its specification in Vega-Lite."""
    return json.loads(remembered("charts.js", _specs, ["altair"], __file__))


def _specs() -> str:
    """The specifications as JSON; Altair takes a second to make and check them."""
    made: dict[str, Callable[[], Any]] = {
        "label_efficiency": lambda: _curves("value, 95 % interval"),
        "difference": lambda: _curves("difference, 95 % interval", zero=True),
        "label_savings": lambda: _dots("label saving", zero=True),
        "finetuning": lambda: _dots("value"),
        "class_balance": lambda: _curves("share, 95 % interval"),
        "classes": lambda: _dots("accuracy", zero=True, row="class"),
        "class_curves": lambda: _curves("accuracy, 95 % interval"),
        "groups": lambda: _dots("accuracy", zero=True, row="group"),
        "group_curves": lambda: _curves("accuracy, 95 % interval"),
        "costs": lambda: _bars("time"),
        "money": lambda: _curves("value, 95 % interval", along="spent", numbers=",.2~f"),
    }
    specs = {name: make().to_dict() for name, make in made.items()}
    for spec in specs.values():
        del spec["$schema"]  # an address, though nothing would be loaded from there
    return json.dumps(specs)


def _curves(title: str, *, zero: bool = False, along: str = "labels", numbers: str = ",d") -> Any:
    """A quantity against labels bought, or what was spent: bands, lines, points.

    Published curves lie beneath. `numbers` is the format of numbers on the x axis.
    """
    import altair as alt

    source = alt.NamedData(POINTS)
    x = alt.X("x:Q").title("labels bought" if along == "labels" else along)
    x = x.scale(zero=False, nice=False, padding=12)
    x = x.axis(format=numbers, grid=False, tickCount=6)
    y = alt.Y("y:Q").title(None).scale(zero=False)
    color = alt.Color("color:N").scale(None)
    across = alt.Chart(source).encode(y=y, color=color)  # and no x, which would stretch the axis
    base = alt.Chart(source).encode(x=x, y=y, color=color)
    tips = [
        alt.Tooltip("strategy:N", title="strategy"),
        alt.Tooltip("x:Q", title=along, format=numbers),
        *([] if along == "labels" else [alt.Tooltip("labels:Q", format=",d")]),
        alt.Tooltip("text:N", title=title),
        alt.Tooltip("seeds:N", title="seeds"),
        alt.Tooltip("note:N", title="note"),
    ]
    lines = base.mark_line().encode(
        detail=["strategy:N", "line:N"],
        strokeDash=alt.StrokeDash("dash:N").scale(None),
        strokeWidth=alt.StrokeWidth("width:Q").scale(None),
        opacity=_pale(1.0),
    )
    marks = (
        alt.Chart(source)
        .mark_point(opacity=1)
        .encode(
            x=x,
            y=y,
            shape=alt.Shape("shape:N").scale(None),
            size=alt.value(46),
            fill=alt.Fill("fill:N").scale(None),
            stroke=alt.Stroke("color:N").scale(None),
            opacity=_pale(1.0),
        )
    )
    layers = [
        base.transform_filter("datum.band")
        .mark_area()
        .encode(y="low:Q", y2="high:Q", detail="strategy:N", opacity=_pale(BAND)),
        lines.transform_filter("datum.kind == 'published'"),
        across.transform_filter("datum.kind == 'across'")
        .mark_rule()
        .encode(strokeDash=alt.StrokeDash("dash:N").scale(None), tooltip=tips),
        lines.transform_filter("datum.kind == 'line'"),
        marks.transform_filter("datum.kind == 'line' && isValid(datum.shape)"),
        base.transform_filter("datum.key === cursor")
        .mark_point(size=240, filled=False, strokeWidth=2.5)
        .encode(color=alt.value(INK)),
        base.transform_filter("datum.kind != 'across'")
        .mark_point(size=260, filled=True)
        .encode(opacity=alt.value(0), tooltip=tips),
    ]
    if zero:
        line = alt.Chart(alt.NamedData("zero")).mark_rule(color=INK, strokeDash=[4, 3])
        layers.insert(0, line.encode(y=alt.Y("y:Q")))
    return _finished(alt.layer(*layers).properties(height=HEIGHT))


def _dots(title: str, *, zero: bool = False, row: str = "strategy") -> Any:
    """A dot with its interval for every strategy, in a row of its own or of every class.

    Where `zero` is given, the page may draw a line where the set `zero` says.
    """
    import altair as alt

    y = alt.Y("row:N").title(None).sort(None)
    y = y.axis(ticks=False, domain=False, labelLimit=220)
    base = alt.Chart(alt.NamedData(POINTS)).encode(
        y=y, color=alt.Color("color:N").scale(None), opacity=_pale(1.0)
    )
    x = alt.X("x:Q").title(None).scale(zero=False, padding=14).axis(tickCount=8)
    tips = [
        alt.Tooltip("row:N", title=row),
        *([] if row == "strategy" else [alt.Tooltip("strategy:N")]),
        alt.Tooltip("text:N", title=title),
        alt.Tooltip("interval:N", title="95 % interval"),
        alt.Tooltip("note:N", title="note"),
    ]
    marks = alt.Chart(alt.NamedData(POINTS)).mark_point(strokeWidth=1.8)
    marks = marks.encode(
        x=x,
        y=y,
        opacity=_pale(1.0),
        shape=alt.Shape("shape:N").scale(None),
        fill=alt.Fill("fill:N").scale(None),
        stroke=alt.Stroke("color:N").scale(None),
    )
    layers = [
        base.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=2.2)
        .encode(x=alt.X("low:Q"), x2="high:Q"),
        marks.transform_filter("datum.end").encode(size=alt.value(40)),
        marks.transform_filter("!datum.end").encode(size=alt.value(90), tooltip=tips),
        base.transform_filter("datum.key === cursor")
        .mark_point(size=300, filled=False, strokeWidth=2.5)
        .encode(x=x, color=alt.value(INK), opacity=alt.value(1)),
    ]
    if zero:
        rule = alt.Chart(alt.NamedData("zero")).mark_rule(color=INK, strokeDash=[4, 3])
        layers.insert(0, rule.encode(x=alt.X("x:Q")))
    return _finished(alt.layer(*layers).properties(height=ROW))


def _bars(title: str) -> Any:
    """A bar for every stage, or for every strategy's median round."""
    import altair as alt

    base = alt.Chart(alt.NamedData(POINTS)).encode(
        y=alt.Y("row:N").title(None).sort(None).axis(ticks=False, domain=False, labelLimit=220),
        x=alt.X("x:Q").title("seconds").axis(tickCount=6),
        opacity=_pale(1.0),
        tooltip=[alt.Tooltip("row:N", title="of"), alt.Tooltip("text:N", title=title)],
    )
    bars = base.mark_bar().encode(color=alt.Color("color:N").scale(None))
    cursor = base.transform_filter("datum.key === cursor").mark_point(
        size=240, filled=False, strokeWidth=2.5
    )
    layers = alt.layer(bars, cursor.encode(color=alt.value(INK), opacity=alt.value(1)))
    return _finished(layers.properties(height=ROW))


def _pale(full: float) -> Any:
    """`full` for what is highlighted, or for all where nothing is; pale for the others."""
    import altair as alt

    return alt.when(HIGHLIGHTED).then(alt.value(full)).otherwise(alt.value(min(PALE, full / 4)))


def _finished(chart: Any) -> Any:
    """The chart with the parameters that the page sets, its full width and the theme's colours."""
    import altair as alt

    chart = chart.add_params(
        alt.param(name="highlight", value=[]), alt.param(name="cursor", value="")
    )
    # Laid out again for every choice: labels of axes differ in width.
    size = alt.AutoSizeParams(type="fit-x", contains="padding", resize=True)
    font = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
    text = {"labelColor": INK, "titleColor": INK, "labelFontSize": 12, "titleFontSize": 12}
    lines = {"domainColor": MUTED, "tickColor": MUTED, "gridColor": RULE, "titleFontWeight": 400}
    return (
        chart.properties(width="container", autosize=size)
        .configure(background="transparent", font=font)
        .configure_view(stroke=None)
        .configure_axis(**text, **lines)
    )
