"""The same image in two splits or under two classes: named, fatal where configured."""

import sys

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from labelbench_core.datasets import RawDataset, RawSplit
from labelbench_core.datasets.duplicates import perceptual_hashes
from labelbench_core.datasets.duplicates.leaks import find_leaks, find_near, refuse_leaks
from labelbench_core.datasets.preparing.notes import leak_notes
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.datasets.source_files import checking
from labelbench_core.errors import InputError


def dataset(**rows):
    """A data set in memory: split → (image's number, label) of each row."""
    kinds = np.random.default_rng(0).integers(0, 256, (100, 4, 4, 3), dtype=np.uint8)
    splits = {
        split: RawSplit(
            np.array([label for _, label in entries], np.int64),
            kinds[[number for number, _ in entries]],
        )
        for split, entries in rows.items()
    }
    return RawDataset(["cat", "dog"], splits)


def test_no_leak_no_word():
    assert find_leaks(dataset(pool=[(0, 0), (1, 1)], test=[(2, 0), (3, 1)])) == []


def test_repeats_within_a_class_of_a_split_are_no_leak():
    assert find_leaks(dataset(pool=[(0, 0), (0, 0), (1, 1)], test=[(2, 0)])) == []


def test_the_same_image_in_two_splits():
    raw = dataset(
        test=[(0, 0), (5, 1), (1, 1), (1, 1)],
        pool=[(9, 0), (0, 0), (1, 1)],
        shifted=[(5, 1), (7, 0)],
        val=[(9, 0)],
    )
    leaks = find_leaks(raw)
    assert [(leak["kind"], leak["count"]) for leak in leaks] == [
        ("pool and val", 1),
        ("pool and test", 3),
        ("test and shifted", 1),
    ]
    assert leaks[1]["examples"][0] == ["pool[1] (cat)", "test[0] (cat)"]
    told = list(leak_notes({"leaks": leaks}))
    assert told[0] == (
        "1 image of val is also in pool, identical in content: pool[0] (cat) and val[0] (cat)."
    )
    # An image that is in three places is named with all of them.
    assert told[1] == (
        "3 images of test are also in pool, identical in content: pool[1] (cat) and test[0] (cat); "
        "pool[2] (dog), test[2] (dog) and test[3] (dog)."
    )


def test_of_very_many_places_the_first_are_named_and_the_others_counted():
    raw = dataset(pool=[(0, 0)] * 40 + [(1, 1)], test=[(0, 0), (3, 1)])
    (leak,) = find_leaks(raw)
    (names,) = leak["examples"]
    assert (leak["count"], len(names), names[-1]) == (1, 11, "31 more")
    assert next(leak_notes({"leaks": [leak]})).endswith("pool[9] (cat) and 31 more.")


def test_the_same_image_under_two_classes():
    raw = dataset(pool=[(0, 0), (0, 1), (1, 0), (2, 1)], test=[(1, 1), (3, 0)])
    leaks = find_leaks(raw)
    assert [(leak["kind"], leak["count"]) for leak in leaks] == [
        ("pool and test", 1),
        ("two classes", 2),
    ]
    assert leaks[1]["examples"] == [
        ["pool[0] (cat)", "pool[1] (dog)"],
        ["pool[2] (cat)", "test[0] (dog)"],
    ]
    assert (
        "2 images, identical in content, are under two classes: pool[0] (cat) and pool[1] (dog); "
        in list(leak_notes({"leaks": leaks}))[1]
    )


def test_examples_are_the_first_few():
    raw = dataset(pool=[(n, 0) for n in range(50)], test=[(n, 0) for n in range(50)])
    (leak,) = find_leaks(raw)
    assert leak["count"] == 50
    assert ", for example pool[0] (cat) and test[0] (cat); " in next(leak_notes({"leaks": [leak]}))
    assert [pair[1] for pair in leak["examples"]] == [f"test[{n}] (cat)" for n in range(5)]


