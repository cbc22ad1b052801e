"""Accuracy by class over labels bought, and its paired difference to the baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from labelbench_core.analysis.collected.curves import t_intervals
from labelbench_core.analysis.collected.frames import (
    GROUP,
    SETTING,
    WEIGHT,
    groups,
    ordered_splits,
    present,
    setting_name,
)
from labelbench_core.analysis.collected.units import (
    difference_bounds,
    ends,
    signed,
    value_bounds,
    with_half_width,
)
from labelbench_core.analysis.tables import TextTable
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.storage.records import read_record

if TYPE_CHECKING:
    import pandas as pd

CLASS_COLUMNS = (
    *("strategy", "num_labeled", "class", "name", "rows", "n_seeds"),
    *("mean", "half_width", "low", "high"),
    *("difference", "difference_half_width", "difference_low", "difference_high"),
)
GROUP_COLUMNS = tuple("group" if name == "class" else name for name in CLASS_COLUMNS)
METRIC = "accuracy"
WORST_GROUP = "worst-group-accuracy"


def classes_table(hits: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """Accuracy of every class: a row per setting, split, strategy, number of labels and class.

    Parameters
    ----------
    hits
        Columns as `HIT_COLUMNS` and perhaps `WEIGHT`, rows of methods only.

    Returns
    -------
    Setting, `split` and `CLASS_COLUMNS`. `mean` is the mean over seeds of the accuracy on the
    class's `rows` rows, with Student's 95 % interval, cut at the possible values; `difference` is
    to the baseline, over the seeds and numbers of labels that both have. Both are NaN where a class
    has no rows. `name` is empty; see `named`.
    """
    import pandas as pd

    if GROUP in hits:
        hits = hits[hits[GROUP].isna()]
    keys = [*present(hits, SETTING), "split"]
    parts = []
    for names, rows in groups(hits, keys):
        cubes = {name: _cube(part) for name, part in rows.groupby("strategy", sort=False)}
        for strategy, own in cubes.items():
            parts.append(
                pd.DataFrame({**names, "strategy": strategy, **_columns(own, cubes.get(baseline))})
            )
    if not parts:
        return pd.DataFrame(columns=[*keys, *CLASS_COLUMNS])
    return pd.concat(parts, ignore_index=True)[[*keys, *CLASS_COLUMNS]]


def groups_table(hits: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """As `classes_table`, of every group; columns as `GROUP_COLUMNS`. Groups have their numbers.

    Empty where `hits` has none by group.
    """
    of_groups = hits[hits[GROUP].notna()] if GROUP in hits else hits[:0].assign(**{GROUP: 0})
    parts = of_groups.drop(columns="class").rename(columns={GROUP: "class"})
    table = classes_table(parts.assign(**{"class": parts["class"].astype(int)}), baseline)
    return table.rename(columns={"class": "group"})


@dataclass(frozen=True)
class _Cube:
    """Accuracies (S, R, C) of seeds, numbers of labels and classes; the classes' (C,) rows."""

    seeds: np.ndarray
    labels: np.ndarray
    rows: np.ndarray
    values: np.ndarray

    def shared(self, other: _Cube) -> np.ndarray:
        """The values at the seeds of both, NaN at numbers of labels that `other` lacks."""
        kept = self.values[np.isin(self.seeds, other.seeds)].copy()
        kept[:, ~np.isin(self.labels, other.labels)] = math.nan
        return kept


def _cube(rows: pd.DataFrame) -> _Cube:
    """The cube of one strategy's rows; NaN where a seed lacks a number of labels."""
    seeds, seed = np.unique(rows["seed"], return_inverse=True)
    labels, label = np.unique(rows["num_labeled"], return_inverse=True)
    number = rows["class"].to_numpy()
    values = np.full((len(seeds), len(labels), number.max() + 1), math.nan)
    sizes = np.zeros(values.shape[2], np.int64)
    sizes[number] = rows["rows"]
    whole = rows["rows"].to_numpy()
    if WEIGHT in rows:  # splits without weights count each row once
        whole = rows[WEIGHT].fillna(rows["rows"]).to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        values[seed, label, number] = rows["hits"].to_numpy() / whole
    return _Cube(seeds, labels, sizes, values)


def _columns(own: _Cube, base: _Cube | None) -> dict[str, Any]:
    seeds, budgets, classes = own.values.shape
    found: dict[str, Any] = {
        "num_labeled": np.repeat(own.labels, classes),
        "class": np.tile(np.arange(classes), budgets),
        "name": "",
        "rows": np.tile(own.rows, budgets),
        "n_seeds": seeds,
    }
    found |= _interval(own.values, value_bounds(METRIC), "")
    difference = np.full((1, budgets, classes), math.nan)
    if base is not None:
        common = np.isin(own.labels, base.labels)
        places = np.searchsorted(base.labels, own.labels[common])
        difference = own.shared(base)
        difference[:, common] -= base.shared(own)[:, places]
    return found | _interval(difference, difference_bounds(METRIC), "difference")


