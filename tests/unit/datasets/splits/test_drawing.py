"""Splits that are drawn: stratified, whole groups, and what was drawn never moves."""

import json
import shutil

import numpy as np
import pytest

from helpers.pictures_by_table import Pets, paint, write_table
from labelbench_core.datasets import DRAWN_FILE, image_folder, open_dataset
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.datasets.splits.drawing import Draw, drawn_splits
from labelbench_core.errors import InputError
from workflow_scripts._completeness import what_is_missing


def draw(labels, units, known=None, **options):
    asked = {"shares": {"test": 0.2}, "sizes": {}, **options}
    names = [f"class {one}" for one in range(max(labels) + 1)]
    known = None if known is None else np.array(known)
    return drawn_splits(Draw(**asked), np.array(labels), units, names, known)


def test_shares_hold_for_every_class_and_sizes_exactly():
    labels = [0] * 100 + [1] * 50 + [2] * 5
    units = [f"{one}.png" for one in range(155)]
    place = draw(labels, units, shares={"test": 0.2, "val": 0.1})
    counts = [np.bincount(np.array(labels)[place == split]).tolist() for split in range(3)]
    assert counts == [[70, 35, 3], [20, 10, 1], [10, 5, 1]]
    place = draw(labels, units, shares={}, sizes={"test": 31, "val": 20})
    assert np.bincount(place).tolist() == [104, 31, 20]


@pytest.mark.parametrize(
    ("counts", "size", "may_lack", "drawn"),
    [
        ([96, 2, 2, 2, 2], 6, False, [2, 1, 1, 1, 1]),  # the largest makes up for the rare ones
        ([20, 20, 20], 3, False, [1, 1, 1]),
        ([20, 20, 20], 1, True, [1, 0, 0]),
        ([30, 10], 8, False, [6, 2]),
    ],
)
def test_a_size_is_met_exactly(counts, size, may_lack, drawn):
    labels = np.repeat(np.arange(len(counts)), counts).tolist()
    units = [f"{one}.png" for one in range(len(labels))]
    place = draw(labels, units, shares={}, sizes={"test": size}, may_lack=may_lack)
    assert np.bincount(np.array(labels)[place == 1], minlength=len(counts)).tolist() == drawn


def test_seed_and_names_decide_whatever_the_order():
    labels, units = [0, 1] * 50, [f"{one}.png" for one in range(100)]
    place = draw(labels, units)
    order = np.random.default_rng(0).permutation(100)
    moved = draw([labels[one] for one in order], [units[one] for one in order])
    assert moved.tolist() == place[order].tolist()
    assert draw(labels, units, seed=1).tolist() != place.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_groups_stay_whole_and_shares_are_close(seed):
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 80, 1000)
    labels = (group % 4 + (rng.random(1000) < 0.2)) % 4
    place = draw(labels.tolist(), [str(one) for one in group], seed=seed)
    for one in range(80):
        assert len(set(place[group == one])) <= 1
    for label in range(4):
        assert abs((place[labels == label] == 1).mean() - 0.2) < 0.05


def test_what_is_known_stays_and_a_new_image_joins_its_group():
    labels, units = [0, 1] * 20, [f"g{one // 4}" for one in range(40)]
    place = draw(labels, units)
    more_labels, more_units = [*labels, 0, 1, 0, 1], [*units, "g0", "g0", "new", "new"]
    again = draw(more_labels, more_units, known=[*place, -1, -1, -1, -1])
    assert again[:40].tolist() == place.tolist()
    assert set(again[40:42]) == {place[0]}
    assert again[42] == again[43]


def test_a_group_in_two_splits_is_left_and_grows_in_the_pool():
    place = draw([0, 0, 1, 1, 0], ["g", "g", "a", "b", "g"], known=[0, 1, 0, 1, -1])
    assert place.tolist() == [0, 1, 0, 1, 0]


