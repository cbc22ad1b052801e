"""Your own images in Hugging Face's layout `imagefolder`: `train/metadata.csv` beside the images.

A folder, or one for each split, holds images and `metadata.csv` or `metadata.jsonl`, whose column
`file_name` is the path of a row's image, relative to that folder. Metadata of the whole folder
whose images all lie in folders of splits (`train/1.jpg`, `test/2.jpg`) mean these splits, as in
Hugging Face's package datasets. Where there is no test, one is drawn. Images are listed, never
copied.
"""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np

from labelbench_core.datasets import POOL, TEST, VAL, RawDataset, Source, split_order
from labelbench_core.datasets.file_formats.columns import read_columns
from labelbench_core.datasets.files.left_out import LeftOut
from labelbench_core.datasets.files.names import below
from labelbench_core.datasets.folders.listing import Listing, list_flat
from labelbench_core.datasets.folders.split_names import SPLIT_NAME, split_meant
from labelbench_core.datasets.labels.unlabeled import refuse_given
from labelbench_core.datasets.splits.draw_options import asking
from labelbench_core.datasets.table import common_folder, read_class_names
from labelbench_core.datasets.tables.beside_labels import weights_of
from labelbench_core.datasets.tables.drawn_tables import with_draw
from labelbench_core.datasets.tables.tabular import (
    Cells,
    Tabular,
    all_cells,
    check_paths,
    groups_of,
    labels_of,
)
from labelbench_core.datasets.tables.unlabeled_tables import labels_of_others
from labelbench_core.errors import InputError, listed, shown
from labelbench_core.registry.options import Interval, Pixels
from labelbench_core.storage.places import is_folder, printable

INFO = {
    "summary": "your own images in Hugging Face's layout, with metadata.csv or metadata.jsonl",
    "license": "your own",
    "paper": "",
    "required": ["folder"],
    "in_files": True,
    "groups": "group_column",
    "weights": "weight_column",
    "unlabeled_by": ["unlabeled"],
    "options_of": "labelbench_core.datasets.splits.draw_options:options",
}
LISTS = {"options.label_column": "in `implementation: table`, with the option `label_separator`"}
"""How lists in the column of labels could be read, for errors of `read_columns`."""
NOT_NAMED = "which no metadata name"
SPLITS = {POOL, VAL, TEST}
METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")


@dataclass(frozen=True)
class Joined(Cells):
    """Rows of several tables, one after another, whose paths begin with their folders."""

    parts: tuple[Cells, ...] = ()

    def error(self, key: str, row: int, allowed: str, value: str | None = None) -> InputError:
        """The error for a cell, in the table that it is of."""
        for part in self.parts:
            if row < len(part.rows):
                return part.error(key, row, allowed, value)
            row -= len(part.rows)
        raise IndexError(row)

    def take(self, rows: np.ndarray) -> "Joined":
        """These rows alone, in ascending order, each still of its table."""
        taken, parts, first = super().take(rows), [], 0
        for part in self.parts:
            of_part = rows[(rows >= first) & (rows < first + len(part.rows))] - first
            parts.append(part.take(of_part))
            first += len(part.rows)
        return Joined(self.file, self.names, taken.columns, taken.rows, tuple(parts))


class Listed(Cells):
    """Images of a folder without metadata."""

    def error(self, key: str, row: int, allowed: str, value: str | None = None) -> InputError:
        """The error for an image, in its folder."""
        name = printable(self.columns[key][row] if value is None else value)
        return InputError(f"{printable(self.file.parent)}: {name}; allowed: {allowed}")


def check(
    data_dir: Path,
    *,
    allow_missing_classes: bool = False,
    corrupt: Literal["error", "skip"] = "error",
    **options: Any,
) -> dict[str, int]:
    """Sizes of the splits, by metadata and by listing folders; `InputError` for what is wrong."""
    read = _read(data_dir, allow_missing_classes=allow_missing_classes, **options)
    return read.check(data_dir, allow_missing_classes=allow_missing_classes, corrupt=corrupt)