def _interval(
    values: np.ndarray, bounds: tuple[float, float], name: str
) -> dict[str, np.ndarray | list[float]]:
    """Mean, half-width and ends over the seeds of (S, R, C) values, each (R * C,)."""
    flat = np.round(values.reshape(len(values), -1).T, 12)
    means, halves = t_intervals(flat)
    pairs = zip(means.tolist(), halves.tolist(), strict=True)
    low, high = map(list, zip(*(ends(mean, half, bounds) for mean, half in pairs), strict=True))
    prefix = f"{name}_" if name else ""
    first = {name or "mean": means, f"{prefix}half_width": halves}
    return {**first, f"{prefix}low": low, f"{prefix}high": high}


def named(table: pd.DataFrame, pattern: str, part: str = "class") -> pd.DataFrame:
    """`table` with the names of the classes, from the data sets' manifests at `pattern`.

    For a table by group, `part` is "group".
    """
    names: dict[tuple[str, int], str] = {}
    for dataset in dict.fromkeys(table["dataset"]) if pattern else ():
        record = read_record(pattern.format(dataset=dataset), "data set", {"dataset": dataset})
        known = record.get(f"{part}_names", ())
        names |= {(dataset, place): name for place, name in enumerate(known)}
    pairs = zip(table["dataset"], table[part], strict=True)
    return table.assign(name=[names.get(pair, "") for pair in pairs])


def class_tables(table: pd.DataFrame, experiment: Experiment) -> list[TextTable]:
    """Text tables of the highlighted strategy and the baseline, at the last labels of both.

    A table per setting, on its first split: a row per class, the highlighted strategy's worst
    first.
    """
    tables = []
    for names, rows in groups(table, SETTING):
        split = ordered_splits(rows["split"])[0]
        tables += _of_split(rows[rows["split"] == split], experiment, names, "class")
    return tables


def group_tables(table: pd.DataFrame, experiment: Experiment) -> list[TextTable]:
    """As `class_tables`, by group: a table per setting and split."""
    tables = []
    for names, rows in groups(table[table["rows"] > 0], SETTING):
        for split in ordered_splits(rows["split"]):
            tables += _of_split(rows[rows["split"] == split], experiment, names, "group")
    return tables


def _of_split(
    rows: pd.DataFrame, experiment: Experiment, setting: Mapping[str, Any], name: str
) -> list[TextTable]:
    """A table of the rows of one setting and split; none where a strategy is missing."""
    part = last_of_both(rows, experiment)
    if part.empty:
        return []
    base = part[part["strategy"] == experiment.baseline].set_index(name)["mean"]
    own = part[part["strategy"] == experiment.highlight].sort_values("mean", kind="stable")
    cells = tuple(
        (
            row["name"] or str(row[name]),
            f"{row['rows']:,}",
            with_half_width(base.get(row[name], math.nan), math.nan, METRIC),
            with_half_width(row["mean"], row["half_width"], METRIC),
            signed(row["difference"], row["difference_half_width"], METRIC),
        )
        for row in own.to_dict("records")
    )
    split = rows["split"].iloc[0]
    columns = (name, f"rows of {split}", experiment.baseline, experiment.highlight, "difference")
    labels = int(part["num_labeled"].iloc[0])
    title = f"{split}, {labels:,} labels, {setting_name(setting)}"
    return [TextTable(title, columns, cells)]


def worst_group_tables(curves: pd.DataFrame) -> list[TextTable]:
    """The accuracy of the worst group with each strategy's last labels: a column per split.

    `curves` is the table of curves; there is a table per setting with groups. The worst group is
    that of each seed: the mean over seeds is at most the lowest of the groups' means.
    """
    tables = []
    for names, rows in groups(curves[curves["metric"] == WORST_GROUP], SETTING):
        splits = ordered_splits(rows["split"])
        cells = []
        for strategy, own in rows.groupby("strategy", sort=False):
            last = own[own["num_labeled"] == own["num_labeled"].max()].set_index("split")
            values = (
                with_half_width(last.at[name, "mean"], last.at[name, "half_width"], WORST_GROUP)
                if name in last.index
                else "–"
                for name in splits
            )
            cells.append((str(strategy), f"{last['num_labeled'].iloc[0]:,}", *values))
        title = f"{WORST_GROUP} in %, {setting_name(names)}"
        tables.append(TextTable(title, ("strategy", "labels", *splits), tuple(cells)))
    return tables


def last_of_both(rows: pd.DataFrame, experiment: Experiment) -> pd.DataFrame:
    """Rows of the highlighted strategy and the baseline at the last labels that both have."""
    own, base = (
        rows[rows["strategy"] == name] for name in (experiment.highlight, experiment.baseline)
    )
    shared = set(own["num_labeled"]) & set(base["num_labeled"])
    pair = rows[rows["strategy"].isin([experiment.highlight, experiment.baseline])]
    return pair[pair["num_labeled"] == max(shared, default=-1)]
