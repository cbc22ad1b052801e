"""The data frames of the analysis: their columns, their grouping, and reading and writing them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labelbench_core.annotators import EXACT
from labelbench_core.configuration.experiment import SETTING, Experiment
from labelbench_core.configuration.references import written_setting
from labelbench_core.errors import InputError, damaged, missing
from labelbench_core.metrics.signals import SIGNALS
from labelbench_core.storage.files import atomic_path

if TYPE_CHECKING:
    import pandas as pd

CURVE_COLUMNS = (
    *SETTING,
    "strategy",
    "seed",
    "round",
    "num_labeled",
    "split",
    "metric",
    "value",
    "converged",
    "at_edge",
)
"""`converged` is 0 if the training did not converge, else 1; `at_edge` is 1 if the proxy chose a
penalty at the edge of the values tried, else 0."""
SPENT_ON_VALIDATION = ("held_out_labels", "extra_labels")
"""Numbers of labels kept for validation: some of those bought, and some in addition to them."""
FINETUNED_COLUMNS = (
    *SETTING,
    "trainer",
    *(name for name in CURVE_COLUMNS[len(SETTING) :] if name != "at_edge"),
    *SPENT_ON_VALIDATION,
)
SIGNAL_COLUMNS = (*SETTING, "strategy", "seed", "round", "num_labeled", *SIGNALS)
"""A row per round; the cell of a signal that a round lacks is missing."""
HIT_COLUMNS = (
    *(*SETTING, "strategy", "seed", "round", "num_labeled", "split"),
    *("class", "rows", "hits"),
)
"""A row per round, split and class number: how many of the class's rows are predicted correctly.

Where rows have weights, `hits` is the sum of these rows' weights, beside that of all (`WEIGHT`)."""
IDENTIFIERS = (*SETTING, "augmentation", "trainer", "strategy", "kind", "split", "metric", "stage")
COMBINATION = ("trained", "training", "compared", "reference_training", "reference_strategy")
TEXT_COLUMNS = (*IDENTIFIERS, *COMBINATION, "baseline", "definition")
TEXT_COLUMNS += ("bound", "low_bound", "high_bound")
TEXT_COLUMNS += ("saving_bound", "saving_low_bound", "saving_high_bound", "ceiling")
TEXT_COLUMNS += ("verdict", "reference", "smoothing", "measure", "statistic", "strategies")
TEXT_COLUMNS += ("varies", "other", "rule", "parameters", "name")
"""Columns in which an empty cell is an empty string; in all others it is a missing number."""

WEIGHTED = "weighted"
"""Column that frames have only where the metrics of a split are weighted: 1 where they are."""
GROUP = "group"
"""Column that the table of hits has only where an experiment asks for accuracy by group: the
group's number; its rows have class -1."""
WEIGHT = "weight"
"""Column that the table of hits has only where rows have weights: their sum over a class."""

ANNOTATOR = "annotator"
"""Column that frames have only where an annotator of the experiment is not the exact one."""

FIRST_SPLITS = ("test", "pool")
"""Splits in the order in which they are shown; any other follows in alphabetical order."""


def setting_name(names: Mapping[str, Any], keys: Sequence[str] = SETTING) -> str:
    """A setting, or another group of ids with these `keys`, as tables and pages call it."""
    return written_setting(names[key] for key in keys if key != ANNOTATOR) + labels_note(names)


def labels_note(names: Mapping[str, Any]) -> str:
    """Addition to a setting's name: whose labels were bought, where they are not the exact ones."""
    annotator = names.get(ANNOTATOR, EXACT)
    return "" if annotator == EXACT else f", labels: {annotator}"


