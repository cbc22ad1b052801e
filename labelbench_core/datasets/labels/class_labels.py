"""From labels as arrays hold them, whole numbers or names, to labels from 0 and class names."""

from collections.abc import Mapping, Sequence

import numpy as np

from labelbench_core.datasets import POOL
from labelbench_core.datasets.files.names import same_name
from labelbench_core.datasets.labels.whole_names import MARKED, first_mark, whole_names
from labelbench_core.errors import InputError, did_you_mean, shown


def class_labels(
    given: Mapping[str, np.ndarray], where: Mapping[str, str], names: Sequence[str] | None = None
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Split → (N,) int64 labels from 0, and the classes' names.

    Parameters
    ----------
    given
        Split → (N,) or (N, 1), whole numbers from 0 (floats only if they are whole), or names.
        Without "pool", the classes are those of all splits.
    where
        Split → what its array is called in messages.
    names
        Names of the classes, in order. None: numbers are their own names, from 0 to the pool's
        largest; names are those of the pool, sorted.

    Raises
    ------
    InputError
        One line: the array, the row, the value, what is allowed.
    """
    if not given:
        return {}, list(names or ())
    given = {split: one_column(labels) for split, labels in given.items()}
    kinds = {split: _kind(labels, where[split]) for split, labels in given.items()}
    first = POOL if POOL in given else next(iter(given))
    for split, kind in kinds.items():
        if kind != kinds[first]:
            of_first = "the pool" if first == POOL else where[first]
            told = f"{where[split]}: labels are {kind}; those of {of_first} are {kinds[first]}"
            raise InputError(f"{told}; allowed: the same in all splits")
    convert = _numbers if kinds[first] == "numbers" else _names
    values = {split: convert(labels, where[split]) for split, labels in given.items()}
    if convert is _names:
        return _named(values, where, names)
    return _numbered(values, where, names)


def one_column(array: np.ndarray) -> np.ndarray:
    """(N,) of an array (N, 1), as a table's column becomes with pandas; others as they are."""
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def refuse_gaps(given: np.ndarray, labels: np.ndarray, where: str) -> None:
    """`InputError` where labels (N,), `given` as numbers, have a gap: a class without a row.

    Names have no gaps. Often, numbers with a gap begin at 1.
    """
    absent = np.flatnonzero(np.bincount(labels) == 0)
    if given.dtype.kind in "biuf" and len(absent):
        told = f"{where}: no row has label {absent[0]}, of 0 to {labels.max()}"
        hint = "subtract 1, or " if absent.tolist() == [0] else ""
        raise InputError(
            f"{told} ({len(absent):,} of these are missing); allowed: whole numbers from 0 without "
            f"a gap: {hint}save the labels as text, which are then names"
        )


def label_columns(
    given: Mapping[str, np.ndarray], where: Mapping[str, str], names: Sequence[str] | None = None
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Split → (N, C) uint8 of 0 and 1, and the classes' names.

    Parameters
    ----------
    given
        Split → (N, C) numbers or booleans: whether a row belongs to each class; "pool" among them.
    where, names
        As for `class_labels`; without names, they are the columns' numbers.

    Raises
    ------
    InputError
        One line: the array, the row, the value, what is allowed.
    """
    found = {}
    for split, labels in given.items():
        if labels.dtype.kind not in "biuf" or labels.ndim != 2:
            told = f"{where[split]}: labels are {labels.dtype} of shape {labels.shape}"
            raise InputError(f"{told}; allowed: (N, C) of 0 and 1")
        if names is not None and labels.shape[1] != len(names):
            told = f"{where[split]}: {labels.shape[1]} columns of labels"
            raise InputError(f"{told}; allowed: {len(names)}, the classes of `classes`")
        if labels.shape[1] != given[POOL].shape[-1]:
            told = f"{where[split]}: {labels.shape[1]} columns of labels"
            raise InputError(f"{told}; allowed: {given[POOL].shape[-1]}, as in the pool")
        wrong = ~((labels == 0) | (labels == 1))
        if wrong.any():
            row, column = (int(one) for one in np.argwhere(wrong)[0])
            told = f"{where[split]}: row {row}, column {column}: label {labels[row, column]}"
            raise InputError(f"{told}; allowed: 0, 1")
        found[split] = labels.astype(np.uint8)
    count = found[POOL].shape[1]
    return found, [str(label) for label in range(count)] if names is None else list(names)


def _kind(labels: np.ndarray, where: str) -> str:
    if labels.dtype.kind not in "biufUTS":
        told = f"{where}: labels are {labels.dtype}"
        raise InputError(f"{told}; allowed: whole numbers from 0, or names of classes")
    if labels.ndim != 1:
        told = f"{where}: labels have the shape {labels.shape}"
        raise InputError(
            f"{told}; allowed: (N,), the label of each row; of columns with one 1 a row, "
            "labels.argmax(axis=1)"
        )
    if not len(labels):
        raise InputError(f"{where}: no labels; allowed: one for each row")
    return "names" if labels.dtype.kind in "UTS" else "numbers"


def _numbers(labels: np.ndarray, where: str) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        bad = ~((labels >= 0) & (labels == np.floor(labels)) & (labels < 2**53))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        value = labels[row]
        is_missing = value != value
        told = "missing" if is_missing else f"{value}"
        raise InputError(
            f"{where}: row {row}: label {told}; allowed: a whole number from 0 for every row (rows "
            "without a label have to be left out)"
        )
    return labels.astype(np.int64)


def _names(labels: np.ndarray, where: str) -> np.ndarray:
    try:
        texts = [one.decode() if isinstance(one, bytes) else str(one) for one in labels.tolist()]
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: labels are not UTF-8; allowed: text in UTF-8") from error
    texts = [same_name(one) for one in texts]
    if "" in texts:
        row = texts.index("")
        raise InputError(f"{where}: row {row}: label missing; allowed: a name for every row")
    return np.array(texts)


def _numbered(
    values: dict[str, np.ndarray], where: Mapping[str, str], names: Sequence[str] | None
) -> tuple[dict[str, np.ndarray], list[str]]:
    pool = values[POOL] if POOL in values else np.concatenate(list(values.values()))
    count = int(pool.max()) + 1 if names is None else len(names)
    if names is None and POOL in values and count > len(pool):
        row = int(pool.argmax())
        raise InputError(
            f"{where[POOL]}: row {row}: label {pool[row]}: {count} classes for {len(pool)} rows; "
            "allowed: whole numbers from 0 without a gap, every class in the pool"
        )
    by = "the classes of the pool" if names is None else "those of `classes`"
    for split, labels in values.items():
        if labels.max() >= count:
            row = int((labels >= count).argmax())
            told = f"{where[split]}: row {row}: label {labels[row]}"
            raise InputError(f"{told}; allowed: a whole number from 0 to {count - 1}, {by}")
    return values, [str(label) for label in range(count)] if names is None else list(names)


def _named(
    values: dict[str, np.ndarray], where: Mapping[str, str], names: Sequence[str] | None
) -> tuple[dict[str, np.ndarray], list[str]]:
    of = {POOL: values[POOL]} if POOL in values else values
    if names is None:
        known = sorted(set(whole_names(np.concatenate(list(of.values())).tolist())))
        for split, labels in of.items():
            if (mark := first_mark(labels.tolist())) is not None:
                row = labels.tolist().index(mark)
                raise InputError(f"{where[split]}: row {row}: label {mark}; allowed: {MARKED}")
    else:
        known = list(names)
    place = {name: number for number, name in enumerate(known)}
    by = "the pool" if names is None else "`classes`"
    found = {}
    for split, labels in values.items():
        texts = whole_names(labels.tolist(), place)
        numbers = np.array([place.get(one, -1) for one in texts], np.int64)
        if (numbers < 0).any():
            row = int((numbers < 0).argmax())
            value = str(labels[row])
            raise InputError(
                f"{where[split]}: row {row}: label {shown(value)}{did_you_mean(value, place)}; "
                f"allowed: one of the {len(known)} classes of {by}"
            )
        found[split] = numbers
    return found, known