def test_a_class_that_cannot_be_drawn_apart_is_named():
    with pytest.raises(InputError, match="class 1 has 4 images in 1 group: none is left for test"):
        draw([0] * 8 + [1] * 4, [*map(str, range(8)), *["g"] * 4])
    labels, units = [0] * 8 + [1], [*map(str, range(9))]
    with pytest.raises(InputError, match=r"class 1 has 1 image: .*allow_missing_classes"):
        draw(labels, units)
    assert draw(labels, units, may_lack=True)[8] == 0
    with pytest.raises(InputError, match=r"test_size: 9: none of 9 images is left for the pool"):
        draw(labels, units, shares={}, sizes={"test": 9})


# ---- of folders and tables


@pytest.fixture
def animals(tmp_path):
    """Two classes, twelve images of six animals each."""
    for place, kind in enumerate(("cat", "dog")):
        for number in range(12):
            name = f"{kind}/{kind}{number // 2}_{number}.png"
            paint(tmp_path / "data" / "pets" / name, 100 * place + number)
    return tmp_path / "data"


def prepare(data, name="out", **options):
    out = data.parent / name
    options = {"folder": "pets", "image_size": 8, **options}
    paths = out / "arrays", out / "manifest.json"
    manifest = prepare_dataset("pets", "image-folder", options, data, *paths)
    prepared = open_dataset(out)
    splits = {
        split: {path for path, _ in json.loads((out / f"arrays/{split}-files.json").read_text())}
        for split in prepared.splits
    }
    return manifest, splits


def test_class_folders_alone_become_pool_and_test(animals):
    manifest, splits = prepare(animals)
    assert {split: len(found) for split, found in splits.items()} == {"pool": 20, "test": 4}
    assert image_folder.check(animals, folder="pets") == {"pool": 20, "test": 4}
    assert manifest["drawn"]["reached"] == {"pool": 20 / 24, "test": 4 / 24}
    assert manifest["splits_note"] == (
        "A folder for each class, none for a split. Drawn by seed 0: 0.2 of every class for test; "
        "reached: pool 83.3%, test 16.7%"
    )
    again, _ = prepare(animals, "other")
    assert again == manifest


def test_images_never_move_when_others_come(animals):
    options = {"together_pattern": r"([a-z]+\d+)_", "test_share": 0.34}
    _, before = prepare(animals, **options)
    assert {len(found) for found in before.values()} == {16, 8}

    def animals_of(found):
        return {path.split("_")[0] for path in found}

    assert not animals_of(before["pool"]) & animals_of(before["test"])
    (animals / "pets/cat/cat0_0.png").rename(animals / "pets/cat/cat0_renamed.png")
    for number in range(6):
        paint(animals / f"pets/cat/cat{number}_9{number}.png", 200 + number)
        paint(animals / f"pets/dog/dog{number + 10}_0.png", 300 + number)
    manifest, after = prepare(animals, **options)
    assert (manifest["drawn"]["known"], manifest["drawn"]["new"]) == (30, 6)
    renamed = {"cat/cat0_0.png": "cat/cat0_renamed.png"}
    for split, found in before.items():
        assert {renamed.get(path, path) for path in found} <= after[split]
    assert not animals_of(after["pool"]) & animals_of(after["test"])
    assert "30 images stay where they were, 6 are new" in manifest["splits_note"]
    (animals.parent / "out" / DRAWN_FILE).write_text("{}")
    with pytest.raises(
        InputError,
        match=r"drawn-splits.json: damaged; delete it and run the same command again to draw all",
    ):
        prepare(animals, **options)


def test_files_of_one_content_are_drawn_together_and_stay(animals):
    for path in sorted((animals / "pets").rglob("*.png")):
        shutil.copy(path, path.with_name(f"copy-of-{path.name}"))
    manifest, before = prepare(animals)
    assert manifest["leaks"] == []
    assert {split: len(found) for split, found in before.items()} == {"pool": 40, "test": 8}
    paint(animals / "pets/cat/new.png", 400)
    for path in sorted((animals / "pets").rglob("copy-of-*.png")):
        shutil.copy(path, path.with_name(f"another-{path.name}"))
    manifest, after = prepare(animals)
    assert manifest["leaks"] == []
    for split, found in before.items():
        assert found <= after[split]


