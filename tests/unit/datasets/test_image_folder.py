"""Your own images in folders: indexed, decoded, and what is wrong with them said by name."""

import json

import numpy as np
import pytest
from PIL import Image

from labelbench_core import registry
from labelbench_core.datasets import image_folder, open_dataset
from labelbench_core.datasets.images.decoding import decode_square
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.datasets.preparing.raw_checks import check_raw
from labelbench_core.errors import InputError


def prepare(target, source, data_dir, **options):
    """Prepare a data set called "mine" in `target`."""
    return prepare_dataset(
        "mine", source, options, data_dir, target / "arrays", target / "manifest.json"
    )


@pytest.fixture
def pictures(tmp_path):
    """Two classes, in three splits and three formats; sizes differ."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 3), ("test", 2), ("sketch", 1)):
        for label, name in enumerate(["cat", "dog"]):
            if (split, name) == ("sketch", "dog"):
                continue  # a shifted split may lack classes
            folder = tmp_path / "pets" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 256, (40 + 9 * number, 60, 3), dtype=np.uint8) // (
                    label + 1
                )
                suffix = ["png", "jpg", "webp"][number]
                Image.fromarray(pixels).save(folder / f"{number}.{suffix}")
    (tmp_path / "pets" / "train" / "cat" / "notes.txt").write_text("not an image")
    return tmp_path


def test_image_folder_is_indexed_and_decoded(pictures, tmp_path, monkeypatch):
    monkeypatch.setenv("LABELBENCH_DATA", str(pictures))
    assert image_folder.check(pictures, folder="pets") == {"pool": 6, "sketch": 1, "test": 4}
    manifest = prepare(tmp_path / "out", "image-folder", pictures, folder="pets", image_size=32)
    prepared = open_dataset(tmp_path / "out")
    assert prepared.splits == ["pool", "test", "sketch"]
    assert prepared.labels("pool").tolist() == [0, 0, 0, 1, 1, 1]
    assert prepared.class_names == ["cat", "dog"]
    images = prepared.images("pool", threads=2)
    batch = images.batch(np.array([4, 0, 5]))
    assert (len(images), batch.shape, batch.dtype) == (6, (3, 32, 32, 3), np.uint8)
    for row, file in zip(batch, ["dog/1.jpg", "cat/0.png", "dog/2.webp"], strict=True):
        content = (pictures / "pets" / "train" / file).read_bytes()
        np.testing.assert_array_equal(row, decode_square(content, 32))
    assert str(pictures) not in json.dumps(manifest)
    assert {p.name for p in (tmp_path / "out" / "arrays").glob("*images*")} == set()


def test_decoding_takes_the_central_square():
    from io import BytesIO

    pixels = np.zeros((20, 60, 3), np.uint8)
    pixels[:, 20:40] = 200
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, format="png")
    assert (decode_square(buffer.getvalue(), 20) == 200).all()
    grey = BytesIO()
    Image.fromarray(pixels[..., 0]).save(grey, format="png")
    assert decode_square(grey.getvalue(), 8).shape == (8, 8, 3)


def test_file_names_and_contents_decide_the_fingerprint(pictures, tmp_path):
    def fingerprint(name):
        return prepare(tmp_path / name, "image-folder", pictures, folder="pets")["fingerprint"]

    first = fingerprint("a")
    assert fingerprint("b") == first
    path = pictures / "pets" / "test" / "cat" / "0.png"
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(path)
    assert fingerprint("c") != first


def test_changed_and_missing_images_are_named(pictures, tmp_path, monkeypatch):
    monkeypatch.setenv("LABELBENCH_DATA", str(pictures))
    victim = pictures / "pets" / "train" / "dog" / "1.jpg"
    prepare(tmp_path / "out", "image-folder", pictures, folder="pets")
    images = open_dataset(tmp_path / "out").images("pool")
    victim.write_bytes(victim.read_bytes() + b" ")
    with pytest.raises(
        InputError, match=r"train/dog/1.jpg: changed since .*delete the folder .*out"
    ):
        images.batch(np.array([4]))
    victim.unlink()
    with pytest.raises(InputError, match=r"train/dog/1.jpg: file not found"):
        images.batch(np.array([4]))


def test_missing_classes_and_splits_are_named(pictures):
    pets = pictures / "pets"
    told = r"^options.folder: 'nowhere': .*nowhere is not a folder; allowed: a folder with CLASS/"
    with pytest.raises(InputError, match=told):
        image_folder.check(pictures, folder="nowhere")
    with pytest.raises(InputError, match=r"^options.folder: missing; allowed: a folder with CLASS"):
        image_folder.check(pictures)
    for path in (pets / "test" / "dog").iterdir():
        path.unlink()
    with pytest.raises(InputError, match=r"split test has no image of class dog .*allow_missing"):
        image_folder.check(pictures, folder="pets")
    sizes = image_folder.check(pictures, folder="pets", allow_missing_classes=True)
    assert sizes["test"] == 2
    raw = image_folder.load(pictures, folder="pets", allow_missing_classes=True)
    check_raw(raw, allow_missing_classes=True)
    for option, value in (("corrupt", "ignore"), ("ground", "green"), ("image_size", 0)):
        entry = {"implementation": "image-folder", "options": {"folder": "pets", option: value}}
        with pytest.raises(InputError, match=rf"{option}: '?{value}'?; allowed"):
            registry.build("datasets", entry, pictures)
    with pytest.raises(InputError, match="split test has no image of class dog"):
        check_raw(raw, allow_missing_classes=False)
    (pets / "sketch" / "cow").mkdir()
    with pytest.raises(InputError, match="split pool has no image of class cow"):
        image_folder.check(pictures, folder="pets", allow_missing_classes=True)
    (pets / "sketch" / "cow").rmdir()
    (pets / "pool").mkdir()
    with pytest.raises(InputError, match="both pool/ and train/"):
        image_folder.check(pictures, folder="pets")
    (pets / "pool").rmdir()
    (pets / "test").rename(pets / "Bad name")
    with pytest.raises(InputError, match="may contain only a-z, 0-9 and -"):
        image_folder.check(pictures, folder="pets")


# ---- a folder without splits


@pytest.fixture
def unsplit(tmp_path):
    """Ten cats, five dogs and a folder of clutter."""
    for name, count in (("cat", 10), ("dog", 5), ("clutter", 3)):
        folder = tmp_path / "pets" / name
        folder.mkdir(parents=True)
        for number in range(count):
            pixels = np.full((20, 20, 3), (number, len(name), 7), np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path


def test_a_share_of_every_class_becomes_the_test_split(unsplit):
    options = {"folder": "pets", "test_share": 0.2, "leave_out": ["clutter"]}
    assert image_folder.check(unsplit, **options) == {"pool": 12, "test": 3}
    raw = image_folder.load(unsplit, **options)
    assert raw.class_names == ["cat", "dog"]
    assert np.bincount(raw.splits["test"].labels).tolist() == [2, 1]
    files = {split: set(entry.files) for split, entry in raw.splits.items()}
    assert not files["pool"] & files["test"]
    assert files["pool"] | files["test"] == {
        f"{name}/{number}.png"
        for name, count in (("cat", 10), ("dog", 5))
        for number in range(count)
    }
    assert sorted(raw.left_out) == ["in classes that the option `leave_out` names"]
    source = image_folder.source_files(unsplit, **options)
    assert set(source.files) == files["pool"] | files["test"]
    labels, names = image_folder.pool_labels(unsplit, **options)
    np.testing.assert_array_equal(labels, raw.splits["pool"].labels)
    assert names == ["cat", "dog"]
    larger = image_folder.load(unsplit, **{**options, "test_share": 0.4})
    assert files["test"] < set(larger.splits["test"].files)


def test_a_further_image_moves_no_other_between_splits(unsplit):
    options = {"folder": "pets", "test_share": 0.3}
    before = set(image_folder.load(unsplit, **options).splits["test"].files)
    Image.new("RGB", (9, 9)).save(unsplit / "pets" / "dog" / "new.png")
    after = set(image_folder.load(unsplit, **options).splits["test"].files)
    assert len(before ^ after) <= 1 + 1


def test_too_few_images_for_two_splits_are_told(unsplit):
    (unsplit / "pets" / "rat").mkdir()
    Image.new("RGB", (9, 9)).save(unsplit / "pets" / "rat" / "0.png")
    with pytest.raises(InputError, match=r"pets: class rat has 1 image: none is left for test"):
        image_folder.check(unsplit, folder="pets", test_share=0.2)
    with pytest.raises(InputError, match="holds no class folders"):
        image_folder.check(unsplit, folder="pets/rat", test_share=0.2)
