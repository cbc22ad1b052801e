"""Your own images as Hugging Face's package datasets saves them, by `save_to_disk`.

Read by the package pyarrow; datasets itself is not needed. Images are decoded when the data set is
prepared, and kept as pixels.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from labelbench_core.datasets import POOL, RawDataset, RawSplit, Source
from labelbench_core.datasets.file_formats.arrow_folder import (
    SPLITS,
    check_images,
    class_names,
    image_columns,
    image_paths,
    is_single,
    read_images,
    read_split,
)
from labelbench_core.datasets.file_formats.arrow_folder import split_files as files_of_split
from labelbench_core.datasets.files.left_out import CORRUPT, LeftOut
from labelbench_core.datasets.splits.dividing import divided
from labelbench_core.datasets.splits.draw_options import asked_draw
from labelbench_core.datasets.splits.draw_options import options as draw_options
from labelbench_core.datasets.splits.drawing import Draw
from labelbench_core.datasets.tables import split_files
from labelbench_core.datasets.tables.beside_labels import weights_of
from labelbench_core.datasets.tables.saved_splits import SavedCells, label_text, split_places
from labelbench_core.datasets.tables.tabular import all_cells, labels_of
from labelbench_core.errors import InputError, listed, shown
from labelbench_core.registry.options import Pixels
from labelbench_core.storage.places import printable

INFO = {
    "summary": "your own images as save_to_disk of Hugging Face's package datasets writes them",
    "license": "your own",
    "paper": "",
    "required": ["folder"],
    "weights": "weight_column",
    "options_of": "labelbench_core.datasets.splits.draw_options:options",
}
OPTION = "options.image_column"


@dataclass(frozen=True)
class Saved:
    """What was saved, but for the images.

    Attributes
    ----------
    places
        Split → its folder.
    images
        The column of images.
    raw
        Labels and weights of all splits.
    """

    places: Mapping[str, Path]
    images: str
    raw: RawDataset


def check(
    data_dir: Path,
    *,
    folder: str = "",
    image_column: str | None = None,
    label_column: str = "label",
    weight_column: str | None = None,
    splits: Mapping[str, str] | None = None,
    allow_missing_classes: bool = False,
    corrupt: str = "error",
    image_size: int = 256,
    ground: str = "white",
    **draw: Any,
) -> dict[str, int]:
    """Sizes of the splits, by their labels; `InputError` for what is wrong. No image is read."""
    raw = _read(data_dir, folder, image_column, label_column, weight_column, splits).raw
    # Images that are the same are drawn together: only preparing knows them.
    named = [str(row) for row in range(len(raw.splits[POOL].labels))]
    parts = raw.splits | {POOL: replace(raw.splits[POOL], file_sha256=named)}
    raw = _drawn(replace(raw, splits=parts), folder, allow_missing_classes, **draw)
    return split_files.sizes(raw, allow_missing_classes, dict.fromkeys(raw.splits, folder))


def load(
    data_dir: Path,
    *,
    folder: str = "",
    image_column: str | None = None,
    label_column: str = "label",
    weight_column: str | None = None,
    splits: Mapping[str, str] | None = None,
    image_size: Pixels = 256,
    allow_missing_classes: bool = False,
    corrupt: Literal["error", "skip"] = "error",
    ground: Literal["white", "black"] = "white",
    **draw: Any,
) -> RawDataset:
    """All splits, in the order in which they were saved, their images decoded.

    Parameters
    ----------
    data_dir
        `folder` is relative to it.
    folder
        What `save_to_disk` of a `DatasetDict` has written, or of a `Dataset`, which is the pool.
        Default: ours.
    image_column
        Column with the images: of the feature `Image`, or of bytes, the content of an image file
        each. null: the only such column. Default: ours.
    label_column
        Column with the label of each image: a `ClassLabel`, which also names the classes, a class's
        name, or its number, from 0. Default: ours.
    weight_column
        Column of all splits with the weight of each image, a number above 0: how many rows it
        counts as. null: each counts once. Default: ours.
    splits
        Split (pool, test, val; any other name is a shifted split) → its name in the folder. null:
        all of them, of which `train` is the pool and `validation` is val. Default: ours.
    image_size
        Side, in pixels, of the squares that images are turned into, by their central square. They
        are kept as pixels, of three bytes each. Default: ours.
    allow_missing_classes
        Whether `val`, `test` and shifted splits may lack classes; the pool never may. Default:
        ours.
    corrupt
        What happens to images that are missing, or cannot be read or decoded: "error" stops and
        names them; "skip" leaves them out, counted and named. Default: ours.
    ground
        Background colour of transparent parts of an image. Default: ours.
    """
    saved = _read(data_dir, folder, image_column, label_column, weight_column, splits)
    raw = _decoded(saved, data_dir, folder, image_size, ground, is_strict=corrupt == "error")
    return _drawn(raw, folder, allow_missing_classes, **draw)


def source_files(
    data_dir: Path,
    *,
    folder: str = "",
    image_column: str | None = None,
    splits: Mapping[str, str] | None = None,
    **_: Any,
) -> Source | None:
    """All files that are read; None if one of those that were saved is not there."""
    try:
        places = split_places(data_dir, folder, splits, single=True)
        files = [file for place in places.values() for file in files_of_split(place)]
        column = _image_column(places, image_column)
        paths = {path for place in places.values() for path in image_paths(place, column)}
    except InputError:
        return None
    names = {file.relative_to(data_dir).as_posix() for file in files}
    names |= {inside for path in paths if (inside := _inside(data_dir, folder, path)) is not None}
    if not is_single(Path(data_dir, folder)):
        names.add(f"{folder}/{SPLITS}")
    return Source(Path(data_dir), sorted(names))


def pool_labels(
    data_dir: Path,
    *,
    folder: str = "",
    image_column: str | None = None,
    label_column: str = "label",
    weight_column: str | None = None,
    splits: Mapping[str, str] | None = None,
    corrupt: str = "error",
    allow_missing_classes: bool = False,
    image_size: int = 256,
    ground: str = "white",
    **draw: Any,
) -> tuple[np.ndarray, list[str]] | None:
    """(N,) labels of the pool and the classes' names; None where images decide what is in it."""
    raw = _read(data_dir, folder, image_column, label_column, weight_column, splits).raw
    if corrupt == "skip" or _asked(raw, folder, allow_missing_classes, **draw) is not None:
        return None
    return raw.splits[POOL].labels, raw.class_names