def present(frame: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """`columns`, but for the annotator and weights where `frame` names none."""
    return [name for name in columns if name not in (ANNOTATOR, WEIGHTED) or name in frame]


def columns_for(experiment: Experiment, columns: Sequence[str]) -> list[str]:
    """`columns`, but for the annotator where all of the experiment's are the exact one."""
    is_exact = set(experiment.all_of("annotators")) == {EXACT}
    return [name for name in columns if name != ANNOTATOR or not is_exact]


def without_constant(frame: pd.DataFrame, column: str, usual: float | None = None) -> pd.DataFrame:
    """`frame` without `column` if every cell in it is `usual` (None: is missing)."""
    cells = frame[column]
    is_usual = cells.isna() if usual is None else cells == usual
    return frame.drop(columns=column) if is_usual.all() else frame


def group_columns(frame: pd.DataFrame) -> list[str]:
    """The columns that name one family of curves: setting (and trainer, if any), split, metric."""
    trained = ["trainer"] if "trainer" in frame else []
    return [*present(frame, SETTING), *trained, "split", "metric"]


def groups(frame: pd.DataFrame, columns: Sequence[str]) -> Iterator[tuple[dict, pd.DataFrame]]:
    """`(names, rows)` of every group, in order of first appearance."""
    columns = present(frame, columns)
    for values, rows in frame.groupby(columns, sort=False):
        yield dict(zip(columns, values, strict=True)), rows


def by_seed(rows: pd.DataFrame) -> pd.DataFrame:
    """One strategy's curve as a table: a row per seed id, a column per number of labels.

    Pairs are made by these row names, never by the order of rows. `InputError` where a seed lacks
    a budget or has two values for one.
    """
    table = seed_table(rows, "num_labeled").sort_index(axis="columns")
    absent = table.isna()
    if absent.to_numpy().any():
        seed = absent.any(axis="columns").idxmax()
        told = f"{_name(rows)}: not every seed has every number of labels"
        raise InputError(f"{told}: seed {seed} has no value with {absent.loc[seed].idxmax()}")
    return table


def by_strategy(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """`by_seed` of every strategy of one group, in order of appearance.

    The tables are made at once where all strategies have the same seeds and numbers of labels:
    with many strategies, most of an analysis is otherwise spent on making them.
    """
    import pandas as pd

    place, names = pd.factorize(rows["strategy"])
    seeds, row = np.unique(rows["seed"].to_numpy(), return_inverse=True)
    labels, column = np.unique(rows["num_labeled"].to_numpy(), return_inverse=True)
    shape = (len(names), len(seeds), len(labels))
    values = np.full(math.prod(shape), math.nan)
    values[(place * shape[1] + row) * shape[2] + column] = rows["value"].to_numpy()
    if len(values) != len(rows) or np.isnan(values).any():  # uneven, or wrong: `by_seed` says so
        return {name: by_seed(part) for name, part in rows.groupby("strategy", sort=False)}
    index, columns = pd.Index(seeds, name="seed"), pd.Index(labels, name="num_labeled")
    cube = values.reshape(shape)
    return {
        name: pd.DataFrame(table, index=index, columns=columns)
        for name, table in zip(names, cube, strict=True)
    }


def alike(tables: Mapping[str, pd.DataFrame]) -> list[list[str]]:
    """Names of tables of `by_seed`, grouped by equal seeds and numbers of labels."""
    found: dict[tuple, list[str]] = {}
    for name, table in tables.items():
        key = (tuple(table.index.tolist()), tuple(table.columns.tolist()))
        found.setdefault(key, []).append(name)
    return list(found.values())


def seed_table(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Values with a row per seed id, rising, and a column per entry of `column`, as they appear.

    NaN where there is none; `InputError` where there are two. Far faster than pandas' pivot.
    """
    import pandas as pd

    seeds, row = np.unique(rows["seed"].to_numpy(), return_inverse=True)
    place, names = pd.factorize(rows[column])
    cell = row * len(names) + place
    counts = np.bincount(cell)
    if counts.max(initial=0) > 1:
        shown = column.replace("num_labeled", "number of labels")
        seed, name = divmod(int(counts.argmax()), len(names))
        told = f"{_name(rows)}: two values for one seed and {shown}"
        raise InputError(f"{told}: seed {seeds[seed]}, {names[name]}; allowed: one")
    values = np.full(len(seeds) * len(names), math.nan)
    values[cell] = rows["value"].to_numpy()
    return pd.DataFrame(
        values.reshape(len(seeds), len(names)),
        index=pd.Index(seeds, name="seed"),
        columns=pd.Index(names, name=column),
    )


def shared_part(one: pd.DataFrame, other: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two tables of `by_seed`, cut to the seeds and numbers of labels that both have."""
    if one.index.equals(other.index) and one.columns.equals(other.columns):
        return one, other
    seeds, labels = one.index.intersection(other.index), one.columns.intersection(other.columns)
    return one.loc[seeds, labels], other.loc[seeds, labels]


def ordered_splits(names: Sequence[str]) -> list[str]:
    """Distinct split names: test, pool, then the others in alphabetical order."""
    known = set(names)
    return [name for name in FIRST_SPLITS if name in known] + sorted(known - set(FIRST_SPLITS))


def setting_labels(frame: pd.DataFrame, columns: Sequence[str] = SETTING) -> dict[tuple, str]:
    """A short label for every setting in `frame`: the ids that differ between the settings.

    With a single setting there is nothing to distinguish: its label has all ids.
    """
    columns = present(frame, columns)
    table = frame[columns].drop_duplicates()
    differing = [name for name in columns if table[name].nunique() > 1] or columns
    return {
        tuple(row): " · ".join(_shown(name, row[columns.index(name)]) for name in differing)
        for row in table.itertuples(index=False, name=None)
    }


def _shown(column: str, value: Any) -> str:
    """An id in a label."""
    return f"labels: {value}" if column == ANNOTATOR else str(value)


def write_csv(frame: pd.DataFrame, path: str | Path, float_format: str | None = None) -> None:
    """Write `frame` atomically; equal frames give equal bytes.

    Without `float_format` every number has the shortest text that reads back as the same number.
    """
    with atomic_path(path) as aside:
        frame.to_csv(aside, index=False, lineterminator="\n", float_format=float_format)


def read_csv(path: str | Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read a table that `write_csv` wrote; `InputError` unless it has `columns`.

    Ids stay text, even those that look like numbers or like a missing value.
    """
    import pandas as pd

    try:
        frame = pd.read_csv(
            path,
            dtype=dict.fromkeys(TEXT_COLUMNS, "str"),
            keep_default_na=False,
            na_values={name: [""] for name in _number_columns(path)},
        )
    except FileNotFoundError as error:
        raise missing(path) from error
    except (ValueError, StopIteration) as error:
        raise damaged(path, f"not a readable table ({error})") from error
    absent = [name for name in present(frame, columns) if name not in frame]
    if absent:
        raise damaged(path, f"column {absent[0]} is missing")
    return frame


def _number_columns(path: str | Path) -> list[str]:
    """Names in the header that are not text."""
    import csv

    with open(path, encoding="utf-8", newline="") as handle:
        return [name for name in next(csv.reader(handle)) if name not in TEXT_COLUMNS]


def _name(rows: pd.DataFrame) -> str:
    first: dict[str, Any] = rows.iloc[0].to_dict()
    return ", ".join(f"{key} {first[key]}" for key in IDENTIFIERS if key in first)
