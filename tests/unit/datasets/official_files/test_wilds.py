"""iWildCam, fMoW and Camelyon17 in the layout of WILDS: splits, labels and groups by its rules."""

import numpy as np
import pytest

from helpers.pictures_by_table import paint, write_table
from labelbench_core.datasets import camelyon17, fmow, iwildcam, open_dataset
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.errors import InputError

SPECIES = 20
WILD_HEADER = ["", "split", "location_remapped", "location", "y", "filename"]


@pytest.fixture
def wild(tmp_path):
    """iWildCam with 20 species in the pool and three in the other splits; its rows."""
    folder = tmp_path / "iwildcam_v2.0"
    rows = [["train", label % 3, 100 + label % 3, label] for label in range(SPECIES)]
    for split in ("id_val", "id_test", "val", "test"):
        rows += [[split, 5, 105, label] for label in (0, 13, 19)]
    rows = [[number, *row, f"{number}.jpg"] for number, row in enumerate(rows)]
    for number in range(len(rows)):
        paint(folder / "train" / f"{number}.jpg", number)
    write_table(folder / "metadata.csv", WILD_HEADER, rows)
    # Some of the categories have no image.
    species = [[label, 50 + label, f"species {label}"] for label in range(SPECIES)]
    species += [[99999, 7, "unseen"], [99999, 8, "unseen, too"]]
    write_table(folder / "categories.csv", ["y", "category_id", "name"], species)
    return tmp_path, rows


def test_iwildcam_has_the_official_splits_labels_and_traps(wild, tmp_path):
    data, _ = wild
    sizes = {"pool": 20, "val": 3, "test": 3, "ood-test": 3, "ood-val": 3}
    assert iwildcam.check(data) == sizes
    out = tmp_path / "out"
    paths = out / "arrays", out / "manifest.json"
    manifest = prepare_dataset("iwildcam", "iwildcam", {}, data, *paths)
    prepared = open_dataset(out)
    assert prepared.class_names == [f"species {label}" for label in range(SPECIES)]
    assert prepared.labels("pool").tolist() == list(range(SPECIES))
    assert prepared.labels("ood-test").tolist() == [0, 13, 19]
    assert manifest["group_names"] == ["0", "1", "2", "5"]
    assert prepared.groups("test").tolist() == [3, 3, 3]
    assert prepared.groups("pool").tolist() == [label % 3 for label in range(SPECIES)]
    assert manifest["source_files"]["count"] == 20 + 4 * 3 + 2


def test_the_last_class_takes_in_the_rest(wild):
    data, _ = wild
    raw = iwildcam.load(data, num_classes=14)
    assert raw.class_names == [*(f"species {label}" for label in range(13)), "other animals"]
    assert raw.splits["pool"].labels.tolist() == np.clip(np.arange(SPECIES), None, 13).tolist()
    assert raw.splits["test"].labels.tolist() == [0, 13, 13]
    labels, names = iwildcam.pool_labels(data, num_classes=14)
    assert (labels.max(), len(names)) == (13, 14)


def test_official_test_splits_may_lack_classes_unless_that_is_refused(wild):
    data, _ = wild
    with pytest.raises(InputError, match=r"split val has no image of class species 1 "):
        iwildcam.check(data, allow_missing_classes=False)


def test_what_is_missing_or_wrong_in_iwildcam_is_named(wild):
    data, rows = wild
    folder = data / "iwildcam_v2.0"
    write_table(
        folder / "metadata.csv", WILD_HEADER, [*rows[:-1], [31, "test", 5, 5, 20, "31.jpg"]]
    )
    with pytest.raises(
        InputError,
        match=r"metadata.csv: line 33: column y: '20'; .* from 0 to 19",
    ):
        iwildcam.check(data)
    write_table(folder / "categories.csv", ["y", "category_id", "name"], [[0, 1, "a"], [2, 1, "b"]])
    with pytest.raises(InputError, match=r"categories.csv: column y: 1 is missing; allowed: each"):
        iwildcam.check(data)
    (folder / "categories.csv").unlink()
    with pytest.raises(InputError, match=r"categories.csv: not found; get iWildCam 2.0"):
        iwildcam.check(data)
    assert iwildcam.source_files(data, folder="nowhere") is None


DATES = (
    "2012-12-31T23:59:59Z",
    "2013-01-01T00:00:00Z",
    "2015-12-31T23:59:59Z",
    "2016-01-01T00:00:00Z",
)
FMOW_HEADER = ["", "split", "category", "timestamp", "country_code"]


@pytest.fixture
def land(tmp_path):
    """fMoW with every category in the pool, and rows on every side of every date."""
    rows = [["train", name, "2010-05-06T07:08:09Z", "FRA"] for name in fmow.CATEGORIES]
    for split in ("train", "val", "test", "seq"):
        country = {"seq": "XYZ", "val": "ATA"}.get(split, "KEN")
        rows += [[split, "zoo", date, country] for date in DATES]
    folder = tmp_path / "fmow_v1.1"
    write_table(folder / "rgb_metadata.csv", FMOW_HEADER, [[n, *row] for n, row in enumerate(rows)])
    countries = [["France", "FRA", "Europe"], ["Kenya", "KEN", "Africa"], ["Antarctica", "ATA", ""]]
    write_table(folder / "country_code_mapping.csv", ["name", "alpha-3", "region"], countries)
    for number, row in enumerate(rows):
        if row[0] != "seq":
            paint(folder / "images" / f"rgb_img_{number}.png", number)
    return tmp_path, rows


def naive_split(split, year):
    if split == "train" and year < 2013:
        return "pool"
    if split in ("val", "test") and year < 2013:
        return split
    if split == "val" and year < 2016:
        return "ood-val" if year >= 2013 else None
    return "ood-test" if split == "test" and year >= 2016 else None