def _read(
    data_dir: Path,
    folder: str,
    image_column: str | None,
    label_column: str,
    weight_column: str | None,
    splits: Mapping[str, str] | None,
) -> Saved:
    """All splits without their images; see `load`."""
    places = split_places(data_dir, folder, splits, single=True)
    column = _image_column(places, image_column)
    names = {"label": label_column}
    if weight_column is not None:
        names["weight"] = weight_column
    known, where = class_names(places[POOL], label_column), f"the feature {printable(label_column)}"
    found: dict[str, RawSplit] = {}
    for split in (POOL, *(one for one in places if one != POOL)):
        check_images(places[split], OPTION, column)
        cells = _cells(places[split], names)
        labels, classes = labels_of(cells, known, where)
        if known is None:
            known, where = classes, "the pool"
        found[split] = RawSplit(labels, weights=weights_of(cells))
    in_order = {split: found[split] for split in places}
    return Saved(places, column, RawDataset(list(known or ()), in_order))


def _image_column(places: Mapping[str, Path], asked: str | None) -> str:
    """The column of images; `InputError` where none is asked for and there is not just one."""
    if asked is not None:
        return asked
    columns = image_columns(places[POOL])
    if len(columns) != 1:
        told = f"{OPTION}: missing; {printable(places[POOL])} has "
        if columns:
            told += f"several columns of images; allowed: {listed(columns)}"
        else:
            told += "no column of images; allowed: a column of the feature `Image`, or of bytes"
        raise InputError(told)
    return columns[0]


