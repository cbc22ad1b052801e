"""Labels that people gave, from a table with a line for each image of the pool, in its order.

CIFAR-10N can be such a table (Wei et al., "Learning with Noisy Labels Revisited: A Study Using
Real-World Human Annotations", ICLR 2022).
"""

import csv
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from labelbench_core.annotators import PoolFacts, Truth
from labelbench_core.errors import InputError, did_you_mean, listed, shown

INFO = {
    "summary": "labels from a table, one for each image of the pool",
    "paper": "Wei et al. 2022 (CIFAR-10N)",
    "required": ["table", "column"],
    "without_truth": True,
    "truth_by": ["clean"],
}
SEPARATORS = {".csv": ",", ".tsv": "\t"}


def source(data_dir: Path, *, table: str = "", column: str = "", clean: str = "") -> Path:
    """The file of the table."""
    return data_dir / table


def check(facts: PoolFacts, *, table: str = "", column: str = "", clean: str = "") -> None:
    """`InputError` where the table is missing, damaged, too short or long, or has other classes."""
    path = source(facts.data_dir, table=table)
    if clean and not facts.has_labels:
        told = f"options.clean: {shown(clean)}; the pool has no labels to compare it with"
        raise InputError(f"{told}; allowed: leave it out")
    columns = [name for name in (column, clean) if name]
    for name, values in zip(columns, read_columns(path, columns), strict=True):
        where = f"{path}: {name}"
        if facts.num_rows is not None and len(values) != facts.num_rows:
            raise InputError(
                f"{where}: {len(values)} labels; allowed: {facts.num_rows}, one for each row of "
                "the pool, in its order"
            )
        if facts.class_names is not None:
            as_labels(values, facts.class_names, where)


def annotate(truth: Truth, *, table: str = "", column: str = "", clean: str = "") -> np.ndarray:
    """(N,) int64 labels of a column of the table.

    Parameters
    ----------
    truth
        The pool.
    table
        The file, relative to the data directory: `.csv` or `.tsv` with the columns' names in its
        first line, or `.npz` with an array for each column. It has a line for each row of the
        pool, in the data set's order. Labels are names of classes, or numbers from zero.
        Default: ours.
    column
        Name of the column, or of the array. Default: ours.
    clean
        Another column, with the true labels as the table's authors have them. Where it is given,
        it has to equal the data set's own labels, so that a table in another order is refused.
        Default: ours.
    """
    check(truth.facts, table=table, column=column, clean=clean)
    path = source(truth.data_dir, table=table)
    columns = [name for name in (column, clean) if name]
    labels, *others = (
        as_labels(values, truth.class_names, f"{path}: {name}")
        for name, values in zip(columns, read_columns(path, columns), strict=True)
    )
    for other in others:
        differing = np.flatnonzero(other != truth.labels)
        if len(differing):
            row = int(differing[0])
            theirs, ours = (truth.class_names[int(all_of[row])] for all_of in (other, truth.labels))
            raise InputError(
                f"{path}: {clean}: {theirs!r} in row {row} (from 0), where data set "
                f"{truth.dataset!r} has {ours!r} ({len(differing)} of {len(other)} differ); "
                "allowed: a table in the data set's order"
            )
    return labels


def read_columns(path: Path, columns: Sequence[str]) -> list[np.ndarray]:
    """(N,) text or whole numbers of each column; `InputError` names file and column."""
    if not os.path.isfile(path):  # not `Path.is_file`, which raises for too long a name
        told = f"options.table: {path}: no such file"
        raise InputError(f"{told}; allowed: a file below LABELBENCH_DATA, the data directory")
    if path.suffix == ".npz":
        return _read_arrays(path, columns)
    if path.suffix not in SEPARATORS:
        ends = listed([*SEPARATORS, ".npz"])
        raise InputError(f"options.table: {path}; allowed: a file that ends in {ends}")
    try:
        with open(path, encoding="utf-8-sig", newline="") as handle:
            lines = csv.reader(handle, delimiter=SEPARATORS[path.suffix], strict=True)
            header = next(lines, list[str]())
            places = [_place(path, name, header) for name in columns]
            rows = [line for line in lines if line]
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8; allowed: text in UTF-8") from error
    except (OSError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a table ({error})") from error
    for number, line in enumerate(rows):
        if len(line) != len(header):
            raise InputError(
                f"{path}: row {number} (from 0) has {len(line)} cells; allowed: {len(header)}, as "
                "in the first line"
            )
    return [np.array([line[place] for line in rows], np.str_) for place in places]


def _read_arrays(path: Path, columns: Sequence[str]) -> list[np.ndarray]:
    found: list[np.ndarray] = []
    try:
        with np.load(path, allow_pickle=False) as archive:
            for name in columns:
                _place(path, name, list(archive))
                found.append(archive[name])
    except InputError:
        raise
    except (OSError, ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile) as error:
        # NumPy's own words advise to load pickles, which may run any code.
        told = f"{path}: not a readable .npz file"
        raise InputError(f"{told}; allowed: an .npz of plain arrays, without objects") from error
    for name, values in zip(columns, found, strict=True):
        if values.ndim != 1 or values.dtype.kind not in "iuU":
            given = f"{values.dtype} of shape {values.shape}"
            raise InputError(
                f"{path}: {name}: {given}; allowed: whole numbers or text, of one axis"
            )
    return found


def _place(path: Path, column: str, known: Sequence[str]) -> int:
    """Which of the columns is meant; `InputError` if it is missing or stands twice."""
    if (count := list(known).count(column)) > 1:
        told = f"{path}: column {shown(column)}: {count} columns have this name"
        raise InputError(f"{told}; allowed: one of each name that is asked for")
    if column not in known:
        told = f"{path}: column {shown(column)} is not there{did_you_mean(column, known)}"
        raise InputError(f"{told}; allowed: {listed(known)}")
    return list(known).index(column)


def as_labels(values: np.ndarray, class_names: Sequence[str], where: str) -> np.ndarray:
    """(N,) int64 labels from names of classes or, where not all values are names, from numbers.

    Raises
    ------
    InputError
        Naming the first value that is neither.
    """
    classes = len(class_names)
    if values.dtype.kind == "U":
        said = values.tolist()
        by_name = {name: label for label, name in enumerate(class_names)}
        by_number = {str(label): label for label in range(classes)}
        for meaning in (by_name, by_number):
            if all(text in meaning for text in said):
                return np.array([meaning[text] for text in said], np.int64)
        known = max(by_name, by_number, key=lambda meaning: sum(text in meaning for text in said))
        row = next(row for row, text in enumerate(said) if text not in known)
        raise InputError(
            f"{where}: {shown(said[row])} in row {row} (from 0); allowed: {listed(class_names)}, "
            f"or numbers from 0 to {classes - 1} throughout"
        )
    outside = np.flatnonzero((values < 0) | (values >= classes))
    if len(outside):
        row = outside[0]
        raise InputError(
            f"{where}: {values[row]} in row {row} (from 0); allowed: 0 to {classes - 1}"
        )
    return values.astype(np.int64)