def test_an_error_names_the_first_pairs_and_counts_the_others():
    refuse_leaks(dataset(pool=[(0, 0), (1, 1)], test=[(2, 0), (3, 1)]))
    raw = dataset(pool=[(n, 0) for n in range(50)], test=[(n, 0) for n in range(50)])
    with pytest.raises(InputError, match=r"^50 images are in two splits or under") as told:
        refuse_leaks(raw)
    _, *named, rest = str(told.value).splitlines()
    assert len(named) == 20
    assert named[7] == "  pool[7] (cat) and test[7] (cat) (pool and test)"
    assert rest == "  and 30 more"


# ---- prepared from files


@pytest.fixture
def pets(tmp_path):
    """Smooth pictures, all different, in two splits."""
    rng = np.random.default_rng(0)
    for split in ("pool", "test"):
        for label in ("cat", "dog"):
            folder = tmp_path / "pets" / split / label
            folder.mkdir(parents=True)
            for number in range(4):
                coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
                coarse.resize((64, 64), Image.Resampling.BICUBIC).save(folder / f"{number}.png")
    return tmp_path / "pets"


def prepare(pets, *, ground="white", **settings):
    out = pets.parent / "out"
    return prepare_dataset(
        "mine",
        "image-folder",
        {"folder": "pets", "image_size": 32, "ground": ground},
        pets.parent,
        out / "arrays",
        out / "manifest.json",
        **settings,
    )


def test_leaks_of_files_are_named_in_manifest_and_log(pets, caplog):
    assert prepare(pets, duplicates="error")["leaks"] == []
    content = (pets / "test" / "cat" / "0.png").read_bytes()
    (pets / "pool" / "dog" / "again.png").write_bytes(content)
    manifest = prepare(pets)
    assert manifest["leaks"] == [
        {
            "kind": "pool and test",
            "count": 1,
            "examples": [["pool/dog/again.png", "test/cat/0.png"]],
        },
        {
            "kind": "two classes",
            "count": 1,
            "examples": [["pool/dog/again.png", "test/cat/0.png"]],
        },
    ]
    assert "data set mine: 1 image of test is also in pool" in caplog.text
    (pets.parent / "out" / "manifest.json").unlink()
    with pytest.raises(InputError) as caught:
        prepare(pets, duplicates="error")
    assert str(caught.value).splitlines() == [
        "data set mine: 1 image is in two splits or under two classes, identical in content; "
        "remove all but one of those that a line names here, or set `duplicates: warn` in the data "
        "set's entry:",
        "  pool/dog/again.png and test/cat/0.png (pool and test, two classes)",
    ]
    assert not (pets.parent / "out" / "manifest.json").exists()


# ---- nearly the same


def test_nearest_is_the_smallest_hamming_distance():
    rng = np.random.default_rng(3)
    hashes, others = (
        [f"{int.from_bytes(rng.bytes(8), 'big'):016x}" for _ in range(count)]
        for count in (perceptual_hashes._BLOCK + 7, perceptual_hashes._BLOCK + 3)
    )
    others[:2] = [hashes[-1], f"{int(hashes[3], 16) ^ 5:016x}"]
    places, bits = perceptual_hashes.nearest(hashes, others)
    assert (places[:2].tolist(), bits[:2].tolist()) == ([len(hashes) - 1, 3], [0, 2])
    for row in (5, 2000, len(others) - 1):
        plain = [(int(one, 16) ^ int(others[row], 16)).bit_count() for one in hashes]
        assert (places[row], bits[row]) == (plain.index(min(plain)), min(plain))


