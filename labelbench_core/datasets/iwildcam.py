"""iWildCam 2020, in the version of WILDS 2.0: 203,029 photos of camera traps in 182 classes.

Beery et al., "The iWildCam 2020 Competition Dataset", 2020; Koh et al., "WILDS: A Benchmark of
in-the-Wild Distribution Shifts", ICML 2021. Read from WILDS's own files, without its package:
`metadata.csv`, `categories.csv`, and the images in `train/`. The pool is its training split.
Validation and test are photos of the same traps on other days (`id_val`, `id_test`); photos of
other traps are the shifted splits `ood-val` and `ood-test`. Groups are the traps.
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np

from labelbench_core.datasets import RawDataset
from labelbench_core.datasets.file_formats.columns import read_columns
from labelbench_core.datasets.official_files.wilds import WildsFiles
from labelbench_core.datasets.tables.tabular import (
    WHOLE,
    Tabular,
    all_cells,
    check_paths,
    groups_of,
    labels_of,
    split_rows,
)
from labelbench_core.errors import InputError, shown
from labelbench_core.registry.options import Interval, Pixels
from labelbench_core.storage.places import printable

INFO = {
    "summary": "photos of camera traps, 182 species, with shifted splits of other traps",
    "license": "CDLA-Permissive-1.0",
    "paper": "https://arxiv.org/abs/2012.07421",
    "in_files": True,
    "groups": True,
    "num_classes": "num_classes",
    "sizes": {
        "pool": 129_809,
        "val": 7_314,
        "test": 8_154,
        "ood-val": 14_961,
        "ood-test": 42_791,
    },
}
METADATA, CATEGORIES, IMAGES = "metadata.csv", "categories.csv", "train"
COLUMNS = {"path": "filename", "label": "y", "split": "split", "group": "location_remapped"}
SPLITS = {
    "train": "pool",
    "id_val": "val",
    "id_test": "test",
    "val": "ood-val",
    "test": "ood-test",
}
OTHERS = "other animals"
UNUSED = "99999"  # what `categories.csv` numbers species that no photo shows


def load(
    data_dir: Path,
    *,
    folder: str = "iwildcam_v2.0",
    num_classes: Annotated[int, Interval(ge=2, le=182)] = 182,
    image_size: Pixels = 256,
    allow_missing_classes: bool = True,
    corrupt: Literal["error", "skip"] = "error",
    ground: Literal["white", "black"] = "white",
) -> RawDataset:
    """The index of all images, in the order of `metadata.csv`.

    Parameters
    ----------
    data_dir
        `folder` is relative to it.
    folder
        Folder that WILDS unpacks its archive to. Default: the authors' code's (WILDS).
    num_classes
        Number of classes: the last one takes in all further species, so that 14 gives the data of
        LabelBench's published results. Default: the authors' code's (WILDS).
    image_size
        Side, in pixels, of the squares that images are turned into, in the way of the backbone's
        `resize_mode` (by default, the central square). Default: ours.
    allow_missing_classes
        Whether `val` and `test` may lack classes, as the official ones do. Default: ours.
    corrupt
        What happens to files that are missing, or cannot be read or decoded: "error" stops and
        names them; "skip" leaves them out, counted and named. Default: ours.
    ground
        Background colour of transparent parts of an image. Default: ours.
    """
    found = FILES.tabular(data_dir, folder=folder, num_classes=num_classes)
    return found.raw(image_size=image_size, ground=ground, corrupt=corrupt)


def _read(data_dir: Path, folder: str, *, num_classes: int = 182, **_options: Any) -> Tabular:
    """What both tables say."""
    root = Path(data_dir, folder)
    file = root / METADATA
    options = {f"column of the {key}": name for key, name in COLUMNS.items()}
    columns = read_columns(file, options)
    cells = all_cells(file, COLUMNS, dict(zip(COLUMNS, columns.values(), strict=True)))
    cells, splits, left_out = split_rows(cells, SPLITS)
    check_paths(cells)
    names = _class_names(root / CATEGORIES)
    labels, names = labels_of(cells, names, printable(root / CATEGORIES))
    groups, group_names = groups_of(cells)
    read = Tabular(
        folder=folder,
        cells=cells,
        below=IMAGES,
        labels=labels,
        class_names=names,
        splits=splits,
        others=(METADATA, CATEGORIES),
        groups=groups,
        group_names=group_names,
        left_out=left_out.described(),
    )
    if num_classes >= len(names):
        return read
    merged = [*names[: num_classes - 1], OTHERS]
    return replace(read, labels=np.minimum(labels, num_classes - 1), class_names=merged)


def _class_names(file: Path) -> list[str]:
    """Names of the labels 0, 1, …"""
    columns = read_columns(file, {"label": "y", "name": "name"})
    names: dict[int, str] = {}
    for number, name in zip(columns["label"], columns["name"], strict=True):
        if number == UNUSED:
            continue
        if not WHOLE.fullmatch(number) or not name.strip() or int(number) in names:
            told = f"{printable(file)}: column y: {shown(number)} of name {shown(name)}"
            raise InputError(f"{told}; allowed: a whole number from 0, once each, and a name")
        names[int(number)] = name
    absent = next((number for number in range(len(names)) if number not in names), None)
    if absent is not None:
        told = f"{printable(file)}: column y: {absent} is missing"
        raise InputError(f"{told}; allowed: each number from 0 to {max(names)} once")
    return [names[number] for number in range(len(names))]


FILES = WildsFiles(
    name="iWildCam 2.0",
    folder="iwildcam_v2.0",
    needed=(METADATA, CATEGORIES, IMAGES),
    layout="metadata.csv, categories.csv and the images in train/",
    read=_read,
    allow_missing_classes=True,
)
check, source_files, pool_labels = FILES.check, FILES.source_files, FILES.pool_labels
