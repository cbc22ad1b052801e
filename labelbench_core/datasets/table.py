"""Your own images, listed in a table (CSV, TSV, JSON Lines, Parquet): each row a path and a label.

Splits and groups come from further columns; where no row is in the test, a test is drawn. Images
are listed, never copied, and decoded when they are embedded.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import numpy as np

from labelbench_core.datasets import POOL, RawDataset, Source
from labelbench_core.datasets.file_formats.columns import read_columns, require_suffix
from labelbench_core.datasets.files.left_out import LeftOut
from labelbench_core.datasets.files.names import below, same_name
from labelbench_core.datasets.tables.beside_labels import weights_of
from labelbench_core.datasets.tables.drawn_tables import with_draw
from labelbench_core.datasets.tables.named_files import (
    check_path_options,
    with_folders_as_splits,
    with_suffix,
)
from labelbench_core.datasets.tables.several_labels import (
    LISTS,
    check_label_options,
    flag_key,
    flagged_labels,
    labels_by,
    option_of,
)
from labelbench_core.datasets.tables.tabular import (
    Tabular,
    all_cells,
    check_paths,
    groups_of,
    named_labels,
    split_rows,
)
from labelbench_core.datasets.tables.unlabeled_tables import check_unlabeled, labels_of_others
from labelbench_core.errors import InputError, shown
from labelbench_core.registry.options import Interval, Pixels
from labelbench_core.storage.places import is_file, is_folder, printable

INFO = {
    "summary": "your own images by a table with their paths, labels, splits and groups",
    "license": "your own",
    "paper": "",
    "required": ["table", "path_column"],
    "in_files": True,
    "multilabel_by": ["label_separator", "label_columns"],
    "groups": "group_column",
    "weights": "weight_column",
    "unlabeled_by": ["unlabeled"],
    "options_of": "labelbench_core.datasets.splits.draw_options:options",
}
FROM_DATA = "(relative paths start at LABELBENCH_DATA)"


def check(
    data_dir: Path,
    *,
    allow_missing_classes: bool = False,
    corrupt: Literal["error", "skip"] = "error",
    **options: Any,
) -> dict[str, int]:
    """Sizes of the splits, by the table and by listing folders; `InputError` for what is wrong."""
    read = _read(data_dir, allow_missing_classes=allow_missing_classes, **options)
    return read.check(data_dir, allow_missing_classes=allow_missing_classes, corrupt=corrupt)


def load(
    data_dir: Path,
    *,
    table: str = "",
    images: str | None = None,
    path_column: str = "",
    path_suffix: str | None = None,
    label_column: str | None = None,
    label_separator: str | None = None,
    label_columns: Sequence[str] | None = None,
    split_column: str | None = None,
    split_by_folder: bool = False,
    splits: Mapping[str, str] | None = None,
    group_column: str | None = None,
    weight_column: str | None = None,
    classes: str | None = None,
    class_column: str | None = None,
    unlabeled: bool = False,
    together_column: str | None = None,
    near_together: Annotated[int, Interval(ge=0, le=32)] | None = None,
    image_size: Pixels = 256,
    allow_missing_classes: bool = False,
    corrupt: Literal["error", "skip"] = "error",
    ground: Literal["white", "black"] = "white",
    **draw: Any,
) -> RawDataset:
    """The index of all images, in the order of the table; none is opened.

    Parameters
    ----------
    data_dir
        `table`, `images` and `classes` are relative to it.
    table
        The file, whose name ends in `.csv`, `.tsv`, `.jsonl` or `.ndjson` (JSON Lines), or
        `.parquet` (which needs the package pyarrow). Default: ours.
    images
        Folder that the paths in the table are relative to; null: the folder of the table. Default:
        ours.
    path_column
        Column with the path of each image. Default: ours.
    path_suffix
        What is missing at the end of each cell of `path_column`, such as `.jpg` where cells are
        numbers of images; null: nothing. Default: ours.
    label_column
        Column with the label of each image: a class's name, or its number, from 0. null: there are
        `label_columns`. Default: ours.
    label_separator
        What stands between the names of classes in `label_column`, where an image can belong to any
        number of classes (an empty cell: none). Lists of JSON Lines and Parquet need it, too. null:
        every image has one class. Default: ours.
    label_columns
        Columns that say, by 0 and 1, or true and false, whether an image belongs to the class of
        the column's name; in place of `label_column`, where an image can belong to any number of
        classes. Default: ours.
    split_column
        Column with the split of each image; null: there is none, and the test is drawn, unless
        `split_by_folder`. Default: ours.
    split_by_folder
        Whether the first folder of each path says the split of the image, as in `train/1.jpg` and
        `test/2.jpg`. Default: ours.
    splits
        Which value of `split_column`, or which folder, means which split (pool, test, val; any
        other name is a shifted split); rows of others are left out. null: the values are the
        splits' names, `train` is the pool and `validation` is val, in upper or lower case. Default:
        ours.
    group_column
        Column with the group of each image, for the worst-group accuracy. Default: ours.
    weight_column
        Column with the weight of each image, a number above 0: how many rows it counts as. null:
        each counts once. Default: ours.
    classes
        Text file with the classes' names in order, one per line. null: as `class_column` says, or
        without it the sorted labels. Default: ours.
    class_column
        Column with the name of the class, where labels are numbers. Default: ours.
    unlabeled
        Whether the pool has no labels, so that an annotator's are needed: its cells of
        `label_column` are not read, no split is drawn, and classes are those of `classes` or of the
        other splits. Default: ours.
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
    """
    read = _read(
        data_dir,
        table=table,
        images=images,
        path_column=path_column,
        path_suffix=path_suffix,
        label_column=label_column,
        label_separator=label_separator,
        label_columns=label_columns,
        split_column=split_column,
        split_by_folder=split_by_folder,
        splits=splits,
        group_column=group_column,
        weight_column=weight_column,
        classes=classes,
        class_column=class_column,
        unlabeled=unlabeled,
        **draw,
        together_column=together_column,
        near_together=near_together,
        allow_missing_classes=allow_missing_classes,
    )
    return read.raw(image_size=image_size, ground=ground, corrupt=corrupt)


def source_files(data_dir: Path, *, table: str = "", **options: Any) -> Source | None:
    """All images, the table and the file of classes; None if the table is not there."""
    if not is_file(Path(data_dir, table)):
        return None
    return _read(data_dir, table=table, **options).source(data_dir)


def pool_labels(
    data_dir: Path, *, corrupt: Literal["error", "skip"] = "error", **options: Any
) -> tuple[np.ndarray, list[str]] | None:
    """(N,) labels of the pool and the classes' names (for `part_of_pool`).

    None where files may still be left out, when they are read.
    """
    if corrupt == "skip":
        return None
    read = _read(data_dir, **options)
    return read.labels[read.splits[POOL]], read.class_names


def _read(
    data_dir: Path,
    *,
    table: str = "",
    images: str | None = None,
    path_column: str = "",
    path_suffix: str | None = None,
    label_column: str | None = None,
    label_separator: str | None = None,
    label_columns: Sequence[str] | None = None,
    split_column: str | None = None,
    split_by_folder: bool = False,
    splits: Mapping[str, str] | None = None,
    group_column: str | None = None,
    weight_column: str | None = None,
    classes: str | None = None,
    class_column: str | None = None,
    unlabeled: bool = False,
    together_column: str | None = None,
    allow_missing_classes: bool = False,
    **options: Any,
) -> Tabular:
    """What the table says; see `load`."""
    is_split = split_by_folder or split_column is not None
    check_path_options(path_suffix, split_by_folder=split_by_folder, split_column=split_column)
    _check_options(is_split, splits, classes, class_column)
    if unlabeled:
        check_unlabeled(label_separator, label_columns, class_column, **options)
    else:
        check_label_options(label_column, label_separator, label_columns, classes, class_column)
    file = below(data_dir, "table", table)
    image_folder = os.path.dirname(table) if images is None else images
    require_suffix(file)
    if not is_file(file):
        told = f"options.table: {shown(table)}: {printable(file)} is not a file"
        raise InputError(f"{told}; allowed: an existing file {FROM_DATA}")
    folder_of_images(data_dir, image_folder)
    names = {"path": path_column, "label": label_column, "split": split_column}
    names |= {"group": group_column, "class": class_column, "together": together_column}
    names["weight"] = weight_column
    chosen = {key: name for key, name in names.items() if name is not None}
    chosen |= {flag_key(place): name for place, name in enumerate(label_columns or ())}
    separators = {} if label_separator is None else {option_of("label"): label_separator}
    asked = {option_of(key): name for key, name in chosen.items()}
    lists = {key: how for key, how in LISTS.items() if key in asked}
    columns = read_columns(file, asked, separators, lists)
    cells = all_cells(file, chosen, dict(zip(chosen, columns.values(), strict=True)))
    cells = with_suffix(cells, path_suffix)
    found, left_out = None, LeftOut()
    if split_by_folder:
        cells = with_folders_as_splits(cells, named=splits is not None)
    if is_split:
        cells, found, left_out = split_rows(cells, splits)
    check_paths(cells)
    if found is None:
        found = {POOL: np.arange(len(cells.rows))}
    known, told = None, ""
    if classes is not None:
        known, told = read_class_names(data_dir, classes), printable(Path(data_dir, classes))
    if unlabeled:
        labels, class_names = labels_of_others(cells, found, known, told)
    elif label_columns is not None:
        labels, class_names = flagged_labels(cells, label_columns)
    elif class_column is not None:
        labels, class_names = named_labels(cells)
    else:
        labels, class_names = labels_by(cells, label_separator, known, told)
    groups, group_names = groups_of(cells) if group_column is not None else (None, [])
    read_beside = [table] if classes is None else [table, classes]
    folder, (inner, *others) = common_folder(image_folder, *read_beside)
    tabular = Tabular(
        folder=folder,
        cells=cells,
        below=inner,
        labels=labels,
        class_names=class_names,
        splits=found,
        others=tuple(others),
        groups=groups,
        weights=weights_of(cells),
        group_names=group_names,
        left_out=left_out.described(),
    )
    by = "" if together_column is None else f"column {together_column}"
    if unlabeled:
        return tabular
    return with_draw(tabular, by, may_lack=allow_missing_classes, **options)


def folder_of_images(data_dir: Path, images: str) -> Path:
    """The folder that the option `images` names; `InputError` if it is not there."""
    folder = below(data_dir, "images", images)
    if not is_folder(folder):
        told = f"options.images: {shown(images)}: {printable(folder)} is not a folder"
        raise InputError(f"{told}; allowed: an existing folder {FROM_DATA}")
    return folder


def _check_options(
    is_split: bool,
    splits: Mapping[str, str] | None,
    classes: str | None,
    class_column: str | None,
) -> None:
    """`InputError` for options that do not go together."""
    if splits is not None and not is_split:
        told = "options.splits: needs `split_column` or `split_by_folder`"
        raise InputError(f"{told}; allowed: leave it out")
    if classes is not None and class_column is not None:
        raise InputError(
            f"options.class_column: {shown(class_column)}; `classes` names the classes already; "
            "allowed: one of the two"
        )


def read_class_names(data_dir: Path, classes: str) -> list[str]:
    """Names of classes, one a line, from the file that the option `classes` names.

    `InputError` if it is not there, for an empty line, and for a name that stands twice.
    """
    path = below(data_dir, "classes", classes)
    if not is_file(path):
        told = f"options.classes: {shown(classes)}: {printable(path)} is not a file"
        raise InputError(f"{told}; allowed: an existing file {FROM_DATA}")
    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip().split("\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{printable(path)}: not UTF-8; allowed: text in UTF-8") from error
    except OSError as error:
        raise InputError(f"{printable(path)}: cannot be read ({error.strerror})") from error
    known: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        name = same_name(line)
        if not name:
            raise InputError(f"{printable(path)}: line {number}: empty; allowed: one name a line")
        if known.setdefault(name, number) != number:
            told = f"{printable(path)}: line {number}: {shown(name)}"
            raise InputError(f"{told}; allowed: each name once; line {known[name]} has it, too")
    return list(known)


def common_folder(*paths: str) -> tuple[str, list[str]]:
    """The deepest folder that a folder and files have in common, and their paths within it.

    The first path is a folder, the others are files.
    """
    folder, *beside = (PurePosixPath("/", path) for path in paths)
    shared = os.path.commonpath([folder, *(path.parent for path in beside)])
    return shared.lstrip("/"), [os.path.relpath(path, shared) for path in (folder, *beside)]
