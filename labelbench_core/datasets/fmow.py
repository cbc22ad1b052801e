"""Functional Map of the World, as in WILDS 1.1: satellite images of 62 kinds of land use.

Christie et al., "Functional Map of the World", CVPR 2018; Koh et al., "WILDS: A Benchmark of
in-the-Wild Distribution Shifts", ICML 2021. Read from WILDS's own files, without its package:
`rgb_metadata.csv`, `country_code_mapping.csv` and `images/rgb_img_N.png`, N being the row of the
metadata, from 0. The pool, `val` and `test` are the training, validation and test images taken
before 2013. Shifted splits: validation images of 2013 to 2015 (`ood-val`), and test images from
2016 on (`ood-test`). Groups are the regions of the world; a country without one is in no group, as
WILDS leaves "Other" out of the worst region.
"""

import re
from pathlib import Path
from typing import Any, Literal

import numpy as np

from labelbench_core.datasets import POOL, TEST, VAL, RawDataset
from labelbench_core.datasets.file_formats.columns import read_columns
from labelbench_core.datasets.files.left_out import LeftOut
from labelbench_core.datasets.official_files.wilds import WildsFiles
from labelbench_core.datasets.tables.tabular import (
    Cells,
    Tabular,
    all_cells,
    keep_rows,
    labels_of,
    leave_out,
)
from labelbench_core.registry.options import Pixels

INFO = {
    "summary": "satellite images, 62 kinds of land use, with shifted splits of later years",
    "license": "FMoW Challenge Public License",
    "paper": "https://arxiv.org/abs/2012.07421",
    "in_files": True,
    "groups": True,
    "num_classes": 62,
    "sizes": {
        "pool": 76_863,
        "val": 11_483,
        "test": 11_327,
        "ood-val": 19_915,
        "ood-test": 22_108,
    },
}
METADATA, COUNTRIES, IMAGES = "rgb_metadata.csv", "country_code_mapping.csv", "images"
COLUMNS = {
    "split": "split",
    "label": "category",
    "date": "timestamp",
    "country": "country_code",
}
FIRST_SHIFTED, FIRST_OF_TEST = 2013, 2016
# Official split and period (before the shift, its first years, its last ones) → split.
SPLITS = {
    ("train", 0): POOL,
    ("val", 0): VAL,
    ("test", 0): TEST,
    ("val", 1): "ood-val",
    ("test", 2): "ood-test",
}
OFFICIAL = ("train", "val", "test", "seq")
PERIODS = ("before 2013", "of 2013 to 2015", "from 2016 on")
DATE = re.compile(r"([12][0-9]{3})-[01][0-9]-[0-3][0-9]([T ][0-9:.]+(Z|\+00:?00)?)?")
NO_REGION = "Other"
CATEGORIES = [
    "airport",
    "airport_hangar",
    "airport_terminal",
    "amusement_park",
    "aquaculture",
    "archaeological_site",
    "barn",
    "border_checkpoint",
    "burial_site",
    "car_dealership",
    "construction_site",
    "crop_field",
    "dam",
    "debris_or_rubble",
    "educational_institution",
    "electric_substation",
    "factory_or_powerplant",
    "fire_station",
    "flooded_road",
    "fountain",
    "gas_station",
    "golf_course",
    "ground_transportation_station",
    "helipad",
    "hospital",
    "impoverished_settlement",
    "interchange",
    "lake_or_pond",
    "lighthouse",
    "military_facility",
    "multi-unit_residential",
    "nuclear_powerplant",
    "office_building",
    "oil_or_gas_facility",
    "park",
    "parking_lot_or_garage",
    "place_of_worship",
    "police_station",
    "port",
    "prison",
    "race_track",
    "railway_bridge",
    "recreational_facility",
    "road_bridge",
    "runway",
    "shipyard",
    "shopping_mall",
    "single-unit_residential",
    "smokestack",
    "solar_farm",
    "space_facility",
    "stadium",
    "storage_tank",
    "surface_mine",
    "swimming_pool",
    "toll_booth",
    "tower",
    "tunnel_opening",
    "waste_disposal",
    "water_treatment_facility",
    "wind_farm",
    "zoo",
]


