"""Variants of data sets: merged classes, long tails, near-copies, and sizes known beforehand."""

import numpy as np
import pytest

from helpers.prepared import prepare
from helpers.project import PROJECT
from labelbench_core.configuration.catalogue import kind_errors
from labelbench_core.configuration.sources.since_prepared import made_by
from labelbench_core.configuration.sources.source_sizes import source_sizes
from labelbench_core.datasets import (
    RawDataset,
    RawSplit,
    digits,
)
from labelbench_core.datasets.preparing.notes import variant_notes
from labelbench_core.datasets.variants import imbalance
from labelbench_core.datasets.variants.near_copies import near_copies
from labelbench_core.datasets.variants.variant import Variant
from labelbench_core.errors import InputError
from labelbench_core.storage import store

SCHEMA = PROJECT / "config" / "schema" / "catalogue.schema.json"


@pytest.fixture(scope="module")
def whole():
    return digits.load(None)


# ---- long tail


@pytest.mark.parametrize(("classes", "ratio"), [(10, 50), (10, 100), (100, 10), (2, 3), (10, 1)])
def test_a_long_tails_counts_are_those_of_the_formula(classes, ratio):
    """n_max ratio^(-c / (C - 1)), rounded down, as Cui et al. write it: mu^c with mu < 1."""
    mu = (1 / ratio) ** (1 / (classes - 1))
    naive = [int(5000 * mu**label + 1e-6) for label in range(classes)]
    found = imbalance.long_tail_counts(np.full(classes, 5000), ratio)
    assert found.tolist() == naive
    assert (found[0], found[-1]) == (5000, 5000 // ratio)


def test_a_class_with_fewer_images_keeps_them_all():
    found = imbalance.long_tail_counts(np.array([1000, 30, 40, 5000]), 1000)
    assert found.tolist() == [1000, 30, 10, 1]


def test_a_long_tail_is_drawn_at_random_and_within_every_flatter_one(whole, tmp_path):
    labels = whole.splits["pool"].labels
    kept = {}
    for ratio in (4, 20):
        prepared = prepare(tmp_path / str(ratio), "digits", tmp_path, long_tail={"ratio": ratio})
        rows = store.open_rows(prepared.folder / "arrays" / "pool-source-rows").load()
        kept[ratio] = set(rows.tolist())
        assert rows.tolist() == sorted(kept[ratio])
        np.testing.assert_array_equal(prepared.labels("pool"), labels[rows])
        images = prepared.images("pool").batch(np.arange(len(rows)))
        np.testing.assert_array_equal(images, whole.splits["pool"].images[rows])
        counts = np.bincount(labels)
        expected = [
            min(int(counts[0] * ratio ** (-label / 9) + 1e-6), counts[label]) for label in range(10)
        ]
        assert prepared.manifest["splits"]["pool"]["class_counts"] == expected
        assert len(prepared.labels("test")) == 500
    assert kept[20] < kept[4]
    first_nines = np.flatnonzero(labels == 9)[: expected[9]]
    assert set(first_nines.tolist()) - kept[20]


# ---- merged classes


def test_classes_are_merged_in_every_split(whole, tmp_path):
    prepared = prepare(tmp_path, "digits", tmp_path, merge_classes=4)
    assert prepared.class_names == ["0", "1", "2", "others"]
    for split in ("pool", "test"):
        theirs = [label if label < 3 else 3 for label in whole.splits[split].labels.tolist()]
        assert prepared.labels(split).tolist() == theirs
    assert list(variant_notes(prepared.manifest)) == [
        "4 classes: the last one holds all others of the source."
    ]


# ---- near-copies


def naive_near_copy(image, number, source):
    from labelbench_core.seeds import rng_for

    rng = rng_for("near-copy", source, number)
    height, width, _ = image.shape
    down = int(rng.integers(-max(1, round(height / 16)), max(1, round(height / 16)) + 1))
    right = int(rng.integers(-max(1, round(width / 16)), max(1, round(width / 16)) + 1))
    if (down, right) == (0, 0):
        right = 1
    factor = 0.9 + 0.2 * rng.random()
    made = np.empty_like(image)
    for row in range(height):
        for column in range(width):
            there = min(max(row - down, 0), height - 1), min(max(column - right, 0), width - 1)
            for channel in range(3):
                made[row, column, channel] = round(min(255.0, image[*there, channel] * factor))
    return made


def test_near_copies_are_shifted_and_a_little_brighter_or_darker():
    images = np.random.default_rng(0).integers(0, 256, (6, 40, 20, 3), dtype=np.uint8)
    numbers = np.array([5, 0, 77, 3, 1, 2])
    made = near_copies(images, numbers, "digits")
    for row in range(6):
        naive = naive_near_copy(images[row], int(numbers[row]), "digits").astype(int)
        assert np.abs(made[row] - naive).max() <= 1  # of a product that ends in .5
        assert (made[row] != images[row]).any()
    again = near_copies(images[::-1], numbers[::-1], "digits")
    np.testing.assert_array_equal(again[::-1], made)


def test_copies_come_last_and_know_their_source(whole, tmp_path):
    pool = whole.splits["pool"]
    by_share = prepare(tmp_path / "share", "digits", tmp_path, near_copies={"share": 0.1})
    by_count = prepare(tmp_path / "count", "digits", tmp_path, near_copies={"count": 50})
    rows = store.open_rows(tmp_path / "share" / "arrays" / "pool-source-rows").load()
    assert len(rows) == 1297 + 130
    assert rows[:1297].tolist() == list(range(1297))
    copied = rows[1297:]
    assert len(set(copied.tolist())) == 130
    images = by_share.images("pool").batch(np.arange(len(rows)))
    np.testing.assert_array_equal(images[:1297], pool.images)
    np.testing.assert_array_equal(images[1297:], near_copies(pool.images[copied], copied, "digits"))
    np.testing.assert_array_equal(by_share.labels("pool"), pool.labels[rows])
    fewer = store.open_rows(tmp_path / "count" / "arrays" / "pool-source-rows").load()
    assert fewer[1297:].tolist() == copied[:50].tolist()
    assert by_count.manifest["splits"]["pool"]["near_copies"] == 50
    assert by_share.manifest["leaks"] == prepare(tmp_path, "digits", tmp_path).manifest["leaks"]


def test_images_in_files_are_not_copied():
    split = RawSplit(np.array([0, 1]), files=["a.jpg", "b.jpg"])
    raw = RawDataset(["a", "b"], {"pool": split, "test": split})
    with pytest.raises(InputError, match="near_copies: images in files are not copied"):
        Variant(near_copies={"share": 1.0}).made_of(raw, "mine")
    entry = {"implementation": "image-folder", "options": {"folder": "x"}}
    told = kind_errors("datasets", {"mine": {**entry, "near_copies": {"count": 3}}}, SCHEMA, "d.y")
    assert told == [
        "d.y: mine.near_copies: image-folder leaves images in their files, which are not copied; "
        "allowed: leave it out"
    ]


# ---- all together


def test_the_order_is_merge_tail_copy_part(whole, tmp_path):
    keys = {"merge_classes": 3, "long_tail": {"ratio": 5}, "near_copies": {"count": 40}}
    prepared = prepare(tmp_path / "all", "digits", tmp_path, **keys, pool_size=200)
    labels = np.minimum(whole.splits["pool"].labels, 2)
    tail = imbalance.long_tail_rows(labels, ["0", "1", "others"], "digits", 5)
    before = prepare(tmp_path / "most", "digits", tmp_path, **keys)
    all_rows = store.open_rows(before.folder / "arrays" / "pool-source-rows").load()
    assert all_rows[: len(tail)].tolist() == tail.tolist()
    assert set(all_rows[len(tail) :].tolist()) <= set(tail.tolist())
    rows = store.open_rows(prepared.folder / "arrays" / "pool-source-rows").load()
    copies = prepared.manifest["splits"]["pool"]["near_copies"]
    assert (len(rows), len(before.labels("pool"))) == (200, len(tail) + 40)
    assert 0 < copies < 40
    images = prepared.images("pool").batch(np.arange(200))
    source = whole.splits["pool"].images
    np.testing.assert_array_equal(images[:-copies], source[rows[:-copies]])
    changed = near_copies(source[rows[-copies:]], rows[-copies:], "digits")
    np.testing.assert_array_equal(images[-copies:], changed)
    entry = {"implementation": "digits", **keys, "pool_size": 200}
    assert source_sizes(entry, tmp_path).splits == {"pool": 200, "test": 500}
    assert made_by(prepared.manifest, entry)
    assert not made_by(prepared.manifest, {**entry, "long_tail": {"ratio": 6}})
    assert not made_by(prepared.manifest, {"implementation": "digits", "pool_size": 200})


def test_an_entry_without_variants_has_no_new_key(tmp_path):
    manifest = prepare(tmp_path, "digits", tmp_path, pool_size=300).manifest
    assert not {"merge_classes", "long_tail", "near_copies", "splits_note"} & set(manifest)
    assert set(manifest["arrays"]) == {
        f"{split}-{kind}" for split in ("pool", "test") for kind in ("labels", "images")
    } | {"pool-source-rows"}
    assert list(variant_notes(manifest)) == []


@pytest.mark.parametrize(
    ("keys", "size"),
    [
        ({"long_tail": {"ratio": 10}}, None),
        ({"near_copies": {"share": 0.5}}, 1297 + 648),
        ({"near_copies": {"count": 7}, "pool_size": 1300}, 1300),
        ({"merge_classes": 2}, 1297),
        ({"merge_classes": 2, "long_tail": {"ratio": 2}, "near_copies": {"share": 1}}, None),
    ],
)
def test_planned_sizes_are_those_of_what_is_prepared(keys, size, tmp_path):
    planned = source_sizes({"implementation": "digits", **keys}, tmp_path).splits
    prepared = prepare(tmp_path / "out", "digits", tmp_path, **keys)
    made = {split: entry["num_rows"] for split, entry in prepared.manifest["splits"].items()}
    assert planned == made
    assert size in (None, planned["pool"])


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"merge_classes": 10}, "merge_classes: 10; the data set has 10 classes; allowed: 2 to 9"),
        ({"long_tail": {"ratio": 500}}, "long_tail: ratio: 500; it leaves no image of class"),
        ({"near_copies": {"count": 1298}}, "near_copies: count: 1298; the pool has 1297 images"),
        ({"near_copies": {"share": 0.0001}}, "near_copies: share: 0.0001; of a pool of 1297"),
        (
            {"long_tail": {"ratio": 10}, "pool_size": 1000},
            "pool_size: 1000; allowed: at most 5",
        ),
        (
            {"long_tail": {"ratio": 100}, "pool_size": 20},
            "pool_size: 20; it leaves no image of class",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_told_before_any_job_and_by_it(keys, told, tmp_path):
    with pytest.raises(InputError) as caught:
        source_sizes({"implementation": "digits", **keys}, tmp_path)
    assert str(caught.value).startswith(told)
    with pytest.raises(InputError) as caught:
        prepare(tmp_path, "digits", tmp_path, **keys)
    assert str(caught.value).startswith(f"data set mine: {told}")


def test_a_kept_class_may_not_be_called_others():
    with pytest.raises(InputError, match="a class that is kept is called 'others'"):
        imbalance.merged_names(["others", "b", "c"], 2)
    assert imbalance.merged_names(["a", "b", "others"], 2) == ["a", "others"]


@pytest.mark.parametrize(
    ("keys", "sizes", "planned"),
    [
        ({"long_tail": {"ratio": 5}}, {"pool": 100, "test": 9}, {"test": 9}),
        ({"near_copies": {"share": 0.5}}, {"pool": 100, "test": 9}, {"pool": 150, "test": 9}),
        ({"long_tail": {"ratio": 5}, "pool_size": 50}, {"pool": 100}, {"pool": 50}),
        ({"near_copies": {"count": 5}, "pool_size": 105}, {"pool": 100}, {"pool": 105}),
        ({"pool_size": 105}, {}, {"pool": 105}),
    ],
)
def test_sizes_without_labels(keys, sizes, planned):
    """Where the source is still to be downloaded: what is not known is left out."""
    assert Variant(**keys).planned_sizes(sizes, None, "mine") == planned
    with pytest.raises(InputError, match="pool_size: 101; allowed: at most 100"):
        Variant(pool_size=101).planned_sizes({"pool": 100}, None, "mine")


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("long_tail", {"ratio": 0.5}, "long_tail.ratio: 0.5; allowed: a number of at least 1"),
        ("long_tail", {}, "long_tail: missing key: ratio"),
        ("long_tail", 50, "long_tail: 50; allowed: a mapping"),
        ("merge_classes", 1, "merge_classes: 1; allowed: a whole number of at least 2"),
        ("near_copies", {}, "near_copies: {}; allowed: a mapping with share (a number above 0 and"),
        ("near_copies", {"share": 0.1, "count": 3}, "allowed: a mapping with share (a number abov"),
        ("near_copies", {"share": 0}, "near_copies.share: 0; allowed: a number above 0 and at mo"),
    ],
)
def test_the_catalogue_refuses_what_means_nothing(key, value, told):
    found = kind_errors("datasets", {"d": {"implementation": "digits", key: value}}, SCHEMA, "d.y")
    assert len(found) == 1
    assert told in found[0]
