"""Your own texts in tables (CSV, TSV, JSON Lines, Parquet): each row a text and its label."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.datasets import POOL, RawDataset, Source
from labelbench_core.datasets.file_formats.columns import read_columns
from labelbench_core.datasets.files.names import below
from labelbench_core.datasets.table import read_class_names
from labelbench_core.datasets.tables import split_files
from labelbench_core.datasets.tables.several_labels import (
    LISTS,
    check_label_options,
    flag_key,
    option_of,
)
from labelbench_core.datasets.tables.tabular import Cells, all_cells, split_rows
from labelbench_core.datasets.tables.text_cells import dataset_of_texts, refuse_blank
from labelbench_core.datasets.tables.unlabeled_tables import check_unlabeled
from labelbench_core.errors import InputError, shown
from labelbench_core.storage.places import is_file, printable

INFO = {
    "summary": "your own texts by tables with columns of texts and labels",
    "license": "your own",
    "paper": "",
    "required": ["splits"],
    "rows": "texts",
    "multilabel_by": ["label_separator", "label_columns"],
    "groups": "group_column",
    "weights": "weight_column",
    "unlabeled_by": ["unlabeled"],
    "options_of": "labelbench_core.datasets.splits.draw_options:options",
}


def check(data_dir: Path, *, allow_missing_classes: bool = False, **options: Any) -> dict[str, int]:
    """Sizes of the splits, all tables read; `InputError` for what is wrong in one of them."""
    raw = load(data_dir, **options)
    return split_files.sizes(raw, allow_missing_classes, options["splits"])


def load(
    data_dir: Path,
    *,
    splits: Mapping[str, str] | None = None,
    text_column: str = "text",
    label_column: str = "label",
    label_separator: str | None = None,
    label_columns: Sequence[str] | None = None,
    group_column: str | None = None,
    weight_column: str | None = None,
    classes: str | None = None,
    unlabeled: bool = False,
    allow_missing_classes: bool = False,
    together_column: str | None = None,
    split_column: str | None = None,
    **draw: Any,
) -> RawDataset:
    """All splits, in the order of the tables.

    Parameters
    ----------
    data_dir
        All files are relative to it.
    splits
        Split (pool, test, val; any other name is a shifted split) → its table, whose name ends in
        `.csv`, `.tsv`, `.jsonl`, `.ndjson` or `.parquet` (which needs the package pyarrow).
        Default: ours.
    text_column
        Column with the texts. Default: ours.
    label_column
        Column with the label of each text: a class's name, or its number, from 0. Default: ours.
    label_separator
        What stands between the names of classes in `label_column`, where a text can belong to any
        number of classes (an empty cell: none). Lists of JSON Lines and Parquet need it, too. null:
        every text has one class. Default: ours.
    label_columns
        Columns that say, by 0 and 1, or true and false, whether a text belongs to the class of the
        column's name; in place of `label_column`, where a text can belong to any number of classes.
        Default: ours.
    group_column
        Column of all tables with the group of each text, for the worst-group accuracy. Default:
        ours.
    weight_column
        Column of all tables with the weight of each text, a number above 0: how many rows it counts
        as. null: each counts once. Default: ours.
    classes
        Text file with the classes' names in order, one per line. null: the labels of the pool,
        sorted. Default: ours.
    unlabeled
        Whether the pool has no labels, so that an annotator's are needed; classes are then those of
        `classes` or of the other splits. Default: ours.
    allow_missing_classes
        Whether `val`, `test` and shifted splits may lack classes; the pool never may. Default:
        ours.
    together_column
        Column of the pool's table that says which texts belong together (an author, a
        conversation): texts with equal cells are drawn together, those with empty cells one by one.
        Default: ours.
    split_column
        Column of the pool's table with the split of each text, where one table holds several:
        `train` is the pool and `validation` is val, in upper or lower case; any other name is a
        shifted split. null: all texts of the table are the pool. Default: ours.
    """
    splits = splits or {}
    split_files.require_splits(splits)
    if unlabeled:
        check_unlabeled(label_separator, label_columns, None)
    # The default of `label_column` does not count where `label_columns` are named.
    given = None if label_columns is not None and label_column == "label" else label_column
    check_label_options(given, label_separator, label_columns, classes, None)
    of_labels = {"label": given, **{flag_key(i): one for i, one in enumerate(label_columns or ())}}
    cells = {}
    for split, table in splits.items():
        names = {"text": text_column, "group": group_column, "weight": weight_column}
        if split == POOL:
            names |= {"together": together_column, "split": split_column}
        if split != POOL or not unlabeled or split_column is not None:
            names |= of_labels
        names = {key: name for key, name in names.items() if name is not None}
        cells[split] = _cells(data_dir, table, names, label_separator)
    if split_column is not None:
        cells = _by_column(cells, unlabeled)
    if classes is None:
        known, where = None, ""
    else:
        known = read_class_names(data_dir, classes)
        where = printable(Path(data_dir, classes))
    return split_files.with_draw(
        dataset_of_texts(cells, known, where, separator=label_separator, flags=label_columns),
        printable(cells[POOL].file),
        cells[POOL].columns.get("together"),
        together={"together_column": together_column},
        may_lack=allow_missing_classes,
        **draw,
    )


def _by_column(cells: Mapping[str, Cells], unlabeled: bool) -> dict[str, Cells]:
    """The same cells, those of the pool's table in the splits that its column "split" says."""
    whole, places, _ = split_rows(cells[POOL], None)
    found = {**cells}
    for split, rows in places.items():
        if split != POOL and split in cells:
            told = f"options.splits.{split}: {printable(cells[split].file)}; column "
            told += f"{printable(whole.names['split'])} of {printable(whole.file)} has that split"
            raise InputError(f"{told}, too; allowed: one of the two")
        found[split] = whole.take(rows)
    if unlabeled:
        columns = {key: one for key, one in found[POOL].columns.items() if key != "label"}
        found[POOL] = replace(found[POOL], columns=columns)
    return found


def source_files(
    data_dir: Path,
    *,
    splits: Mapping[str, str] | None = None,
    classes: str | None = None,
    **_: Any,
) -> Source | None:
    """All tables, and the file of classes; None if one of them is not there."""
    names = {*(splits or {}).values(), *([classes] if classes else ())}
    if not names or not all(is_file(Path(data_dir, name)) for name in names):
        return None
    return Source(Path(data_dir), sorted(names))


def pool_labels(data_dir: Path, **options: Any) -> tuple[np.ndarray, list[str]]:
    """(N,) labels of the pool and the classes' names."""
    raw = load(data_dir, **options)
    return raw.splits[POOL].labels, raw.class_names


def _cells(data_dir: Path, table: str, names: Mapping[str, str], separator: str | None) -> Cells:
    """Texts and more of a table, `names` its columns; `InputError` for the first blank text."""
    file = below(data_dir, "splits", table)
    if not is_file(file):
        raise InputError(
            f"options.splits: {shown(table)}: {printable(file)} is not a file; allowed: an "
            "existing file (relative paths start at LABELBENCH_DATA)"
        )
    asked = {option_of(key): name for key, name in names.items()}
    separators = {} if separator is None else {option_of("label"): separator}
    lists = {key: how for key, how in LISTS.items() if key in asked}
    columns = read_columns(file, asked, separators, lists).values()
    cells = all_cells(file, names, dict(zip(names, columns, strict=True)))
    return refuse_blank(cells)
