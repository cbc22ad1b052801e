"""Your own embeddings: arrays that some network has made, with their labels (NumPy, Parquet, Zarr).

No image or text is read. The backbone of such a data set is `precomputed`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.datasets import POOL, RawDataset, RawSplit, Source
from labelbench_core.datasets.file_formats.array_files import (
    ArrayPlace,
    files_of,
    place_of,
    read_array,
)
from labelbench_core.datasets.labels.class_labels import (
    class_labels,
    label_columns,
    one_column,
    refuse_gaps,
)
from labelbench_core.datasets.labels.unlabeled import unknown
from labelbench_core.datasets.rows.row_kinds import check_embeddings
from labelbench_core.datasets.table import read_class_names
from labelbench_core.datasets.tables import split_files
from labelbench_core.datasets.tables.beside_labels import weights_in
from labelbench_core.errors import InputError, did_you_mean, listed, shown

INFO = {
    "summary": "your own embeddings from .npy, .npz, Parquet or Zarr, with their labels",
    "license": "your own",
    "paper": "",
    "required": ["splits"],
    "rows": "embeddings",
    "multilabel_by": ["multilabel"],
    "weights": "weights",
    "unlabeled_by": ["unlabeled"],
    "options_of": "labelbench_core.datasets.splits.draw_options:options",
}
EMBEDDINGS = ("embeddings", "embedding", "features")
LABELS = ("labels", "label")
GROUPS = ("groups", "group")
WEIGHTS = ("weights", "weight", "sample_weight")


def check(data_dir: Path, *, allow_missing_classes: bool = False, **options: Any) -> dict[str, int]:
    """Sizes of the splits, all arrays read; `InputError` for what is wrong in one of them."""
    raw = load(data_dir, **options)
    return split_files.sizes(raw, allow_missing_classes, options["splits"])


def load(
    data_dir: Path,
    *,
    splits: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    weights: Mapping[str, str] | None = None,
    classes: str | None = None,
    multilabel: bool = False,
    unlabeled: bool = False,
    allow_missing_classes: bool = False,
    together: str | None = None,
    **draw: Any,
) -> RawDataset:
    """All splits, as the files have them.

    Parameters
    ----------
    data_dir
        All files are relative to it.
    splits
        Split (pool, test, val; any other name is a shifted split) → `FILE`, or `FILE:ARRAY` where
        the file holds several: `.npy`, an array (N, D); `.npz` or `.zarr`, the array `embeddings`,
        `embedding` or `features`, or the only one; `.parquet` (needs the package pyarrow), a column
        of lists, or `FILE:PREFIX*` for the columns that begin with a prefix. Default: ours.
    labels
        Split → the same for its labels (N,) or (N, 1): names of classes, or whole numbers from 0.
        null: the array or column `labels` or `label` of the split's file. Default: ours.
    weights
        Split → the same for the weight of each of its rows (N,), a number above 0: the row counts
        as that many rows. Rows of splits that are not named have weight 1; null: all rows do.
        Default: ours.
    classes
        Text file with the classes' names in order, one per line. null: the labels of the pool,
        sorted; of multi-label data, the numbers of the columns. Default: ours.
    multilabel
        Whether a row can belong to any number of classes: labels are then (N, C) of 0 and 1, one
        column per class. Default: ours.
    unlabeled
        Whether the pool has no labels, so that an annotator's are needed; classes are then those of
        `classes` or of the other splits. Default: ours.
    allow_missing_classes
        Whether `val`, `test` and shifted splits may lack classes; the pool never may. Default:
        ours.
    together
        `FILE` or `FILE:ARRAY` that says which rows of the pool belong together (a patient, a
        recording), as N names or whole numbers: rows with equal values are drawn together, rows
        with empty names one by one. Default: ours.
    """
    if unlabeled and multilabel:
        told = "options.unlabeled: true; `multilabel` is given, for which there is no annotator"
        raise InputError(f"{told}; allowed: one of the two")
    places, label_places = _places(data_dir, splits, labels, unlabeled=unlabeled)
    weight_places = _named_places(data_dir, "weights", weights, splits or {})
    names = None if classes is None else read_class_names(data_dir, classes)
    arrays = {
        split: read_array(place, EMBEDDINGS, alone=True, dense=True)
        for split, place in places.items()
    }
    check_embeddings(str(places[POOL]), arrays[POOL])
    width = (arrays[POOL].shape[1], "the pool")
    for split in places.keys() - {POOL}:
        check_embeddings(str(places[split]), arrays[split], width=width)
    given = {
        split: _labels(place, is_named=split in (labels or {}))
        for split, place in label_places.items()
    }
    where = {
        split: f"{one}" if one.name else f"{one}: labels" for split, one in label_places.items()
    }
    numbers, class_names = (label_columns if multilabel else class_labels)(given, where, names)
    if names is None and not multilabel and POOL in given:
        refuse_gaps(given[POOL], numbers[POOL], where[POOL])
    if unlabeled:
        numbers[POOL] = unknown(len(arrays[POOL]))
    for split, array in arrays.items():
        if len(array) != len(numbers[split]):
            told = f"{places[split]}: {len(array)} rows, but {len(numbers[split])} labels"
            raise InputError(f"{told} in {label_places[split]}; allowed: one label for each row")
    halves = all(array.dtype == np.float16 for array in arrays.values())
    dtype = np.float16 if halves else np.float32
    raw = RawDataset(
        class_names=class_names,
        splits={
            split: RawSplit(
                numbers[split],
                embeddings=np.asarray(array, dtype),
                weights=_weights(weight_places.get(split), len(array)),
            )
            for split, array in arrays.items()
        },
    )
    return split_files.with_draw(
        raw,
        str(places[POOL]),
        None if together is None else _groups(data_dir, together, len(arrays[POOL])),
        together={"together": together},
        may_lack=allow_missing_classes,
        **draw,
    )


def source_files(
    data_dir: Path,
    *,
    splits: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    weights: Mapping[str, str] | None = None,
    classes: str | None = None,
    unlabeled: bool = False,
    together: str | None = None,
    **_: Any,
) -> Source | None:
    """All files that are read; None if one of them is not there."""
    try:
        places, label_places = _places(data_dir, splits, labels, unlabeled=unlabeled)
        groups = {place_of(data_dir, "together", together)} if together else set()
        weight_places = _named_places(data_dir, "weights", weights, splits or {})
    except InputError:
        return None
    used = {*places.values(), *label_places.values(), *weight_places.values(), *groups}
    names = {name for place in used for name in files_of(place)}
    return Source(Path(data_dir), sorted(names | ({classes} if classes else set())))


def pool_labels(
    data_dir: Path,
    *,
    splits: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    **options: Any,
) -> tuple[np.ndarray, list[str]]:
    """Labels of the pool, -1 where it has none, and the classes' names."""
    raw = load(data_dir, splits=splits, labels=labels, **options)
    return raw.splits[POOL].labels, raw.class_names