def load(
    data_dir: Path,
    *,
    folder: str = "",
    label_column: str = "label",
    group_column: str | None = None,
    weight_column: str | None = None,
    together_column: str | None = None,
    near_together: Annotated[int, Interval(ge=0, le=32)] | None = None,
    image_size: Pixels = 256,
    allow_missing_classes: bool = False,
    corrupt: Literal["error", "skip"] = "error",
    ground: Literal["white", "black"] = "white",
    unlabeled: bool = False,
    classes: str | None = None,
    **draw: Any,
) -> RawDataset:
    """The index of all images, in the order of the metadata; none is opened.

    Parameters
    ----------
    data_dir
        `folder` is relative to it.
    folder
        Folder with the metadata, or with a folder for each split that has metadata: `train` is the
        pool, `validation` is val. Images that no metadata name are left out, counted and named.
        Default: ours.
    label_column
        Column with the label of each image: a class's name, or its number. Default: ours.
    group_column
        Column with the group of each image, for the worst-group accuracy. Default: ours.
    weight_column
        Column with the weight of each image, a number above 0: how many rows it counts as. null:
        each counts once. Default: ours.
    together_column
        Column that says which images belong together (an animal, a patient, a scene): images with
        equal cells are drawn together, those with empty cells one by one. Default: ours.
    near_together
        Images whose perceptual hashes differ in at most this many of 64 bits are drawn together,
        too (needs the package imagehash). null: hashes are not compared. Default: ours.
    image_size
        Side, in pixels, of the squares that images are turned into, in the way of the backbone's
        `resize_mode` (by default, the central square). Default: ours.
    allow_missing_classes
        Whether `val` and `test` may lack classes; the pool never may. Default: ours.
    corrupt
        What happens to files that are missing, or cannot be read or decoded: "error" stops and
        names them; "skip" leaves them out, counted and named. Default: ours.
    ground
        Background colour of transparent parts of an image. Default: ours.
    unlabeled
        Whether the pool has no labels, so that an annotator's are needed: it has no column of
        labels, or no metadata at all (then all images below its folder are taken), no split is
        drawn, and classes are those of `classes` or of the other splits. Default: ours.
    classes
        Text file below the data directory with the classes' names in order, one per line. null: the
        sorted labels. Default: ours.
    """
    read = _read(
        data_dir,
        folder=folder,
        label_column=label_column,
        group_column=group_column,
        weight_column=weight_column,
        **draw,
        together_column=together_column,
        near_together=near_together,
        allow_missing_classes=allow_missing_classes,
        unlabeled=unlabeled,
        classes=classes,
    )
    left_out = {**read.left_out, **_not_named(Path(data_dir, folder), read.cells)}
    read = dataclasses.replace(read, left_out=left_out)
    return read.raw(image_size=image_size, ground=ground, corrupt=corrupt)


def source_files(data_dir: Path, *, folder: str = "", **options: Any) -> Source | None:
    """All images and the metadata; None if the folder is not there."""
    if not folder or not is_folder(Path(data_dir, folder)):
        return None
    return _read(data_dir, folder=folder, **options).source(data_dir)


def pool_labels(
    data_dir: Path, *, corrupt: Literal["error", "skip"] = "error", **options: Any
) -> tuple[np.ndarray, list[str]] | None:
    """(N,) labels of the pool and the classes' names; None where files may be left out later."""
    if corrupt == "skip":
        return None
    read = _read(data_dir, **options)
    return read.labels[read.splits[POOL]], read.class_names


def _read(
    data_dir: Path,
    *,
    folder: str = "",
    label_column: str = "label",
    group_column: str | None = None,
    weight_column: str | None = None,
    together_column: str | None = None,
    allow_missing_classes: bool = False,
    unlabeled: bool = False,
    classes: str | None = None,
    **options: Any,
) -> Tabular:
    """What the metadata say; see `load`."""
    root = below(data_dir, "folder", folder)
    if not folder or not is_folder(root):
        told = f"options.folder: {shown(folder)}: {printable(root)} is not a folder"
        raise InputError(f"{told}; allowed: an existing folder below LABELBENCH_DATA")
    if unlabeled:
        refuse_given(together_column=together_column, **asking(options))
    names = {"label": label_column, "group": group_column, "together": together_column}
    names["weight"] = weight_column
    chosen = {key: name for key, name in names.items() if name is not None}
    left_out = LeftOut()
    tables = _tables(root, pool_may_lack=unlabeled)
    parts = []
    for split, table in tables.items():
        if not table.is_file():
            parts.append(_listed(root, table, left_out, chosen))
            continue
        without = unlabeled and split == POOL
        asked = {f"options.{key}_column": chosen[key] for key in chosen}
        if without:
            del asked["options.label_column"]
        lists = {key: how for key, how in LISTS.items() if key in asked}
        found = read_columns(table, {"path": "file_name", **asked}, lists=lists)
        columns = list(found.values())
        if without:
            columns.insert(1, [""] * len(columns[0]))
        in_order = dict(zip(["path", *chosen], columns, strict=True))
        part = all_cells(table, {"path": "file_name", **chosen}, in_order)
        check_paths(part)
        parts.append(part)
    cells = _joined(root, parts)
    of_row = np.repeat(np.arange(len(parts)), [len(part.rows) for part in parts])
    found = {split: np.flatnonzero(of_row == place) for place, split in enumerate(tables)}
    if tables[POOL].parent == root:
        by_folder = _by_folder(cells.columns["path"])
        if unlabeled and len(by_folder) > 1:
            told = f"options.unlabeled: true; {printable(tables[POOL])} names images of"
            told = f"{told} {listed(sorted(by_folder))}; allowed: metadata in the folder of each"
            raise InputError(f"{told} split")
        found = by_folder or found
    known, told, shared, inner, beside = None, "", folder, "", []
    if classes is not None:
        known = read_class_names(data_dir, classes)
        told = printable(Path(data_dir, classes))
        shared, (inner, *beside) = common_folder(folder, classes)
    if unlabeled:
        labels, class_names = labels_of_others(cells, found, known, told)
    else:
        labels, class_names = labels_of(cells, known, told)
    groups, group_names = groups_of(cells) if group_column is not None else (None, [])
    read = [str(table.relative_to(root)) for table in tables.values() if table.is_file()]
    tabular = Tabular(
        folder=shared,
        cells=cells,
        below=inner,
        labels=labels,
        class_names=class_names,
        splits={split: found[split] for split in sorted(found, key=split_order)},
        others=(*(os.path.normpath(os.path.join(inner, one)) for one in read), *beside),
        groups=groups,
        weights=weights_of(cells),
        group_names=group_names,
        left_out=left_out.described(),
    )
    if unlabeled:
        return tabular
    by = "" if together_column is None else f"column {together_column}"
    return with_draw(tabular, by, may_lack=allow_missing_classes, **options)


