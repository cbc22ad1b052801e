"""What the page's interactive figures show: the tables' numbers, compactly, as one JSON text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labelbench_core.analysis.collected.ceilings import FULL_DATA, METHOD
from labelbench_core.analysis.collected.costs import cost_by, selection_costs
from labelbench_core.analysis.collected.frames import (
    SETTING,
    groups,
    ordered_splits,
    present,
    setting_name,
)
from labelbench_core.analysis.collected.units import of, signed, with_half_width
from labelbench_core.analysis.published.published_curves import matching
from labelbench_core.analysis.results import Results
from labelbench_core.analysis.savings.label_savings import HEADLINE, interval_text, saving_text
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures import style
from labelbench_core.figures.costs import duration
from labelbench_core.figures.label_efficiency import banded_strategies
from labelbench_core.figures.palette import INK, MUTED, PALETTE
from labelbench_core.report.parts_data import balance_data, parts_data
from labelbench_core.report.series import CurveSeries, number, numbers

if TYPE_CHECKING:
    import pandas as pd

COLORS = {INK: "var(--ink)", MUTED: "var(--muted)", PALETTE[0]: "var(--blue)"}
MARKERS = {
    "": "",
    "o": "M1,0A1,1,0,1,1,-1,0A1,1,0,1,1,1,0Z",
    "s": "M-.9,-.9H.9V.9H-.9Z",
    "^": "M0,-1.1L1,.8H-1Z",
    "v": "M0,1.1L1,-.8H-1Z",
    "D": "M0,-1.15L1.15,0L0,1.15L-1.15,0Z",
    "d": "M0,-1.25L.75,0L0,1.25L-.75,0Z",
    "P": "M-.4,-1.1H.4V-.4H1.1V.4H.4V1.1H-.4V.4H-1.1V-.4H-.4Z",
    "X": "M0,-.5L.6,-1.1L1.1,-.6L.5,0L1.1,.6L.6,1.1L0,.5L-.6,1.1L-1.1,.6L-.5,0L-1.1,-.6L-.6,-1.1Z",
    "p": "M0,-1.1L1.05,-.34L.65,.89H-.65L-1.05,-.34Z",
    "*": "M0,-1.3L.32,-.4L1.24,-.4L.5,.16L.76,1.05L0,.52L-.76,1.05L-.5,.16L-1.24,-.4L-.32,-.4Z",
    "h": "M0,-1.1L.95,-.55V.55L0,1.1L-.95,.55V-.55Z",
    "8": "M-.42,-1H.42L1,-.42V.42L.42,1H-.42L-1,.42V-.42Z",
}
"""Matplotlib's markers as paths of SVG, about 2 wide and 2 high."""


