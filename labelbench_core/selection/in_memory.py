"""Rounds on embeddings in memory, for users of the library: no file is read or written."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from labelbench_core.annotators.annotations import Annotations
from labelbench_core.datasets import (
    BOTH,
    EVALUATION,
    POOL,
    TRAINING,
    WEIGHTS_FOR,
    split_order,
)
from labelbench_core.datasets.files.names import require_classes
from labelbench_core.datasets.labels.class_labels import (
    class_labels,
    label_columns,
    one_column,
    refuse_gaps,
)
from labelbench_core.datasets.rows.row_kinds import check_embeddings
from labelbench_core.datasets.tables.beside_labels import weights_in
from labelbench_core.embeddings.statistics import column_statistics
from labelbench_core.errors import InputError, listed, shown
from labelbench_core.proxies import Statistics
from labelbench_core.selection.data import RoundData
from labelbench_core.storage.files import sha256_arrays
from labelbench_core.storage.rows import ArrayRows


def round_data(
    splits: Mapping[str, tuple[np.ndarray, np.ndarray | None]],
    class_names: Sequence[str] | None = None,
    annotations: Annotations | None = None,
    weights: Mapping[str, np.ndarray] | None = None,
    weights_for: Literal["both", "evaluation", "training"] = "both",
    multilabel: bool = False,
) -> RoundData:
    """What rounds on embeddings in memory read.

    Parameters
    ----------
    splits
        Split → embeddings (N, D), floats or integers, which are kept as float16 or else float32,
        and labels (N,): whole numbers from 0, or names of classes. "pool", and any others, such as
        "test". Labels of the pool may be None: then `annotations` give those that are bought. With
        `multilabel`, labels are (N, C) of 0 and 1, a column for each class.
    class_names
        Names of the classes, in order, also of those of which no split has a row. None: the labels
        of the pool, sorted; without these, those of all splits; with `multilabel`, the columns'
        numbers.
    annotations
        An annotator's labels of the pool. None: the pool's own labels.
    weights
        Split → (N,) weight of each row, a number above 0. Rows of splits that are not named have
        weight 1.
    weights_for
        Whether they count in metrics ("evaluation"), in "training", or in "both".
    multilabel
        Whether a row can belong to any number of classes.

    Raises
    ------
    InputError
        One line: the split, the row, the value, and what is allowed.
    """
    _require_mapping("splits", splits, "(embeddings, labels)")
    for split, one in splits.items():
        _require_pair(split, one)
    if POOL not in splits:
        raise InputError(f"splits: {listed(splits)}; allowed: {POOL}, and others, such as test")
    order = sorted(splits, key=split_order)
    arrays = {split: np.asarray(splits[split][0]) for split in order}
    given = {
        split: np.asarray(labels)
        for split in order
        if (labels := splits[split][1]) is not None or split != POOL
    }
    if not given and class_names is None:
        raise InputError("class_names: missing, and no split has labels; allowed: their names")
    if class_names is not None:
        if isinstance(class_names, np.ndarray):
            class_names = class_names.tolist()
        _require_names(class_names)
    where = {split: f"split {split}" for split in given}
    _require_shapes(given, multilabel=multilabel)
    labels, names = (label_columns if multilabel else class_labels)(given, where, class_names)
    require_classes(names, f"split {POOL}")
    if class_names is None and POOL in given and not multilabel:
        refuse_gaps(given[POOL], labels[POOL], f"split {POOL}")
    width = None
    for split, array in arrays.items():
        check_embeddings(f"split {split}", array, len(labels.get(split, array)), width)
        width = (array.shape[1], "the pool")
    halves = all(array.dtype == np.float16 for array in arrays.values())
    dtype = np.float16 if halves else np.float32
    rows = {split: ArrayRows(array.astype(dtype, copy=False)) for split, array in arrays.items()}
    if weights_for not in WEIGHTS_FOR:
        raise InputError(f"weights_for: {shown(weights_for)}; allowed: {listed(WEIGHTS_FOR)}")
    of_rows = {} if weights is None else _weights(weights, arrays)
    mean, std = column_statistics(rows[POOL])
    content = {f"{split}-embeddings": array for split, array in arrays.items()}
    content |= {f"{split}-labels": labels[split] for split in labels}
    content |= {f"{split}-weights": of_rows[split] for split in of_rows}
    fingerprint = sha256_arrays(content | ({weights_for: np.ones(1)} if of_rows else {}))
    return RoundData(
        embeddings=rows,
        truth=labels,
        num_classes=len(names),
        statistics=Statistics(np.array(mean), np.array(std)),
        source=fingerprint,
        dataset_fingerprint=fingerprint,
        annotations=annotations,
        weights=of_rows if weights_for in (BOTH, EVALUATION) else {},
        training_weights=of_rows if weights_for in (BOTH, TRAINING) else {},
    )


def _require_shapes(given: Mapping[str, np.ndarray], *, multilabel: bool) -> None:
    """`InputError` for columns of labels without `multilabel`, or no labels of the pool with it."""
    if multilabel and POOL not in given:
        told = "multilabel: True, and the pool has no labels, for which there is no annotator"
        raise InputError(f"{told}; allowed: labels (N, C) of the pool")
    for split, labels in given.items():
        if not multilabel and labels.ndim == 2 and labels.shape[1] > 1:
            raise InputError(
                f"split {split}: labels have the shape {labels.shape}; allowed: (N,), the label of "
                "each row, of columns with one 1 a row labels.argmax(axis=1); or with "
                "multilabel=True (N, C) of 0 and 1, where a row can belong to any number of classes"
            )


def _require_names(class_names: Any) -> None:
    """`InputError` unless names of classes are several texts, each once."""
    if type(class_names) not in (list, tuple) or len(class_names) < 2:
        told = f"class_names: {shown(class_names)}"
        raise InputError(f"{told}; allowed: a list of at least two names")
    for place, name in enumerate(class_names):
        if not isinstance(name, str) or name in class_names[:place]:
            told = f"class_names: {place}: {shown(name)}"
            raise InputError(f"{told}; allowed: texts, each once")


def _require_mapping(what: str, value: object, example: str) -> None:
    """`InputError` unless something is a mapping of splits."""
    if not isinstance(value, Mapping):
        allowed = f"a mapping, such as {{{POOL!r}: {example}}}"
        raise InputError(f"{what}: {_kind(value)}; allowed: {allowed}")


def _require_pair(split: str, value: Any) -> None:
    """`InputError` unless a split is embeddings and labels."""
    if isinstance(value, np.ndarray) or not hasattr(value, "__len__") or len(value) != 2:
        told = f"splits: {split}: {_kind(value)}"
        raise InputError(f"{told}; allowed: two arrays, (embeddings, labels)")


def _kind(value: Any) -> str:
    """What a value is, without its rows."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    return f"{len(value)} values" if hasattr(value, "__len__") else shown(value)


def _weights(
    given: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Split → (N,) float32 weights of its rows, checked."""
    _require_mapping("weights", given, "weights of its rows")
    for split in given:
        if split not in arrays:
            raise InputError(f"weights: {shown(split)}: no such split; allowed: {listed(arrays)}")
    return {
        split: weights_in(
            one_column(np.asarray(one)), len(arrays[split]), f"weights: split {split}"
        )
        for split, one in given.items()
    }
