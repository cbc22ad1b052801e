"""SVHN and Kuzushiji-49, from small files of the official layout."""

import hashlib
import urllib.error

import numpy as np
import pytest

from helpers.prepared import prepare
from labelbench_core.datasets import kuzushiji49, svhn
from labelbench_core.datasets.official_files.original import numpy_halves
from labelbench_core.errors import InputError

COUNTS = {"pool": 20, "test": 30}


@pytest.fixture
def house_numbers(tmp_path, monkeypatch):
    """SVHN of 20 + 30 images: its folder, and split → images (N, 32, 32, 3) and digits."""
    from scipy.io import savemat

    rng = np.random.default_rng(0)
    folder, expected = tmp_path / "svhn", {}
    folder.mkdir()
    for split, count in COUNTS.items():
        images = rng.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
        digits = np.arange(count) % 10
        stored = np.where(digits == 0, 10, digits).astype(np.uint8)[:, None]
        content = {"X": images.transpose(1, 2, 3, 0), "y": stored}
        savemat(folder / svhn.FILES[split], content, do_compression=True)
        expected[split] = images, digits
    sums = {p.name: (hashlib.md5(p.read_bytes()).hexdigest(),) for p in folder.iterdir()}
    monkeypatch.setattr(svhn, "MD5", sums)
    monkeypatch.setattr(svhn, "LEAST_BYTES", dict.fromkeys(sums, 100))
    monkeypatch.setattr(svhn, "SIZES", COUNTS)
    return folder, expected


def test_svhn_is_read_and_zero_is_zero(house_numbers, tmp_path):
    _, expected = house_numbers
    prepared = prepare(tmp_path / "out", "svhn", tmp_path, {"download": False})
    for split, (images, digits) in expected.items():
        np.testing.assert_array_equal(prepared.images(split).batch(np.arange(len(images))), images)
        np.testing.assert_array_equal(prepared.labels(split), digits)
    assert prepared.class_names == list("0123456789")
    assert svhn.check(tmp_path) == COUNTS
    labels, names = svhn.pool_labels(tmp_path)
    np.testing.assert_array_equal(labels, expected["pool"][1])
    assert names == prepared.class_names
    assert "splits_note" not in prepared.manifest


def test_svhn_in_labelbenchs_halves(house_numbers, tmp_path):
    _, expected = house_numbers
    options = {"splits": "labelbench"}
    prepared = prepare(tmp_path / "out", "svhn", tmp_path, options)
    images, digits = expected["test"]
    for split, rows in zip(("val", "test"), numpy_halves(30), strict=True):
        np.testing.assert_array_equal(prepared.images(split).batch(np.arange(15)), images[rows])
        np.testing.assert_array_equal(prepared.labels(split), digits[rows])
    assert svhn.check(tmp_path, **options) == {"pool": 20, "val": 15, "test": 15}
    assert "15 are validation" in prepared.manifest["splits_note"]


def test_svhn_damage_is_named(house_numbers, tmp_path):
    folder, _ = house_numbers
    path = folder / "train_32x32.mat"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"!")
    with pytest.raises(InputError, match=r"train_32x32.mat: MD5 is .*housenumbers"):
        svhn.load(tmp_path)
    for damage in (b"", content[:300], b"x" * 500):
        path.write_bytes(damage)
        with pytest.raises(InputError, match=r"train_32x32\.mat: not a whole MATLAB file with y"):
            svhn.pool_labels(tmp_path)
    path.write_bytes(content[:50])
    with pytest.raises(InputError, match=r"train_32x32.mat: truncated \(50 bytes"):
        svhn.check(tmp_path)
    path.unlink()
    with pytest.raises(InputError, match=r"train_32x32.mat: file not found; put train_32x32.mat"):
        svhn.check(tmp_path)
    assert svhn.pool_labels(tmp_path) is None


def test_svhn_not_there_and_no_internet(tmp_path, monkeypatch):
    import torchvision

    def offline(*_, **__):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(torchvision.datasets, "SVHN", offline)
    assert svhn.check(tmp_path) == svhn.SIZES
    assert svhn.source_files(tmp_path) is svhn.pool_labels(tmp_path) is None
    with pytest.raises(InputError, match="file not found"):
        svhn.check(tmp_path, download=False)
    with pytest.raises(InputError, match=r"the download failed .*no route to host"):
        svhn.load(tmp_path)
    assert list(tmp_path.rglob("*.mat")) == []


# ---- Kuzushiji-49


@pytest.fixture
def characters(tmp_path, monkeypatch):
    """Kuzushiji-49 of 98 + 49 images: its folder, and split → images (N, 28, 28) and labels."""
    rng = np.random.default_rng(0)
    folder, expected = tmp_path / "kuzushiji-49", {}
    folder.mkdir()
    for split, count in (("pool", 98), ("test", 49)):
        images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = (np.arange(count) % 49).astype(np.uint8)
        np.savez_compressed(folder / f"{kuzushiji49.PREFIX[split]}-imgs.npz", images)
        np.savez_compressed(folder / f"{kuzushiji49.PREFIX[split]}-labels.npz", labels)
        expected[split] = images, labels
    monkeypatch.setattr(kuzushiji49, "SIZES", {"pool": 98, "test": 49})
    return folder, expected


def test_kuzushiji_is_read(characters, tmp_path):
    _, expected = characters
    prepared = prepare(tmp_path / "out", "kuzushiji49", tmp_path)
    for split, (images, labels) in expected.items():
        found = prepared.images(split).batch(np.arange(len(images)))
        np.testing.assert_array_equal(found, np.repeat(images[..., None], 3, axis=-1))
        np.testing.assert_array_equal(prepared.labels(split), labels)
    assert len(set(prepared.class_names)) == 49
    assert [prepared.class_names[row] for row in (0, 5, 35, 47, 48)] == list("あかやんゝ")
    assert kuzushiji49.check(tmp_path) == {"pool": 98, "test": 49}
    assert prepared.manifest["source_files"]["count"] == 4


def test_kuzushiji_damage_is_named(characters, tmp_path):
    folder, expected = characters
    path = folder / "k49-train-imgs.npz"
    content = path.read_bytes()
    path.write_bytes(content[:-100])
    with pytest.raises(InputError, match=r"k49-train-imgs\.npz: not a whole NumPy file"):
        kuzushiji49.load(tmp_path)
    np.savez_compressed(path, expected["pool"][0][:-1])
    with pytest.raises(InputError, match=r"k49-train-imgs.npz: uint8 \(97, 28, 28\) with 98 lab"):
        kuzushiji49.load(tmp_path)
    path.unlink()
    with pytest.raises(InputError, match=r"k49-train-imgs.npz: file not found; put k49-train-imgs"):
        kuzushiji49.check(tmp_path)
    assert kuzushiji49.source_files(tmp_path / "elsewhere") is None