def _labels(place: ArrayPlace, *, is_named: bool) -> np.ndarray:
    """The labels of a split; where they are not found, the error says how to name them."""
    try:
        return read_array(place, LABELS, alone=is_named)
    except InputError as error:
        if is_named:
            raise
        hint = "name their place under `labels`, or set `unlabeled: true` where the pool has none"
        raise InputError(f"{error}; {hint}") from error


def _weights(place: ArrayPlace | None, count: int) -> np.ndarray | None:
    """(N,) float32 weights of a split's rows, `count` of them; None where no place is named."""
    if place is None:
        return None
    array = one_column(read_array(place, WEIGHTS, alone=True))
    return weights_in(array, count, f"options.weights: {place}")


def _groups(data_dir: Path, together: str, count: int) -> list[str]:
    """The group of each row of the pool; `InputError` unless there is a name or number for each."""
    place = place_of(data_dir, "together", together)
    array = one_column(read_array(place, GROUPS, alone=True))
    if array.dtype.kind not in "biuUTS" or array.shape != (count,):
        told = f"options.together: {place}: {array.dtype} of shape {array.shape}"
        raise InputError(f"{told}; allowed: ({count},), a name or whole number for each row")
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    return [str(one) for one in array.tolist()]


def _places(
    data_dir: Path,
    splits: Mapping[str, str] | None,
    labels: Mapping[str, str] | None,
    *,
    unlabeled: bool,
) -> tuple[dict[str, ArrayPlace], dict[str, ArrayPlace]]:
    """Split → where its embeddings are, and its labels."""
    splits = splits or {}
    split_files.require_splits(splits)
    if unlabeled and POOL in (labels or {}):
        told = f"options.labels: {POOL}; `unlabeled` says that the pool has none"
        raise InputError(f"{told}; allowed: one of the two")
    named = _named_places(data_dir, "labels", labels, splits)
    places = {split: place_of(data_dir, "splits", value) for split, value in splits.items()}
    label_places = {}
    for split, place in places.items():
        if split == POOL and unlabeled:
            continue
        if split in named:
            label_places[split] = named[split]
        elif place.suffix == ".npy":
            raise InputError(
                f"options.labels: no labels of split {split!r}, whose embeddings are in a .npy "
                f"file; allowed: a file for {split!r}"
            )
        else:
            label_places[split] = ArrayPlace(place.path, place.relative, None)
    return places, label_places


def _named_places(
    data_dir: Path, option: str, given: Mapping[str, str] | None, splits: Mapping[str, str]
) -> dict[str, ArrayPlace]:
    """Split → the place that an option names; `InputError` for what is no split of `splits`."""
    for split in given or {}:
        if split not in splits:
            told = f"options.{option}: {shown(split)}: no such split{did_you_mean(split, splits)}"
            raise InputError(f"{told}; allowed: {listed(splits)}")
    return {split: place_of(data_dir, option, value) for split, value in (given or {}).items()}
