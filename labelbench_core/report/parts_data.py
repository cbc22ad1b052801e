"""What the page's figures by class, and of the class balance, show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from labelbench_core.analysis.collected.frames import ordered_splits
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures.class_balance import MEASURES, balance_summary
from labelbench_core.report.series import CurveSeries, number, numbers

if TYPE_CHECKING:
    import pandas as pd

DIGITS = 6
"""Decimals of shares: what the page shows has four."""
MOST_VALUES = 40_000
"""Most numbers about classes that a page has, and about groups, about 0.3 MB; tables have all."""
FEWER_LABELS = 6
"""Numbers of labels to which a page with too many numbers is cut first."""
COLUMNS = ("mean", "half_width", "difference", "difference_half_width")


def balance_data(
    balance: pd.DataFrame, experiment: Experiment, series: CurveSeries
) -> dict[str, Any]:
    """Means over seeds of the measures of class balance, and the pools' evenness by setting.

    `balance` has columns as `BALANCE_COLUMNS`. The names of the measures stand where other series
    have their split. Ceilings are left out.
    """
    rows = balance[balance["strategy"].isin(experiment.strategies) & balance["evenness"].notna()]
    found = []
    for measure in MEASURES:
        table = balance_summary(rows, measure).assign(split=measure, metric="")
        found += series.of(table, "mean", "half_width", digits=DIGITS)
    pools = [
        [place, number(part["pool_evenness"].iloc[0], DIGITS)]
        for place, part in series.by_setting(rows)
    ]
    return {"measures": MEASURES, "series": found, "pools": pools}


def parts_data(
    table: pd.DataFrame, experiment: Experiment, series: CurveSeries, part: str = "class"
) -> dict[str, Any]:
    """Accuracy by class, or by another `part` of a split, and its difference to the baseline.

    Parameters
    ----------
    table
        The table of `classes_table`, or one with `part` in place of its column `class`.

    Returns
    -------
    `parts`: setting, split, and the names and numbers of rows of its parts; `series`: setting,
    split, strategy, a list of numbers of labels, seeds, and a list for each of `COLUMNS`, with the
    parts of the first number of labels, then those of the second, …; `left_out`: setting, and what
    a page with too many numbers lacks of it.
    """
    parts, found, left_out = [], [], []
    settings = list(series.by_setting(table[table["rows"] > 0]))
    for place, whole in settings:
        here, told = _cut(whole, experiment, MOST_VALUES // len(settings))
        left_out += [[place, told]] if told else []
        for split in ordered_splits(here["split"]):
            rows = here[here["split"] == split]
            known = rows.drop_duplicates(part).sort_values(part)
            order = known[part].tolist()
            names = [name or str(at) for name, at in zip(known["name"], order, strict=True)]
            parts.append([place, split, names, [int(count) for count in known["rows"]]])
            for strategy, own in rows.groupby("strategy", sort=False):
                labels = sorted(set(own["num_labeled"]))
                grid = [(count, at) for count in labels for at in order]
                own = own.set_index(["num_labeled", part])
                values = [numbers(own[name].reindex(grid), DIGITS) for name in COLUMNS]
                seeds = int(own["n_seeds"].iloc[0])
                found.append([place, split, strategy, series.place(labels), seeds, *values])
    return {"parts": parts, "series": found, "left_out": left_out}


def _cut(table: pd.DataFrame, experiment: Experiment, most: int) -> tuple[pd.DataFrame, str]:
    """The first of ever smaller parts of a setting's `table` with at most `most` numbers.

    If none is as small, the smallest; with it, what it lacks.
    """
    found = (table, "")
    for found in _ever_smaller(table, experiment):
        if len(found[0]) * len(COLUMNS) <= most:
            break
    return found


def _ever_smaller(
    table: pd.DataFrame, experiment: Experiment
) -> Iterator[tuple[pd.DataFrame, str]]:
    yield table, ""
    labels = np.unique(table["num_labeled"])
    places = np.linspace(0, len(labels) - 1, min(FEWER_LABELS, len(labels)))
    few = labels[np.round(places).astype(int)]
    table = table[table["num_labeled"].isin(few)]
    yield table, "some numbers of labels"
    split = ordered_splits(table["split"])[0]
    table = table[table["split"] == split]
    yield table, f"some numbers of labels, and splits other than {split}"
    table = table[table["num_labeled"] == labels[-1]]
    yield table, f"all but the last labels, and splits other than {split}"
    pair = list(dict.fromkeys([experiment.baseline, experiment.highlight]))
    chosen = table[table["strategy"].isin(pair)]
    yield chosen, f"all but the last labels of {' and '.join(pair)} on {split}"
