"""The comparison with published curves in sentences and in text tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from labelbench_core.analysis.collected.curves import CONFIDENCE
from labelbench_core.analysis.collected.frames import SETTING, groups, setting_name
from labelbench_core.analysis.collected.units import of, signed, unit_of_values, with_half_width
from labelbench_core.analysis.power import FINAL
from labelbench_core.analysis.published.published_curves import RAW, matching
from labelbench_core.analysis.ranks.rank_correlations import SPEARMAN
from labelbench_core.analysis.tables import TextTable
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.configuration.references import (
    PublishedReference,
    ids_in_tables,
    validation_note,
)
from labelbench_core.published.settings import setting

if TYPE_CHECKING:
    import pandas as pd

MOST_NAMED = 3
"""Differences outside their intervals that a sentence names."""
SMOOTHED = {RAW: "raw", "maximum": "running maximum of each seed"}
KEYS = (*SETTING, "trainer", "reference", "split", "metric")


def reference_name(reference: PublishedReference) -> str:
    """Which of the experiment's settings a reference belongs to."""
    name = setting_name(ids_in_tables(reference.setting))
    return f"{name}, {reference.trainer}" if reference.trainer else name


def published_sentences(
    experiment: Experiment, table: pd.DataFrame, orders: pd.DataFrame
) -> list[str]:
    """What the comparison says, a sentence each: levels, order, what is missing."""
    sentences = []
    for reference in experiment.references:
        rows, ordered = (_rows_of(reference, one) for one in (table, orders))
        sentences += _levels(reference, rows, experiment.metric)
        sentences += [_order(row) for _, row in ordered.iterrows() if row["statistic"] == SPEARMAN]
        sentences += _missing(reference, experiment, set(rows["strategy"]))
    return sentences


def _rows_of(reference: PublishedReference, table: pd.DataFrame) -> pd.DataFrame:
    wanted = {"reference": reference.name, "trainer": reference.trainer}
    return matching(table, {**ids_in_tables(reference.setting), **wanted})


def _levels(reference: PublishedReference, rows: pd.DataFrame, metric: str) -> Iterator[str]:
    where = f"({reference_name(reference)})"
    if rows.empty:
        yield f"{reference.name} has no published curve of {metric} {where}."
        return
    if not reference.is_same:
        yield (
            f"{reference.name} is another setting ({'; '.join(reference.differs)}): its curves are "
            f"drawn, levels cannot be compared, the order of the strategies can {where}."
        )
        return
    note = ""
    if reference.validation_labels:
        note = f" Both sides: {validation_note(reference.validation_labels)}."
    for names, part in groups(rows[rows["smoothing"] == RAW], ["split"]):
        told = part[part["half_width"].notna()]
        what = f"{reference.name}, {names['split']} {metric}, raw"
        if told.empty:
            yield f"No difference to {what} has an interval, so nothing can be told {where}.{note}"
            continue
        outside = told[(told["low"] > 0) | (told["high"] < 0)]
        within = len(told) - len(outside)
        counted = (
            f"{told['strategy'].nunique()} strategies, {told['num_labeled'].nunique()} budgets"
        )
        yield (
            f"Ours is within the spread of the seeds in {within} of {len(told)} differences to "
            f"{what} ({counted}): their 95 % intervals contain 0. {_outside(outside)}If nothing "
            f"differed, about {(1 - CONFIDENCE) * len(told):.0f} intervals would not {where}.{note}"
        )


def _outside(rows: pd.DataFrame) -> str:
    """In words, the differences farthest from 0, measured in half-widths."""
    if rows.empty:
        return ""
    distance = rows["difference"].abs() / rows["half_width"]
    named = rows.loc[distance.sort_values(ascending=False, kind="stable").index[:MOST_NAMED]]
    cells = [
        f"{row['strategy']} with {row['num_labeled']:,} labels "
        f"({signed(row['difference'], row['half_width'], row['metric'])} "
        f"{of(row['metric']).unit_of_differences})"
        for _, row in named.iterrows()
    ]
    more = f" and {len(rows) - len(cells)} more" if len(rows) > len(cells) else ""
    return f"Outside: {', '.join(cells)}{more}. "


