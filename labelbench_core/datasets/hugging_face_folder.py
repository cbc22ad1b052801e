"""Your own images in Hugging Face's layout `imagefolder`: `train/metadata.csv` beside the images.

A folder, or one for each split, holds images and `metadata.csv` or `metadata.jsonl`, whose column
`file_name` says which image a row is of, relative to its folder. Where there is no test, it is
drawn. Images are listed, never copied.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np

from labelbench_core.datasets import POOL, RawDataset, Source, split_order
from labelbench_core.datasets._columns import read_columns
from labelbench_core.datasets._drawn_tables import with_draw
from labelbench_core.datasets._listing import MEANT, SPLIT_NAME
from labelbench_core.datasets._tabular import (
    Cells,
    Tabular,
    all_cells,
    check_paths,
    groups_of,
    labels_of,
)
from labelbench_core.datasets.names import below, printable
from labelbench_core.errors import InputError, shown
from labelbench_core.registry.options import Count, InnerShare, Interval, Pixels, Seed, ShareBelow1

INFO = {
    "summary": "your own images in Hugging Face's layout, with metadata.csv or metadata.jsonl",
    "license": "your own",
    "paper": "",
    "required": ["folder"],
    "in_files": True,
    "groups": "group_column",
}
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
    test_share: ShareBelow1 | None = None,
    val_share: InnerShare | None = None,
    test_size: Count | None = None,
    val_size: Count | None = None,
    split_seed: Seed = 0,
    together_column: str | None = None,
    near_together: Annotated[int, Interval(ge=0, le=32)] | None = None,
    image_size: Pixels = 256,
    allow_missing_classes: bool = False,
    corrupt: Literal["error", "skip"] = "error",
    ground: Literal["white", "black"] = "white",
) -> RawDataset:
    """The index of all images, in the order of the metadata; none is opened.

    Parameters
    ----------
    data_dir
        `folder` is relative to it.
    folder
        Folder with the metadata, or with a folder for each split that has some: `train` is the
        pool, `validation` is val. Default: ours.
    label_column
        Column with the label of each image: a class's name, or its number. Default: ours.
    group_column
        Column with the group of each image, for the worst-group accuracy. Default: ours.
    test_share
        Share of every class that is drawn for the test, where there is no folder of that split.
        null: 0.2, unless `test_size` says how many. 0: there is no test. Default: ours.
    val_share
        The same for validation; null: none is drawn. Default: ours.
    test_size
        Number of images that are drawn for the test, in place of a share. Default: ours.
    val_size
        The same for validation. Default: ours.
    split_seed
        Seed of the draw. Default: ours.
    together_column
        Column with what an image shares with others (an animal, a patient, a scene): images with
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
    """
    read = _read(
        data_dir,
        folder=folder,
        label_column=label_column,
        group_column=group_column,
        test_share=test_share,
        val_share=val_share,
        test_size=test_size,
        val_size=val_size,
        split_seed=split_seed,
        together_column=together_column,
        near_together=near_together,
        allow_missing_classes=allow_missing_classes,
    )
    return read.raw(image_size=image_size, ground=ground, corrupt=corrupt)


def source_files(data_dir: Path, *, folder: str = "", **options: Any) -> Source | None:
    """All images and the metadata; None if the folder is not there."""
    if not folder or not Path(data_dir, folder).is_dir():
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
    together_column: str | None = None,
    allow_missing_classes: bool = False,
    **options: Any,
) -> Tabular:
    """What the metadata say; see `load`."""
    root = below(data_dir, "folder", folder)
    if not folder or not root.is_dir():
        told = f"options.folder: {shown(folder)}: {printable(root)} is not a folder"
        raise InputError(f"{told}; allowed: an existing folder below LABELBENCH_DATA")
    names = {"label": label_column, "group": group_column, "together": together_column}
    chosen = {key: name for key, name in names.items() if name is not None}
    tables = _tables(root)
    parts = []
    for table in tables.values():
        asked = {f"options.{key}_column": name for key, name in chosen.items()}
        columns = read_columns(table, {"path": "file_name", **asked})
        in_order = dict(zip(["path", *chosen], columns.values(), strict=True))
        part = all_cells(table, {"path": "file_name", **chosen}, in_order)
        check_paths(part)
        parts.append(part)
    cells = _joined(root, parts)
    labels, class_names = labels_of(cells, None)
    groups, group_names = groups_of(cells) if group_column is not None else (None, [])
    of_row = np.repeat(np.arange(len(parts)), [len(part.rows) for part in parts])
    found = {split: np.flatnonzero(of_row == place) for place, split in enumerate(tables)}
    tabular = Tabular(
        folder=folder,
        cells=cells,
        below="",
        labels=labels,
        class_names=class_names,
        splits={split: found[split] for split in sorted(found, key=split_order)},
        others=tuple(str(table.relative_to(root)) for table in tables.values()),
        groups=groups,
        group_names=group_names,
    )
    by = "" if together_column is None else f"column {together_column}"
    return with_draw(tabular, by, may_lack=allow_missing_classes, **options)


def _tables(root: Path) -> Mapping[str, Path]:
    """Split → its metadata; `InputError` if there are none, or two of one split."""
    if whole := _metadata(root):
        return {POOL: whole}
    found: dict[str, Path] = {}
    for folder in sorted(one for one in root.iterdir() if one.is_dir()):
        table = _metadata(folder)
        if table is None:
            continue
        split = MEANT.get(folder.name, folder.name)
        if not SPLIT_NAME.fullmatch(split):
            raise InputError(f"{printable(folder)}: no split; allowed: a name of a-z, 0-9 and -")
        if split in found:
            other = printable(found[split].parent.name)
            told = f"{printable(root)}: has both {other}/ and {folder.name}/, which mean the same"
            raise InputError(f"{told} split; keep one")
        found[split] = table
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
