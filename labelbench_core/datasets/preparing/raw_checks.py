"""Whether what a source gives is a data set, as the other stages expect it."""

import inspect
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from labelbench_core.datasets import POOL, RawDataset, RawSplit, class_counts
from labelbench_core.datasets.files.left_out import CORRUPT
from labelbench_core.datasets.files.names import lacks_classes
from labelbench_core.datasets.preparing.notes import left_out_notes
from labelbench_core.datasets.rows.row_kinds import check_embeddings
from labelbench_core.datasets.tables.beside_labels import check_beside, has_weights
from labelbench_core.errors import InputError, shown
from labelbench_core.registry.info import IMAGES
from labelbench_core.storage.places import printable

FULL_SPLITS = ("val", "test")


def require_raw(entry: Mapping[str, Any], raw: object) -> None:
    """`InputError` unless an entry's source gave a data set, whose splits have arrays of labels.

    `InputError` also where rows have weights that the source's `INFO` does not announce.
    """
    source = entry["implementation"]
    if not isinstance(raw, RawDataset):
        raise InputError(f"{source}: load returned {shown(raw)}; allowed: a RawDataset")
    for split, part in raw.splits.items():
        if not isinstance(part, RawSplit) or not isinstance(part.labels, np.ndarray):
            told = f"{source}: load returned {shown(part)} as split {shown(split)}"
            raise InputError(f"{told}; allowed: a RawSplit, with an array of labels")
    if any(one.weights is not None for one in raw.splits.values()) and not has_weights(entry):
        raise InputError(
            f"{source}: its rows have weights, and its INFO does not say so; allowed: "
            "'weights': True, or the name of the option that they come by"
        )


def check_raw(raw: RawDataset, *, allow_missing_classes: bool | None) -> None:
    """`InputError` unless shapes, types, labels and classes are as the other stages expect.

    Parameters
    ----------
    allow_missing_classes
        Whether `val` and `test` may lack classes; None: they may not, and no option says so.
    """
    check_rows(raw)
    for split, entry in raw.splits.items():
        if split == POOL and not entry.has_labels:
            continue
        counts = class_counts(entry.labels, len(raw.class_names))
        missing = [raw.class_names[label] for label in np.flatnonzero(counts == 0)]
        required = split == POOL or (split in FULL_SPLITS and not allow_missing_classes)
        if missing and required:
            where = "" if raw.root is None else printable(raw.root)
            may_lack = split != POOL and allow_missing_classes is not None
            told = lacks_classes(where, split, entry.row, missing, may_lack=may_lack)
            raise InputError(f"{told}{since_corrupt(raw)}")


def check_rows(raw: RawDataset) -> None:
    """`InputError` unless all splits have rows, whose shapes, types and labels fit together."""
    if POOL not in raw.splits:
        raise InputError(f"needs the split pool; has {', '.join(raw.splits) or 'none'}")
    num_classes = len(raw.class_names)
    unlike = next((one for one in raw.class_names if not isinstance(one, str)), None)
    if unlike is not None:
        raise InputError(f"class_names: {shown(unlike)}; allowed: texts")
    # Where nothing has a label, classes need not be known yet: those who label will name them.
    unnamed = not num_classes and not any(one.has_labels for one in raw.splits.values())
    if not unnamed and (num_classes < 2 or len(set(raw.class_names)) != num_classes):
        raise InputError(f"needs at least two classes with different names; has {raw.class_names}")
    for split, entry in raw.splits.items():
        labels = entry.labels
        if not len(labels):
            what = "image left" if entry.rows == IMAGES else "row"
            raise InputError(f"split {split} has no {what}{since_corrupt(raw)}")
        if split != POOL or entry.has_labels:
            _check_labels(split, labels, num_classes)
        if entry.rows != raw.splits[POOL].rows:
            raise InputError(f"split {split}: rows are {entry.rows}, unlike the pool's")
        if entry.embeddings is not None:
            check_embeddings(f"split {split}", entry.embeddings, len(labels), _width(raw))
        elif entry.texts is not None:
            _check_texts(split, entry.texts, len(labels))
        else:
            _check_images(split, entry)
        check_beside(split, entry, raw.group_names)


def _check_texts(split: str, texts: Sequence[str], count: int) -> None:
    """`InputError` unless there is a text for each label, and none is blank."""
    if len(texts) != count:
        raise InputError(f"split {split}: {len(texts)} texts; allowed: one for each label, {count}")
    blank = next((row for row, text in enumerate(texts) if not text.strip()), None)
    if blank is not None:
        raise InputError(f"split {split}: row {blank}: a blank text; allowed: texts with a word")


def _width(raw: RawDataset) -> tuple[int, str] | None:
    """How many features the pool has, and its name, where rows are embeddings of rank 2."""
    pool = raw.splits[POOL].embeddings
    return None if pool is None or pool.ndim != 2 else (pool.shape[1], "the pool")


def _check_labels(split: str, labels: np.ndarray, num_classes: int) -> None:
    """`InputError` unless labels are classes or, where a row has any number, columns of 0 and 1."""
    described = f"split {split}: labels are {labels.dtype} {labels.shape}"
    if labels.ndim == 1:
        if labels.dtype != np.int64:
            raise InputError(f"{described}; allowed: int64 (N,)")
        least, most, highest = labels.min(), labels.max(), num_classes - 1
        right = least >= 0 and most <= highest
    else:
        if labels.shape[1:] != (num_classes,) or labels.dtype != np.uint8:
            raise InputError(f"{described}; allowed: uint8 (N, {num_classes})")
        least, most, highest = labels.min(), labels.max(), 1
        right = most <= highest
    if not right:
        raise InputError(f"split {split}: labels {least} to {most}; allowed: 0 to {highest}")


def _check_images(split: str, entry: RawSplit) -> None:
    """`InputError` unless a split has either images or files, one for each label."""
    if entry.images is not None:
        shape, dtype = entry.images.shape, entry.images.dtype
        if len(shape) != 4 or shape[3] != 3 or dtype != np.uint8 or shape[0] != len(entry.labels):
            told = f"split {split}: images are {dtype} {shape}"
            raise InputError(f"{told}; allowed: uint8 ({len(entry.labels)}, H, W, 3)")
    elif entry.files is None or len(entry.files) != len(entry.labels):
        found = 0 if entry.files is None else len(entry.files)
        told = f"split {split}: {found} images for {len(entry.labels)} labels"
        raise InputError(f"{told}; allowed: one image or one file for each label")


def since_corrupt(raw: RawDataset) -> str:
    """What was left out because it cannot be decoded, as the end of a message."""
    corrupt = {reason: entry for reason, entry in raw.left_out.items() if reason == CORRUPT}
    return "".join(f"; {note}" for note in left_out_notes({"left_out": corrupt}))


def may_lack_classes(component: ModuleType, options: Mapping[str, Any]) -> bool | None:
    """The option `allow_missing_classes`, or its default; None for a source without this option."""
    name = "allow_missing_classes"
    parameter = inspect.signature(component.load).parameters.get(name)
    return None if parameter is None else bool(options.get(name, parameter.default))