def _order(row: Mapping[str, Any]) -> str:
    by = "with the last labels" if row["measure"] == FINAL else "in the area under the curve"
    name = row["reference"] if row["same_setting"] else f"{row['reference']} (another setting)"
    what = f"{row['num_strategies']} strategies by {row['split']} {row['metric']} {by}"
    where = setting_name(row) + (f", {row['trainer']}" if row["trainer"] else "")
    if math.isnan(row["correlation"]):
        return f"Order of {what} against {name}: too few strategies to compare ({where})."
    value = f"Spearman's rank correlation {row['correlation']:.2f}"
    if math.isnan(row["low"]):
        return f"Order of {what} against {name}: {value}, without an interval: one seed ({where})."
    zero = "contains 0" if row["contains_zero"] else "does not contain 0"
    return (
        f"Order of {what} against {name}: {value}, 95 % interval {row['low']:.2f} to "
        f"{row['high']:.2f} over resampled seeds of both sides ({row['n_seeds']} and "
        f"{row['published_seeds']}), which {zero} ({where})."
    )


def _missing(
    reference: PublishedReference, experiment: Experiment, shown: set[str]
) -> Iterator[str]:
    where = f"({reference_name(reference)})"
    theirs = set(reference.strategies.values())
    lacking = [name for name in setting(reference.name).strategies if name not in theirs]
    if lacking and shown:
        told = ", ".join(lacking)
        yield f"Published for {reference.name}, but not in this experiment: {told} {where}."
    own = [name for name in experiment.strategies if name not in reference.strategies]
    if own and shown:
        yield f"Without a curve in {reference.name}: {', '.join(own)} {where}."


def published_tables(experiment: Experiment, table: pd.DataFrame) -> list[TextTable]:
    """Published means in percent, and differences in points where the settings are the same."""
    tables = []
    differs = {(one.name, reference_name(one)): one.differs for one in experiment.references}
    for names, rows in groups(table, [*KEYS, "smoothing"]):
        where = setting_name(names) + (f", {names['trainer']}" if names["trainer"] else "")
        told = f"{names['reference']}, {names['split']} {names['metric']}"
        smoothing = SMOOTHED[names["smoothing"]]
        note = ""
        if rows["extra_labels"].max() > 0:
            note = f"; {validation_note(int(rows['extra_labels'].max()))}"
        if rows["same_setting"].all():
            unit = of(names["metric"]).unit_of_differences
            title = f"difference to {told} in {unit}, {smoothing}, {where}{note}"
            tables.append(_by_budget(title, rows, signed, ("difference", "half_width")))
            beside = ""
        else:
            beside = f"; another setting: {'; '.join(differs[names['reference'], where])}"
        unit = unit_of_values(names["metric"])
        title = f"published: {told} in {unit}, {smoothing}, beside {where}{beside}"
        tables.append(_by_budget(title, rows, with_half_width, ("published", "none")))
    return tables


def _by_budget(
    title: str,
    rows: pd.DataFrame,
    text: Callable[[float, float, str], str],
    columns: tuple[str, str],
) -> TextTable:
    """A row for each strategy, a column for each number of labels."""
    metric = rows["metric"].iloc[0]
    labels = sorted(set(rows["num_labeled"]))
    cells = []
    for name, part in groups(rows, ["strategy"]):
        values = part.set_index("num_labeled").reindex(labels)
        halves = values[columns[1]] if columns[1] in values else [math.nan] * len(labels)
        line = [
            text(mean, half, metric) for mean, half in zip(values[columns[0]], halves, strict=True)
        ]
        if any(cell != "–" for cell in line):
            cells.append((name["strategy"], *line))
    return TextTable(title, ("strategy", *(f"{count:,}" for count in labels)), tuple(cells))


def order_tables(orders: pd.DataFrame) -> list[TextTable]:
    """Rank correlations with their intervals: one table for each reference."""
    tables = []
    for names, rows in groups(orders, [*SETTING, "trainer", "reference", "same_setting"]):
        where = setting_name(names) + (f", {names['trainer']}" if names["trainer"] else "")
        cells = tuple(
            (
                row["split"],
                row["measure"],
                row["statistic"],
                str(row["num_strategies"]),
                "–" if math.isnan(row["correlation"]) else f"{row['correlation']:.2f}",
                "–" if math.isnan(row["low"]) else f"{row['low']:.2f} to {row['high']:.2f}",
                {0: "no", 1: "yes"}.get(row["contains_zero"], "–"),
                f"{row['n_seeds']}, {row['published_seeds']}",
            )
            for _, row in rows.iterrows()
        )
        columns = ("split", "by", "statistic", "strategies", "correlation", "95 % interval")
        columns += ("contains 0", "seeds, ours and published")
        other = "" if names["same_setting"] else " (another setting)"
        title = f"order of the strategies against {names['reference']}{other}, {where}"
        tables.append(TextTable(title, columns, cells, 3))
    return tables