def _by_folder(paths: Sequence[str]) -> dict[str, np.ndarray]:
    """Split → rows, where every image is in a folder called as a split, one of them the pool."""
    folders = [path.partition("/")[0] if "/" in path else "" for path in paths]
    meant = {one: split_meant(one) for one in dict.fromkeys(folders)}
    if not {POOL} <= set(meant.values()) <= SPLITS:
        return {}
    of_row = np.array([meant[one] for one in folders])
    return {split: np.flatnonzero(of_row == split) for split in dict.fromkeys(meant.values())}


def _not_named(root: Path, cells: Cells) -> Mapping[str, Mapping]:
    """The images below the folder that no metadata name, as `LeftOut` describes them."""
    named, left_out = set(cells.columns["path"]), LeftOut()
    for path in list_flat(root, "", Listing({}, LeftOut(), [])):
        if path not in named:
            left_out.add(NOT_NAMED, path)
    return left_out.described()


def _listed(root: Path, table: Path, left_out: LeftOut, chosen: Mapping[str, str]) -> Listed:
    """All images below a folder that has no metadata; `InputError` if these are needed."""
    for key in ("group", "weight"):
        if key in chosen:
            told = f"options.{key}_column: {shown(chosen[key])}: {printable(table.parent)} has no"
            raise InputError(f"{told} {METADATA[0]}; allowed: leave it out, or metadata there")
    listing = Listing({}, left_out, [])
    folder = table.parent.relative_to(root).as_posix()
    paths = [path[len(folder) + 1 :] for path in list_flat(root, folder, listing)]
    if not paths:
        raise InputError(f"{printable(table.parent)}: has no image; allowed: at least one")
    columns = {"path": paths, **{key: [""] * len(paths) for key in chosen}}
    return Listed(table, {"path": "file_name", **chosen}, columns, np.arange(len(paths)))


def _tables(root: Path, *, pool_may_lack: bool) -> Mapping[str, Path]:
    """Split → its metadata; `InputError` if there are none, or two of one split.

    With `pool_may_lack`, the pool may have none: then it is a path at which there is no file.
    """
    whole, found = _metadata(root), dict[str, Path]()
    for folder in sorted(one for one in root.iterdir() if one.is_dir()):
        table, split = _metadata(folder), split_meant(folder.name)
        if whole is not None:
            if table is not None and split in SPLITS:
                told = f"{printable(root)}: has {whole.name} and {folder.name}/{table.name}"
                raise InputError(f"{told}; keep one: for all images, or one in each split")
            continue
        if table is None and split == POOL and pool_may_lack:
            table = folder / METADATA[0]
        if table is None:
            continue
        if not SPLIT_NAME.fullmatch(split):
            raise InputError(f"{printable(folder)}: no split; allowed: a name of a-z, 0-9 and -")
        if split in found:
            other = printable(found[split].parent.name)
            told = f"{printable(root)}: has both {other}/ and {folder.name}/, which mean the same"
            raise InputError(f"{told} split; keep one")
        found[split] = table
    if whole is not None:
        return {POOL: whole}
    if POOL not in found:
        raise InputError(
            f"{printable(root)}: no {METADATA[0]} or {METADATA[1]} in it or in train/; without "
            "metadata, `implementation: image-folder` reads a folder for each class"
        )
    return found


def _metadata(folder: Path) -> Path | None:
    """The metadata in a folder, if any; `InputError` for two."""
    there = [folder / name for name in METADATA if (folder / name).is_file()]
    if len(there) > 1:
        told = f"{printable(folder)}: has {' and '.join(one.name for one in there)}"
        raise InputError(f"{told}; keep one")
    return there[0] if there else None


def _joined(root: Path, parts: list[Cells]) -> Joined:
    """The rows of all tables, their paths relative to `root`."""
    columns: dict[str, list[str]] = {key: [] for key in parts[0].columns}
    for part in parts:
        folder = part.file.parent.relative_to(root).as_posix()
        prefix = "" if folder == "." else f"{folder}/"
        for key, cells in part.columns.items():
            columns[key] += [prefix + one for one in cells] if key == "path" else cells
    rows = np.concatenate([part.rows for part in parts])
    return Joined(root, parts[0].names, columns, rows, tuple(parts))
