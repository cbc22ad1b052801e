"""Your own texts as Hugging Face's package datasets saves them, by `save_to_disk`.

Read by the package pyarrow; datasets itself is not needed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.datasets import POOL, RawDataset, Source
from labelbench_core.datasets.file_formats.arrow_folder import (
    SPLITS,
    class_names,
    feature_names,
    image_columns,
    read_split,
)
from labelbench_core.datasets.file_formats.arrow_folder import split_files as files_of_split
from labelbench_core.datasets.tables import split_files
from labelbench_core.datasets.tables.saved_splits import SavedCells, label_text, split_places
from labelbench_core.datasets.tables.tabular import Cells, all_cells
from labelbench_core.datasets.tables.text_cells import dataset_of_texts, refuse_blank
from labelbench_core.errors import InputError, listed, shown
from labelbench_core.storage.places import printable

INFO = {
    "summary": "your own texts as save_to_disk of Hugging Face's package datasets writes them",
    "license": "your own",
    "paper": "",
    "required": ["folder"],
    "rows": "texts",
    "weights": "weight_column",
}


def check(data_dir: Path, *, allow_missing_classes: bool = False, **options: Any) -> dict[str, int]:
    """Sizes of the splits, all of them read; `InputError` for what is wrong in one of them."""
    raw, folder = load(data_dir, **options), str(options["folder"])
    return split_files.sizes(raw, allow_missing_classes, dict.fromkeys(raw.splits, folder))


def load(
    data_dir: Path,
    *,
    folder: str = "",
    text_column: str = "text",
    label_column: str = "label",
    weight_column: str | None = None,
    splits: Mapping[str, str] | None = None,
    allow_missing_classes: bool = False,
) -> RawDataset:
    """All splits, in the order in which they were saved.

    Parameters
    ----------
    data_dir
        `folder` is relative to it.
    folder
        What `save_to_disk` of a `DatasetDict` has written. Default: ours.
    text_column
        Column with the texts. Default: ours.
    label_column
        Column with the label of each text: a `ClassLabel`, which also names the classes, a class's
        name, or its number, from 0. Default: ours.
    weight_column
        Column of all splits with the weight of each text, a number above 0: how many rows it counts
        as. null: each counts once. Default: ours.
    splits
        Split (pool, test, val; any other name is a shifted split) → its name in the folder. null:
        all of them, of which `train` is the pool and `validation` is val. Default: ours.
    allow_missing_classes
        Whether `val`, `test` and shifted splits may lack classes; the pool never may. Default:
        ours.
    """
    places = split_places(data_dir, folder, splits)
    _refuse_images(places[POOL], text_column)
    names = {"text": text_column, "label": label_column, "weight": weight_column}
    names = {key: name for key, name in names.items() if name is not None}
    cells = {split: _cells(place, names) for split, place in places.items()}
    where = f"the feature {printable(label_column)}"
    return dataset_of_texts(cells, class_names(places[POOL], label_column), where)


def source_files(
    data_dir: Path,
    *,
    folder: str = "",
    splits: Mapping[str, str] | None = None,
    **_: Any,
) -> Source | None:
    """All files that are read; None if one of them is not there."""
    try:
        places = split_places(data_dir, folder, splits)
        files = [file for place in places.values() for file in files_of_split(place)]
    except InputError:
        return None
    names = {file.relative_to(data_dir).as_posix() for file in files}
    return Source(Path(data_dir), sorted(names | {f"{folder}/{SPLITS}"}))


def pool_labels(data_dir: Path, **options: Any) -> tuple[np.ndarray, list[str]]:
    """(N,) labels of the pool and the classes' names."""
    raw = load(data_dir, **options)
    return raw.splits[POOL].labels, raw.class_names


def _refuse_images(folder: Path, text_column: str) -> None:
    """`InputError` where a split has images, and no texts, that says what reads these."""
    images = image_columns(folder)
    if images and text_column not in feature_names(folder):
        told = f"options.text_column: {shown(text_column)}: {printable(folder)} has no such column"
        raise InputError(
            f"{told}, but images ({listed(images)}); allowed: a column of texts, or "
            "`implementation: hugging-face-saved-images`"
        )


def _cells(folder: Path, names: Mapping[str, str]) -> Cells:
    """Texts, labels and more of a split, `names` its columns."""
    text_column, label_column = names["text"], names["label"]
    found = read_split(folder, {f"options.{key}_column": name for key, name in names.items()})
    for row, text in enumerate(found[text_column]):
        if not isinstance(text, str | None):
            told = f"{printable(folder)}: row {row}: column {printable(text_column)}"
            raise InputError(f"{told}: {shown(text)}; allowed: text")
    classes = class_names(folder, label_column)
    columns = {
        "text": [text or "" for text in found[text_column]],
        "label": [label_text(value, classes) for value in found[label_column]],
    }
    if "weight" in names:
        columns["weight"] = [label_text(value, None) for value in found[names["weight"]]]
    cells = all_cells(folder, names, columns)
    return refuse_blank(SavedCells(folder, cells.names, cells.columns, cells.rows))