def load(
    data_dir: Path,
    *,
    folder: str = "fmow_v1.1",
    image_size: Pixels = 224,
    allow_missing_classes: bool = True,
    corrupt: Literal["error", "skip"] = "error",
    ground: Literal["white", "black"] = "white",
) -> RawDataset:
    """The index of all images, in the order of `rgb_metadata.csv`.

    Parameters
    ----------
    data_dir
        `folder` is relative to it.
    folder
        Folder that WILDS unpacks its archive to. Default: the authors' code's (WILDS).
    image_size
        Side, in pixels, of the squares that images are turned into; the originals have that size.
        Default: the authors' code's (WILDS).
    allow_missing_classes
        Whether `val` and `test` may lack classes; the pool never may. Default: ours.
    corrupt
        What happens to files that are missing, or cannot be read or decoded: "error" stops and
        names them; "skip" leaves them out, counted and named. Default: ours.
    ground
        Background colour of transparent parts of an image. Default: ours.
    """
    found = FILES.tabular(data_dir, folder=folder)
    return found.raw(image_size=image_size, ground=ground, corrupt=corrupt)


def _read(data_dir: Path, folder: str, **_options: Any) -> Tabular:
    """What both tables say."""
    root = Path(data_dir, folder)
    file = root / METADATA
    options = {f"column of the {key}": name for key, name in COLUMNS.items()}
    columns = dict(zip(COLUMNS, read_columns(file, options).values(), strict=True))
    # Files are named by their row in the metadata; rows of no split count, too.
    columns["path"] = [f"rgb_img_{row}.png" for row in range(len(columns["split"]))]
    cells = all_cells(file, {**COLUMNS, "path": "split"}, columns)
    cells, splits, left_out = _split(cells)
    labels, _ = labels_of(cells, CATEGORIES, "FMoW")
    groups, group_names = _regions(cells, root / COUNTRIES)
    return Tabular(
        folder=folder,
        cells=cells,
        below=IMAGES,
        labels=labels,
        class_names=[name.replace("_", " ") for name in CATEGORIES],
        splits=splits,
        others=(METADATA, COUNTRIES),
        groups=groups,
        group_names=group_names,
        left_out=left_out.described(),
    )


def _split(cells: Cells) -> tuple[Cells, dict[str, np.ndarray], LeftOut]:
    """The rows that are in a split, each split's rows, and what is left out."""
    officials, named = cells.codes("split")
    dates, written = cells.codes("date")
    years = []
    for place, text in enumerate(written):
        found = DATE.fullmatch(text)
        if not found:
            row = int(np.argmax(dates == place))
            raise cells.error("date", row, "a date in UTC, such as 2016-01-31T10:20:30Z")
        years.append(int(found[1]))
    period = np.searchsorted([FIRST_SHIFTED, FIRST_OF_TEST], years, side="right")[dates]
    of_row = np.full(len(officials), -1)
    names, left_out = list(SPLITS.values()), LeftOut()
    for place, official in enumerate(named):
        if official not in OFFICIAL:
            row = int(np.argmax(officials == place))
            raise cells.error("split", row, ", ".join(OFFICIAL))
        for number, when in enumerate(PERIODS):
            rows = np.flatnonzero((officials == place) & (period == number))
            split = SPLITS.get((official, number))
            if split is not None:
                of_row[rows] = names.index(split)
            elif len(rows):
                reason = "sequestered images" if official == "seq" else f"{official} images {when}"
                leave_out(left_out, f"{reason}, which are in no split", cells, rows)
    return *keep_rows(cells, of_row, names), left_out


def _regions(cells: Cells, file: Path) -> tuple[np.ndarray, list[str]]:
    """Groups (N,) int64 by the country's region, -1 without one, and the regions' names."""
    columns = read_columns(file, {"country": "alpha-3", "region": "region"})
    region_of = dict(zip(columns["country"], columns["region"], strict=True))
    names = sorted({name for name in region_of.values() if name.strip() and name != NO_REGION})
    place = {name: number for number, name in enumerate(names)}
    numbers, countries = cells.codes("country")
    of_country = [place.get(region_of.get(country, NO_REGION), -1) for country in countries]
    return np.array(of_country, np.int64)[numbers], names


FILES = WildsFiles(
    name="FMoW 1.1",
    folder="fmow_v1.1",
    needed=(METADATA, COUNTRIES, IMAGES),
    layout="rgb_metadata.csv, country_code_mapping.csv and images/rgb_img_0.png, …",
    read=_read,
    allow_missing_classes=True,
)
check, source_files, pool_labels = FILES.check, FILES.source_files, FILES.pool_labels