def _cells(folder: Path, names: Mapping[str, str]) -> SavedCells:
    """Labels and weights of a split, `names` its columns."""
    found = read_split(folder, {f"options.{key}_column": name for key, name in names.items()})
    classes = {"label": class_names(folder, names["label"])}
    columns = {
        key: [label_text(value, classes.get(key)) for value in found[name]]
        for key, name in names.items()
    }
    cells = all_cells(folder, names, columns)
    return SavedCells(folder, cells.names, cells.columns, cells.rows)


def _asked(raw: RawDataset, folder: str, may_lack: bool, **draw: Any) -> Draw | None:
    """The draw that options ask for; None where nothing is drawn."""
    has, where = list(raw.splits), printable(folder)
    return asked_draw(has=has, where=where, may_lack=may_lack, **draw_options(**draw))


def _drawn(raw: RawDataset, folder: str, may_lack: bool, **draw: Any) -> RawDataset:
    """`raw`, with the splits that options ask for drawn from its pool; else as it is."""
    asked = _asked(raw, folder, may_lack, **draw)
    if asked is None:
        return raw
    try:
        return divided(raw, asked)
    except InputError as error:
        raise InputError(f"{printable(folder)}: {error}") from error


def _decoded(
    saved: Saved, data_dir: Path, folder: str, size: int, ground: str, *, is_strict: bool
) -> RawDataset:
    """All splits with their images; `InputError` names all that cannot be used, if `is_strict`."""
    # Pillow is needed only here: planning does without it.
    from labelbench_core.datasets.images.held_images import decode_held
    from labelbench_core.datasets.source_files.checking import broken_files
    from labelbench_core.datasets.source_files.reading import FRAMES

    found: dict[str, RawSplit] = {}
    left_out, broken = LeftOut(), []
    for split, entry in saved.raw.splits.items():
        place = saved.places[split]
        inside = place.relative_to(data_dir).as_posix()
        contents = (
            lambda content=content, path=path: _content(data_dir, folder, content, path)
            for content, path in read_images(place, saved.images)
        )
        held = decode_held(contents, len(entry.labels), size, ground)
        for row, reason in held.broken.items():
            broken.append((f"{inside}: row {row}", reason))
            left_out.add(CORRUPT, f"{inside}: row {row}", note=reason)
        for row in held.several_frames:
            left_out.add(FRAMES, f"{inside}: row {row}")
        if held.broken:
            entry = replace(entry.take(held.rows), source_rows=held.rows)
        found[split] = replace(entry, images=held.pixels)
    if broken and is_strict:
        total = sum(len(entry.labels) for entry in saved.raw.splits.values())
        raise broken_files(data_dir, broken, total)
    return replace(saved.raw, splits=found, left_out=left_out.described())


def _content(data_dir: Path, folder: str, content: bytes | None, path: str | None) -> bytes:
    """What an image file holds, saved or in a file; `InputError` with only the reason."""
    from labelbench_core.datasets.images.decoding import read_regular

    if content is not None:
        return content
    if path is None:
        raise InputError("no image was saved")
    inside = _inside(data_dir, folder, path)
    if inside is None:
        told = f"its content was not saved, but the path {shown(path)}"
        raise InputError(f"{told}, which is none below LABELBENCH_DATA")
    try:
        return read_regular(Path(data_dir, inside))
    except InputError as error:
        raise InputError(f"{printable(inside)}: {error}") from error


def _inside(data_dir: Path, folder: str, path: str) -> str | None:
    """A path, relative to the saved folder unless absolute, in the data directory; None outside."""
    root = os.path.abspath(data_dir)
    whole = os.path.normpath(os.path.join(root, folder, path))
    is_inside = whole.startswith(root + os.sep) and "\0" not in path
    return os.path.relpath(whole, root) if is_inside else None
