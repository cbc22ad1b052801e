"""Camelyon17, in the version of WILDS 1.0: 455,954 patches of lymph nodes, with and without tumour.

Bandi et al., "From Detection of Individual Metastases to Classification of Lymph Node Status at the
Patient Level", IEEE TMI 2019; Koh et al., "WILDS: A Benchmark of in-the-Wild Distribution Shifts",
ICML 2021. Read from WILDS's own files, without its package: `metadata.csv`, and the patches in
`patches/`. Pool and test are patches of the same three hospitals (WILDS's `train` and `id_val`);
a fourth and a fifth are the shifted splits `ood-val` and `ood-test`. Groups are the slides.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np

from labelbench_core.datasets import POOL, TEST, RawDataset
from labelbench_core.datasets.file_formats.columns import read_columns
from labelbench_core.datasets.official_files.wilds import WildsFiles
from labelbench_core.datasets.tables.tabular import (
    Cells,
    Tabular,
    all_cells,
    check_paths,
    groups_of,
    keep_rows,
    labels_of,
)
from labelbench_core.registry.options import Pixels

INFO = {
    "summary": "patches of lymph nodes, tumour or not, with shifted splits of other hospitals",
    "license": "CC0-1.0",
    "paper": "https://arxiv.org/abs/2012.07421",
    "in_files": True,
    "groups": True,
    "sizes": {"pool": 302_436, "test": 33_560, "ood-val": 34_904, "ood-test": 85_054},
    "num_classes": 2,
}
METADATA, IMAGES = "metadata.csv", "patches"
COLUMNS = {
    "patient": "patient",
    "node": "node",
    "x": "x_coord",
    "y": "y_coord",
    "label": "tumor",
    "group": "slide",
    "center": "center",
    "split": "split",
}
CLASS_NAMES = ["normal", "tumor"]
OTHER_HOSPITALS = {"1": "ood-val", "2": "ood-test"}
HOSPITALS = ("0", "1", "2", "3", "4")
# What the column `split` says of the other three hospitals.
SPLITS = {"0": POOL, "1": TEST}


def load(
    data_dir: Path,
    *,
    folder: str = "camelyon17_v1.0",
    image_size: Pixels = 96,
    allow_missing_classes: bool = False,
    corrupt: Literal["error", "skip"] = "error",
    ground: Literal["white", "black"] = "white",
) -> RawDataset:
    """The index of all patches, in the order of `metadata.csv`.

    Parameters
    ----------
    data_dir
        `folder` is relative to it.
    folder
        Folder that WILDS unpacks its archive to. Default: the authors' code's (WILDS).
    image_size
        Side, in pixels, of the squares that patches are turned into; the originals have that size.
        Default: the authors' code's (WILDS).
    allow_missing_classes
        Whether `test` may lack a class; the pool never may. Default: ours.
    corrupt
        What happens to files that are missing, or cannot be read or decoded: "error" stops and
        names them; "skip" leaves them out, counted and named. Default: ours.
    ground
        Background colour of transparent parts of an image. Default: ours.
    """
    found = FILES.tabular(data_dir, folder=folder)
    return found.raw(image_size=image_size, ground=ground, corrupt=corrupt)


def _read(data_dir: Path, folder: str, **_options: Any) -> Tabular:
    """What the table says."""
    root = Path(data_dir, folder)
    file = root / METADATA
    options = {f"column of the {key}": name for key, name in COLUMNS.items()}
    columns = dict(zip(COLUMNS, read_columns(file, options).values(), strict=True))
    columns["path"] = [
        f"patient_{patient}_node_{node}/patch_patient_{patient}_node_{node}_x_{x}_y_{y}.png"
        for patient, node, x, y in zip(*(columns[key] for key in list(COLUMNS)[:4]), strict=True)
    ]
    cells = all_cells(file, {**COLUMNS, "path": COLUMNS["patient"]}, columns)
    check_paths(cells)
    cells, splits = _split(cells)
    labels, _ = labels_of(cells, CLASS_NAMES, "Camelyon17")
    groups, group_names = groups_of(cells)
    return Tabular(
        folder=folder,
        cells=cells,
        below=IMAGES,
        labels=labels,
        class_names=CLASS_NAMES,
        splits=splits,
        others=(METADATA,),
        groups=groups,
        group_names=group_names,
    )


def _split(cells: Cells) -> tuple[Cells, dict[str, np.ndarray]]:
    """The rows, and each split's places among them."""
    names = [POOL, TEST, *OTHER_HOSPITALS.values()]
    of_row = []
    columns = cells.columns
    for row, (center, split) in enumerate(zip(columns["center"], columns["split"], strict=True)):
        if center not in HOSPITALS:
            raise cells.error("center", row, "a whole number from 0 to 4")
        name = OTHER_HOSPITALS.get(center) or SPLITS.get(split)
        if name is None:
            raise cells.error("split", row, "0 (training) or 1 (validation)")
        of_row.append(names.index(name))
    return keep_rows(cells, np.array(of_row), names)


FILES = WildsFiles(
    name="Camelyon17 1.0",
    folder="camelyon17_v1.0",
    needed=(METADATA, IMAGES),
    layout="metadata.csv and patches/patient_004_node_4/…",
    read=_read,
    allow_missing_classes=False,
)
check, source_files, pool_labels = FILES.check, FILES.source_files, FILES.pool_labels