def as_script(data: Any) -> str:
    """`data` as JSON that may stand in a script element: no text in it can end the element."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def page_data(
    experiment: Experiment,
    results: Results,
    headlines: Sequence[Mapping[str, Any]],
    balance: pd.DataFrame,
    published: pd.DataFrame | None = None,
) -> dict[str, Any]:
    """All that the interactive figures need, as lists, texts and numbers.

    Curves and differences come as series: ids as indices of `settings`, `splits`, `metrics` and
    `strategies`, then a list of values over the numbers of labels, which many series share. Ends of
    intervals are not among them: the page cuts mean ± half-width as `units.ends` does. There are no
    savings by metrics that the experiment does not name.
    """
    rows = results.curves[results.curves["kind"] != FULL_DATA]
    dimensions = present(rows, SETTING)
    settings = [names for names, _ in groups(rows, dimensions)]
    names = [setting_name(one) for one in settings]
    looks = style.looks(experiment.strategies, experiment.baseline, experiment.highlight)
    banded = banded_strategies(looks)
    ceilings = style.ceiling_looks((*experiment.full_data, *experiment.ceilings))
    series = CurveSeries(settings, dimensions)
    curves = series.of(rows, "mean", "half_width")
    series.add_full_data(curves, results.curves, settings)
    metrics = list(dict.fromkeys([*experiment.metrics, *rows["metric"]]))
    return {
        "dimensions": list(dimensions),
        "settings": [list(one.values()) for one in settings],
        "names": names,
        "splits": ordered_splits(rows["split"]),
        "metrics": [_metric(name) for name in metrics],
        "baseline": experiment.baseline,
        "highlight": experiment.highlight,
        "strategies": [
            *(_strategy(name, look, METHOD, name in banded) for name, look in looks.items()),
            *(_strategy(name, look, "ceiling", False) for name, look in ceilings.items()),
        ],
        "headlines": [
            {"name": entry["name"], "split": split, **screen}
            for entry in headlines
            for split, screen in entry["screens"].items()
        ],
        "curves": curves,
        "differences": series.of(
            results.comparisons, "difference", "half_width", "p_holm", "detectable"
        ),
        "savings": _savings(results.savings, names),
        "finetuning": _finetuning(results.finetuning, experiment, names),
        "published": [] if published is None else _published(published, settings),
        "balance": balance_data(balance, experiment, series),
        "classes": parts_data(results.classes, experiment, series),
        "groups": parts_data(results.groups, experiment, series, "group"),
        "labels": series.labels,
    }


def cost_data(
    costs: pd.DataFrame, money: pd.DataFrame | None = None, currency: str = ""
) -> dict[str, Any]:
    """What depends on the machine: bars of the figure of costs, and what had been spent by when.

    A bar is a name, seconds, and these as text. `money` is the table of `metric_by_money`; of it
    there are, for each setting (by its ids) and strategy, numbers of labels, and what labels and
    computing had cost by then: the values of the metrics are those of the curves.
    """

    def bars(table: pd.DataFrame, name: str, seconds: str) -> list[list[Any]]:
        rows = table[table[seconds].notna()]
        return [
            [row[name], row[seconds], duration(row[seconds])] for row in rows.to_dict("records")
        ]

    return {
        "stages": bars(cost_by(costs, "stage"), "stage", "seconds"),
        "strategies": bars(selection_costs(costs), "strategy", "median_seconds"),
        "money": [] if money is None else _spent(money),
        "currency": currency,
    }


def _spent(money: pd.DataFrame) -> list[list[Any]]:
    dimensions = present(money, SETTING)
    points = money.drop_duplicates([*dimensions, "strategy", "num_labeled"])
    found = []
    for names, rows in groups(points[points["total_cost"].notna()], [*dimensions, "strategy"]):
        *ids, strategy = names.values()
        costs = (numbers(rows[name], 4) for name in ("label_cost", "compute_cost"))
        found.append([ids, strategy, [int(count) for count in rows["num_labeled"]], *costs])
    return found


def _metric(name: str) -> dict[str, Any]:
    known = of(name)
    return {
        **{"name": name, "unit": known.unit, "differences": known.unit_of_differences},
        **{"scale": known.scale, "share": known.is_share, "lower": known.lower_is_better},
        "digits": 2 if known.is_share else 3,
    }


def _strategy(name: str, look: style.Look, kind: str, banded: bool) -> dict[str, Any]:
    """How a strategy is drawn, as in the other figures; dashes in pixels."""
    dashes = [] if isinstance(look.dashes, str) else look.dashes[1]
    return {
        **{"name": name, "kind": kind, "band": banded, "shape": MARKERS[look.marker]},
        **{"color": COLORS.get(look.color, look.color), "width": look.width},
        "dash": [round(look.width * part, 2) for part in dashes],
    }


def _savings(table: pd.DataFrame, names: Sequence[str]) -> list[list[Any]]:
    """Rows of the headline's definition: ids, saving, ends, what bounds them, and the texts."""
    rows = table[table["definition"] == HEADLINE]
    return [
        [
            *(names.index(setting_name(row)), row["split"], row["metric"], row["strategy"]),
            *(number(row[name]) for name in ("saving", "low", "high")),
            *(row[name] for name in ("bound", "low_bound", "high_bound")),
            saving_text(row["saving"], row["bound"]),
            interval_text(row["low"], row["low_bound"], row["high"], row["high_bound"]),
        ]
        for row in rows.to_dict("records")
    ]


def _finetuning(
    table: pd.DataFrame, experiment: Experiment, names: Sequence[str]
) -> list[list[Any]]:
    """Fine-tuned and proxy's values of methods: ids, labels, both values and half-widths, texts."""
    rows = table[(table["kind"] == METHOD) & table["metric"].isin(experiment.metrics)]
    found = []
    for row in rows.to_dict("records"):
        values = (row["finetuned"], row["finetuned_half_width"])
        proxy = (row["proxy_value"], row["proxy_half_width"])
        found.append(
            [
                *(names.index(setting_name(row)), row["split"], row["metric"], row["strategy"]),
                *(row["trainer"], int(row["num_labeled"])),
                *numbers((*values, *proxy)),
                *(with_half_width(*pair, row["metric"]) for pair in (values, proxy)),
                signed(row["difference"], row["half_width"], row["metric"]),
            ]
        )
    return found


def _published(table: pd.DataFrame, settings: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Published curves: ids, smoothing, name, whether of the same setting, labels, values."""
    found = []
    for place, setting in enumerate(settings):
        rows = matching(table, {**setting, "trainer": ""})
        keys = ["split", "metric", "strategy", "smoothing", "reference"]
        for names, part in groups(rows, keys):
            found.append(
                [
                    *(place, *names.values(), bool(part["same_setting"].iloc[0])),
                    [int(count) for count in part["published_labels"]],
                    numbers(part["published"]),
                ]
            )
    return found