def test_fmow_is_split_by_date_and_its_images_are_named_by_the_row(land):
    data, rows = land
    raw = fmow.load(data)
    expected = {}
    for number, (split, category, date, _) in enumerate(rows):
        name = naive_split(split, int(date[:4]))
        if name:
            label = fmow.CATEGORIES.index(category)
            expected.setdefault(name, []).append((f"images/rgb_img_{number}.png", label))
    found = {
        split: list(zip(entry.files, entry.labels.tolist(), strict=True))
        for split, entry in raw.splits.items()
    }
    assert found == expected
    assert {split: len(rows) for split, rows in expected.items()} == fmow.check(data)
    assert raw.class_names[1] == "airport hangar"
    assert len(raw.class_names) == 62
    assert sum(entry["count"] for entry in raw.left_out.values()) == 4 + 3 + 1 + 2
    assert raw.left_out["train images of 2013 to 2015, which are in no split"]["count"] == 2
    assert raw.left_out["sequestered images, which are in no split"]["count"] == 4


def test_regions_are_groups_and_countries_without_one_are_in_none(land):
    data, _ = land
    raw = fmow.load(data)
    assert raw.group_names == ["Africa", "Europe"]
    assert raw.splits["pool"].groups.tolist() == [1] * 62 + [0]
    assert raw.splits["ood-val"].groups.tolist() == [-1, -1]
    assert raw.splits["ood-test"].groups.tolist() == [0]


def test_what_is_missing_or_wrong_in_fmow_is_named(land):
    data, rows = land
    folder = data / "fmow_v1.1"

    def write(number, column, value):
        changed = [list(row) for row in rows]
        changed[number][column] = value
        table = [[place, *row] for place, row in enumerate(changed)]
        write_table(folder / "rgb_metadata.csv", FMOW_HEADER, table)

    write(3, 1, "moon base")
    with pytest.raises(InputError, match=r"line 5: column category: 'moon base'; .*the 62"):
        fmow.check(data)
    write(3, 2, "2010-05-06T07:08:09+02:00")
    with pytest.raises(InputError, match=r"line 5: column timestamp: .*; allowed: a date in UTC"):
        fmow.check(data)
    write(3, 0, "validation")
    with pytest.raises(
        InputError, match=r"column split: 'validation'; allowed: train, val, test, seq"
    ):
        fmow.check(data)
    write(3, 0, "train")
    (folder / "images" / "rgb_img_3.png").unlink()
    with pytest.raises(InputError, match=r"line 5: .*rgb_img_3.png is not \(1 of 68 are missing\)"):
        fmow.check(data)
    (folder / "country_code_mapping.csv").unlink()
    with pytest.raises(InputError, match=r"country_code_mapping.csv: not found; get FMoW 1.1"):
        fmow.check(data)


PATCH_HEADER = ["", "patient", "node", "x_coord", "y_coord", "tumor", "slide", "center", "split"]


@pytest.fixture
def patches(tmp_path):
    """Camelyon17 with two patches of each class in the pool, one of each in every other split."""
    folder = tmp_path / "camelyon17_v1.0"
    # Center and split: hospitals 1 and 2 are other splits, whatever their column says.
    places = [(0, 0), (3, 0), (4, 1), (1, 1), (2, 0)]
    rows = []
    for center, split in places:
        for tumor in (0, 1):
            number = len(rows)
            rows.append([number, f"{number:03}", 2, 64, 100 + number, tumor, center, center, split])
            name = f"patch_patient_{number:03}_node_2_x_64_y_{100 + number}.png"
            paint(folder / "patches" / f"patient_{number:03}_node_2" / name, number)
    write_table(folder / "metadata.csv", PATCH_HEADER, rows)
    return tmp_path, rows


def test_camelyon17_has_the_hospitals_as_splits_and_the_slides_as_groups(patches, tmp_path):
    data, _ = patches
    assert camelyon17.check(data) == {"pool": 4, "test": 2, "ood-val": 2, "ood-test": 2}
    out = tmp_path / "out"
    prepare_dataset("camelyon17", "camelyon17", {}, data, out / "arrays", out / "manifest.json")
    prepared = open_dataset(out)
    assert prepared.class_names == ["normal", "tumor"]
    assert prepared.labels("pool").tolist() == [0, 1, 0, 1]
    assert prepared.manifest["group_names"] == ["0", "1", "2", "3", "4"]
    assert prepared.groups("pool").tolist() == [0, 0, 3, 3]
    assert prepared.groups("ood-test").tolist() == [2, 2]
    labels, names = camelyon17.pool_labels(data)
    assert (labels.tolist(), names) == ([0, 1, 0, 1], ["normal", "tumor"])


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("center", 5, r"column center: '5'; allowed: a whole number from 0 to 4"),
        ("split", 2, r"column split: '2'; allowed: 0 \(training\) or 1 \(validation\)"),
        ("tumor", 2, r"column tumor: '2'; .* from 0 to 1"),
        ("node", 3, r"patient_000_node_3/patch_patient_000_node_3_x_64_y_100\.png is not "),
    ],
)
def test_what_is_wrong_in_camelyon17_is_named(patches, column, value, told):
    data, rows = patches
    rows[0][PATCH_HEADER.index(column)] = value
    write_table(data / "camelyon17_v1.0" / "metadata.csv", PATCH_HEADER, rows)
    with pytest.raises(InputError, match=rf"metadata.csv: line 2: .*{told}"):
        camelyon17.check(data)


def test_camelyon17_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"metadata\.csv: not found; get Camelyon17 1\.0"):
        camelyon17.check(tmp_path)