def test_a_plan_sees_that_what_was_drawn_is_lost_or_cut(animals):
    prepare(animals)
    drawn, places = animals.parent / "out" / DRAWN_FILE, ("manifest.json", "arrays")
    places = [animals.parent / "out" / place for place in places]
    assert what_is_missing(*places) is None
    content = drawn.read_bytes()
    drawn.write_bytes(content[:-1])
    told = f"{drawn} has {len(content) - 1:,} bytes of {len(content):,}"
    assert what_is_missing(*places) == told
    drawn.unlink()
    assert what_is_missing(*places) == f"{drawn} is missing"


def test_another_seed_draws_anew(animals):
    _, before = prepare(animals)
    manifest, after = prepare(animals, split_seed=1)
    assert after != before
    assert manifest["drawn"]["known"] == 0


def test_near_duplicates_stay_together(animals):
    shutil.rmtree(animals / "pets")
    from PIL import Image

    rng = np.random.default_rng(0)
    for place in range(10):
        pixels = rng.integers(0, 200, (8, 8, 3), dtype=np.uint8)
        for copy in range(2):
            path = animals / "pets" / ("cat", "dog")[place % 2] / f"{place}-{copy}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels + np.uint8(copy)).resize((32, 32)).save(path)
    _, splits = prepare(animals, near_together=6, test_share=0.4, image_size=32)
    scenes = [{path.split("-")[0] for path in found} for found in splits.values()]
    assert not scenes[0] & scenes[1]
    assert len(scenes[1]) == 4


def test_a_column_keeps_rows_of_a_table_together(tmp_path):
    pets = Pets(tmp_path)
    rows = [[*row, row[0].split("-")[0]] for row in pets.rows]
    write_table(pets.table, [*Pets.HEADER, "scene"], rows)
    options = {**Pets.OPTIONS, "split_column": None, "splits": None, "together_column": "scene"}
    options = {key: value for key, value in options.items() if value is not None}
    out = tmp_path / "out"
    manifest = prepare_dataset(
        "pets", "table", options, pets.data, out / "arrays", out / "manifest.json"
    )
    counts = [entry["class_counts"] for entry in manifest["splits"].values()]
    assert counts == [[12, 12], [4, 4]]
    assert "together by column scene" in manifest["splits_note"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"together_pattern": "("}, r"options.together_pattern: '\(': .*a regular expression"),
        ({"together_pattern": "horse"}, "matches no path; allowed: one that matches .*cat/cat0_0"),
        ({"together_pattern": ""}, "options.together_pattern: '': finds no text in any path; allo"),
        ({"together_pattern": "q*"}, r"options.together_pattern: 'q\*': finds no text in any path"),
        ({"layout": "splits"}, "pets: no folder pool/ or train/"),
        ({"test_share": 0.6, "val_share": 0.4}, "0.6 . 0.4; allowed: a sum below 1"),
        ({"test_size": 1}, "test_size: 1: fewer than the 2 classes; allowed: at least one of each"),
        ({"leave_out": ["dog"]}, "pets: one class, cat; allowed: at least two classes"),
        ({"test_size": 24}, "test_size: 24: none of 24 images is left for the pool"),
    ],
)
def test_what_cannot_be_drawn_is_told_before_any_job(animals, options, message):
    with pytest.raises(InputError, match=message) as caught:
        image_folder.check(animals, folder="pets", **options)
    assert "\n" not in str(caught.value)


def test_no_test_is_drawn_where_none_is_wanted(tmp_path):
    for label in ("cat", "dog"):
        for place in range(10):
            paint(tmp_path / "pets" / label / f"{place}.png", place)
    found = image_folder.check(tmp_path, folder="pets", test_share=0)
    assert found == {"pool": 20}
    found = image_folder.check(tmp_path, folder="pets", test_share=0, val_share=0.2)
    assert found == {"pool": 16, "val": 4}
    with pytest.raises(InputError, match="near_together: 4; no split is drawn here"):
        image_folder.check(tmp_path, folder="pets", test_share=0, near_together=4)
