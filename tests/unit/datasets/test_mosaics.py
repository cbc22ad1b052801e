"""Mosaics: labels say which classes occur; no image is in two mosaics, or in two splits."""

import numpy as np
import pytest

from helpers.prepared import prepare
from labelbench_core.datasets import RawDataset, RawSplit, class_counts, digits, mosaics
from labelbench_core.datasets.preparing.raw_checks import check_raw
from labelbench_core.errors import InputError


@pytest.fixture(scope="module")
def made():
    return mosaics.load(None, source="digits")


def test_labels_are_the_classes_of_the_four_images(made):
    whole = digits.load(None)
    assert made.class_names == whole.class_names
    assert {split: len(one.labels) for split, one in made.splits.items()} == mosaics.check(
        None, source="digits"
    )
    for name, split in made.splits.items():
        known = {
            image.tobytes(): label
            for image, label in zip(
                whole.splits[name].images, whole.splits[name].labels, strict=True
            )
        }
        assert split.labels.dtype == np.uint8
        assert split.images.shape[1:] == (16, 16, 3)
        for image, labels in zip(split.images, split.labels, strict=True):
            tiles = [image[y : y + 8, x : x + 8] for y in (0, 8) for x in (0, 8)]
            classes = {known[np.ascontiguousarray(tile).tobytes()] for tile in tiles}
            assert set(np.flatnonzero(labels)) == classes


def test_no_image_is_used_twice_and_the_draw_is_always_the_same():
    tiles = mosaics.tiles(1297, "digits", "pool")
    assert tiles.shape == (324, 4)
    assert len(np.unique(tiles)) == 1296
    np.testing.assert_array_equal(tiles, mosaics.tiles(1297, "digits", "pool"))
    assert not np.array_equal(tiles[:100], mosaics.tiles(1297, "digits", "test")[:100])


def test_labels_are_known_before_images_are_read(made):
    labels, names = mosaics.pool_labels(None, source="digits")
    np.testing.assert_array_equal(labels, made.splits["pool"].labels)
    assert names == made.class_names


def test_it_is_prepared_and_read_back(tmp_path, made):
    prepared = prepare(tmp_path, "mosaics", tmp_path, options={"source": "digits"}, pool_size=200)
    labels = prepared.labels("pool")
    assert (labels.dtype, labels.shape) == (np.uint8, (200, 10))
    described = prepared.manifest["splits"]["pool"]
    assert described["class_counts"] == labels.sum(0).tolist()
    assert prepared.manifest["splits_note"] == "Each image is a mosaic of 4 images of digits"
    np.testing.assert_array_equal(prepared.labels("test"), made.splits["test"].labels)


def test_a_part_that_loses_a_class_is_refused(tmp_path):
    with pytest.raises(InputError, match="pool_size: 2; it leaves no image of class"):
        prepare(tmp_path, "mosaics", tmp_path, options={"source": "digits"}, pool_size=2)


def test_class_counts_of_both_kinds_of_labels():
    assert class_counts(np.array([0, 2, 2]), 4).tolist() == [1, 0, 2, 0]
    many = np.array([[1, 0, 1], [1, 0, 0]], np.uint8)
    assert class_counts(many, 3).tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (np.ones((2, 3), np.uint8), r"labels are uint8 \(2, 3\); allowed: uint8 \(N, 2\)"),
        (np.ones((2, 2), np.int64), r"labels are int64 \(2, 2\); allowed: uint8 \(N, 2\)"),
        (np.full((2, 2), 3, np.uint8), "labels 3 to 3; allowed: 0 to 1"),
        (np.array([[1, 0], [1, 0]], np.uint8), "split pool has no image of class b"),
    ],
)
def test_labels_that_are_not_columns_of_0_and_1_are_refused(labels, told):
    split = RawSplit(labels, np.zeros((2, 8, 8, 3), np.uint8))
    with pytest.raises(InputError, match=told):
        check_raw(
            RawDataset(["a", "b"], {"pool": split, "test": split}), allow_missing_classes=True
        )