def test_near_duplicates_are_named_where_the_package_is(pets, caplog):
    original = Image.open(pets / "pool" / "dog" / "1.png")
    ImageEnhance.Brightness(original).enhance(0.8).save(pets / "test" / "dog" / "darker.png")
    (pets / "test" / "dog" / "same.png").write_bytes((pets / "pool/dog/2.png").read_bytes())
    manifest = prepare(pets, near_duplicates=6, duplicates="warn", state=pets.parent / "state")
    assert [leak["kind"] for leak in manifest["leaks"]] == [
        "pool and test",
        "pool and test, nearly",
    ]
    near = manifest["leaks"][1]
    assert (near["count"], near["most_bits"]) == (1, 6)
    assert near["examples"] == [["pool/dog/1.png", "test/dog/darker.png"]]
    assert "nearly identical to one of pool (perceptual hashes differ in at most 6" in caplog.text
    assert "64 bits): test/dog/darker.png and pool/dog/1.png." in caplog.text
    assert "imagehash" in manifest["versions"]
    again = prepare(pets, near_duplicates=6, duplicates="warn", state=pets.parent / "state")
    assert again == manifest
    (pets / "test" / "dog" / "same.png").unlink()
    assert prepare(pets, near_duplicates=6, duplicates="error")["leaks"] == [near]


@pytest.mark.parametrize("change", ["ground", "package", "code"])
def test_remembered_perceptual_hashes_are_of_this_ground_and_this_package(
    pets, monkeypatch, change
):
    # Transparent but for a corner: what it looks like is the ground.
    for split, number in (("pool", 3), ("test", 4)):
        pixels = np.zeros((64, 64, 4), np.uint8)
        pixels[: 8 * number, : 30 - 5 * number] = [200, 10, 10, 255]
        Image.fromarray(pixels).save(pets / split / "cat" / "clear.png")
    taken = []
    real = perceptual_hashes.perceptual_hash
    monkeypatch.setattr(
        perceptual_hashes, "perceptual_hash", lambda pixels: taken.append(1) or real(pixels)
    )

    def hashed(**options):
        taken.clear()
        prepare(pets, near_duplicates=6, state=pets.parent / "state", **options)
        return len(taken)

    assert [hashed(), hashed()] == [18, 0]
    assert prepare(pets, state=pets.parent / "state")["leaks"] == []
    assert hashed() == 0  # those who do not ask do not forget
    if change == "ground":
        assert hashed(ground="black") == 18
    elif change == "package":
        monkeypatch.setattr(perceptual_hashes, "version", lambda: {"imagehash": "0.1"})
        assert hashed() == 18
    else:
        key = checking.decoder_key()
        monkeypatch.setattr(checking, "decoder_key", lambda: key)
        monkeypatch.setattr(checking, "module_hash", lambda name: "other " * 5)
        assert hashed() == 18


def test_near_duplicates_of_images_in_memory():
    raw = dataset(pool=[(0, 0), (1, 1)], test=[(2, 0), (1, 1)])
    splits = {
        split: RawSplit(
            entry.labels,
            entry.images,
            near_hashes=[perceptual_hashes.perceptual_hash(image) for image in entry.images],
        )
        for split, entry in raw.splits.items()
    }
    (near,) = find_near(RawDataset(raw.class_names, splits), 64)
    assert near["examples"][0][1] == "test[0] (cat)"


def test_without_the_package_one_line_says_how_to_install_it(pets, monkeypatch):
    monkeypatch.setattr(perceptual_hashes, "PACKAGE", "no-such-package")
    monkeypatch.setitem(sys.modules, "imagehash", None)
    with pytest.raises(
        InputError, match=r"near_duplicates: needs the package no-such-package .*pip"
    ):
        prepare(pets, near_duplicates=4)


def test_all_pairs_are_named_up_to_a_stated_number():
    splits = {}
    for split, first in (("pool", 0), ("test", 1)):
        files = [f"{split}/{one}.png" for one in range(23)]
        hashes = [f"{((one << 8) | 0x0F) + first:016x}" for one in range(23)]
        digests = [f"{split} {one}" for one in range(23)]
        splits[split] = RawSplit(np.arange(23) % 2, None, files, digests, hashes)
    (leak,) = find_near(RawDataset(["a", "b"], splits), 5)
    assert (leak["count"], len(leak["examples"])) == (23, 20)
    (note,) = leak_notes({"leaks": [leak]})
    assert note.startswith("23 images of test are nearly identical to one of pool")
    assert note.endswith("; and 3 more.")
    assert note.count("test/") == note.count("pool/") == 20
