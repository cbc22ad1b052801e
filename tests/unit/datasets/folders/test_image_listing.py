"""What lies in an image folder: images are read, all else is counted and named."""

import json
import os
import shutil
import unicodedata

import numpy as np
import pytest
from PIL import Image

from labelbench_core.datasets import image_folder, open_dataset
from labelbench_core.datasets.files.left_out import (
    HIDDEN,
    NESTED,
    NO_IMAGE,
    NO_SPLIT,
    OUTSIDE,
    REFUSED,
    SPECIAL,
)
from labelbench_core.datasets.folders.listing import list_images
from labelbench_core.datasets.images.formats import SUFFIXES
from labelbench_core.datasets.preparing.notes import left_out_notes
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.datasets.source_files.reading import FRAMES
from labelbench_core.errors import InputError
from labelbench_core.storage.places import printable


def picture(path, value=0, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((12, 12, 3), value, np.uint8)).save(path, **options)
    return path


@pytest.fixture
def pets(tmp_path):
    """Two classes of two images in pool and test, all different."""
    for place, split in enumerate(("pool", "test")):
        for label, name in enumerate(("cat", "dog")):
            for number in range(2):
                picture(
                    tmp_path / "pets" / split / name / f"{number}.png",
                    100 * place + 40 * label + 10 * number,
                )
    return tmp_path / "pets"


def listed(pets, **options):
    return list_images(pets, **{"allow_missing_classes": False, **options})


def prepare(pets, **options):
    out = pets.parent / "out"
    return prepare_dataset(
        "mine",
        "image-folder",
        {"folder": "pets", "image_size": 8, **options},
        pets.parent,
        out / "arrays",
        out / "manifest.json",
    )


def test_every_ending_in_every_case_is_taken(pets):
    ends = [end for ends in SUFFIXES.values() for end in ends]
    for end in ends:
        (pets / "pool" / "cat" / f"a{end}").touch()
        (pets / "pool" / "cat" / f"b{end.upper()}").touch()
    listing = listed(pets)
    assert len(listing.splits["pool"]["cat"]) == 2 + 2 * len(ends)
    assert listing.left_out.counts == {}


def test_other_formats_are_read(pets, monkeypatch):
    Image.init()
    kept = [
        form for form in ("BMP", "TIFF", "GIF", "PPM", "AVIF", "JPEG2000") if form in Image.SAVE
    ]
    for form in kept:
        picture(pets / "pool" / "cat" / f"z{SUFFIXES[form][-1].upper()}", 200, format=form)
    manifest = prepare(pets)
    assert manifest["splits"]["pool"]["class_counts"] == [2 + len(kept), 2]
    monkeypatch.setenv("LABELBENCH_DATA", str(pets.parent))
    images = open_dataset(pets.parent / "out").images("pool")
    batch = images.batch(np.arange(2, 2 + len(kept)))
    assert np.abs(batch.astype(int) - 200).max() <= 3


def test_all_that_is_not_taken_is_counted_and_named(pets):
    for number in range(5):
        picture(pets / "pool" / "cat" / "siamese" / "seal" / f"{number}.jpg")
    (pets / "pool" / "cat" / "empty").mkdir()
    for name in ("notes.txt", "labels.csv", "no-ending", "photo.jpg.bak", "0.jpg~"):
        (pets / "pool" / "dog" / name).touch()
    for name in ("drawing.PSD", "page.pdf", "phone.heic"):
        (pets / "test" / "cat" / name).touch()
    for name in (".DS_Store", "Thumbs.db"):
        (pets / "pool" / "cat" / name).touch()
    picture(pets / "pool" / "cat" / "@eaDir" / "0.png@SynoFile.jpg")
    picture(pets / "__MACOSX" / "pool" / "cat" / "._0.jpg")
    (pets / "lost+found").mkdir()
    picture(pets / "pool" / "stray.jpg")
    (pets / "README.md").touch()
    os.mkfifo(pets / "pool" / "cat" / "pipe.jpg")
    (pets / "pool" / "cat" / "zero.png").symlink_to("/dev/zero")
    listing = listed(pets)
    assert {split: list(classes) for split, classes in listing.splits.items()} == {
        "pool": ["cat", "dog"],
        "test": ["cat", "dog"],
    }
    assert [len(listing.splits["pool"][name]) for name in ("cat", "dog")] == [2, 2]
    left = listing.left_out
    assert left.counts == {
        NESTED: 6,
        NO_IMAGE: 5,
        REFUSED: 3,
        HIDDEN: 5,
        OUTSIDE: 2,
        SPECIAL: 2,
    }
    assert left.examples[NESTED][:2] == ["pool/cat/empty", "pool/cat/siamese/seal/0.jpg"]
    assert left.examples[NO_IMAGE] == [
        "pool/dog/0.jpg~",
        "pool/dog/labels.csv",
        "pool/dog/no-ending",
    ]
    manifest = prepare(pets)
    assert manifest["left_out"][REFUSED]["count"] == 3
    told = list(left_out_notes(manifest))
    assert len(told) == 6
    assert (
        "6 files left out, in sub-folders of classes: pool/cat/empty, pool/cat/siamese" in told[1]
    )
    assert any(line.endswith("pool/dog/no-ending, …") for line in told)
    assert prepare(pets) == manifest


def test_further_frames_are_counted(pets, caplog):
    frames = [Image.new("L", (9, 9), value) for value in (1, 99)]
    frames[0].save(pets / "pool" / "cat" / "moves.gif", save_all=True, append_images=frames[1:])
    manifest = prepare(pets)
    assert manifest["left_out"] == {FRAMES: {"count": 1, "examples": ["pool/cat/moves.gif"]}}
    assert "1 file left out, but for their first frame or page: pool/cat/moves.gif" in caplog.text


# ---- names


def test_file_names_that_are_not_utf8_are_used(pets, monkeypatch):
    odd = os.fsencode(pets / "pool" / "cat") + b"/caf\xe9.png"
    shutil.copy(pets / "pool/cat/0.png", odd)
    (pets / "pool" / "dog" / os.fsdecode(b"notes\xff\n.txt")).touch()
    manifest = prepare(pets, image_size=12)
    assert manifest["splits"]["pool"]["num_rows"] == 5
    text = (pets.parent / "out" / "manifest.json").read_bytes().decode("utf-8")
    examples = json.loads(text)["left_out"][NO_IMAGE]["examples"]
    assert examples == ["pool/dog/notes\\xff\\n.txt"]
    monkeypatch.setenv("LABELBENCH_DATA", str(pets.parent))
    images = open_dataset(pets.parent / "out").images("pool")
    assert (images.batch(np.array([2])) == images.batch(np.array([0]))).all()
    os.truncate(odd, 50)
    with pytest.raises(InputError, match=r"caf\\xe9.png: corrupt image"):
        prepare(pets)


def test_class_names_that_are_not_utf8_are_refused(pets):
    os.mkdir(os.fsencode(pets / "pool") + b"/caf\xe9")
    with pytest.raises(InputError, match=r"pool/caf\\xe9: the name of this class is not UTF-8"):
        listed(pets)
    os.rename(os.fsencode(pets / "pool") + b"/caf\xe9", os.fsencode(pets) + b"/split\xe9")
    with pytest.raises(InputError, match=r"split\\xe9: a split's name may contain only"):
        listed(pets)


def test_two_spellings_are_one_class(pets):
    one, other = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    assert one != other
    picture(pets / "pool" / one / "0.png", 201)
    picture(pets / "test" / other / "0.png", 202)
    manifest = prepare(pets)
    assert manifest["class_names"] == sorted([one, "cat", "dog"])
    assert other not in manifest["class_names"]
    assert [sum(s["class_counts"]) for s in manifest["splits"].values()] == [5, 5]
    (pets / "pool" / other).mkdir()
    with pytest.raises(InputError, match="two folders are named 'café', in two Unicode forms"):
        listed(pets)


def test_names_are_shown_on_one_line():
    assert printable("naïve/猫.png") == "naïve/猫.png"
    assert printable(os.fsdecode(b"a\xffb")) == "a\\xffb"
    assert printable("a\nb\x1b[31m") == "a\\nb\\x1b[31m"
    assert printable("a\u2028b\u202eb") == "a\\u2028b\\u202eb"


# ---- what is refused, with the true reason


def test_a_folder_that_is_no_split_is_told(pets):
    (pets / "masks").mkdir()
    for _ in range(2):
        with pytest.raises(InputError, match="masks: holds no class folders; it is taken for the"):
            image_folder.check(pets.parent, folder="pets")
        picture(pets / "masks" / "0.png")
    shutil.rmtree(pets / "masks")
    for label in ("cat", "dog"):
        (pets / "masks" / label).mkdir(parents=True)
        (pets / "masks" / label / "0.psd").touch()
    with pytest.raises(
        InputError, match=r"split masks has no image of class cat \(it is in pool/, 1"
    ):
        image_folder.check(pets.parent, folder="pets")


def test_folders_are_the_splits_that_are_said(pets):
    """Several can be one split, whatever they are called; the others are counted."""
    (pets / "test").rename(pets / "art_painting")
    shutil.copytree(pets / "pool", pets / "more photos")
    shutil.copytree(pets / "pool", pets / "sketch")
    with pytest.raises(InputError, match=r"art_painting: a split's name .* \{art_painting: NAME\}"):
        listed(pets)
    found = listed(pets, splits={"pool": "pool", "more photos": "pool", "art_painting": "art"})
    assert list(found.splits) == ["art", "pool"]
    assert found.splits["pool"]["dog"] == [
        "more photos/dog/0.png", "more photos/dog/1.png", "pool/dog/0.png", "pool/dog/1.png",
    ]  # fmt: skip
    assert found.splits["art"]["cat"] == ["art_painting/cat/0.png", "art_painting/cat/1.png"]
    assert found.left_out.counts == {NO_SPLIT: 4}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"splits": {"photo": "pool"}}, r"no folder 'photo', which .*; allowed: pool, test"),
        ({"splits": {"test": "test"}}, "`splits` names no pool"),
        ({"splits": {"pool": "pool", "test": "The test"}}, r"test: a split's name may contain"),
        ({"splits": {"pool": "pool"}, "layout": "classes"}, "options.splits: not used with `lay"),
    ],
)
def test_folders_that_are_said_wrongly(pets, options, told):
    with pytest.raises(InputError, match=told):
        listed(pets, **options)


def test_a_missing_class_says_where_it_is_and_what_was_left_out(pets):
    (pets / "test" / "dog").rename(pets / "test" / "Dog")
    with pytest.raises(InputError, match=r"pool has no image of class Dog \(it is in test/, 1 cl"):
        listed(pets)
    (pets / "test" / "Dog").rename(pets / "test" / "dog")
    for path in (pets / "pool" / "dog").iterdir():
        path.rename(path.with_suffix(".heic"))
    with pytest.raises(
        InputError, match=r"pool has no image of class dog .* 2 files in pool/dog/ are"
    ):
        listed(pets)


def test_links(pets):
    """To folders and files: followed; to nothing or in a circle: told, and never followed twice."""
    elsewhere = pets.parent / "elsewhere"
    (pets / "pool" / "cat").rename(elsewhere)
    (pets / "pool" / "cat").symlink_to(elsewhere)
    (pets / "pool" / "dog" / "linked.png").symlink_to(elsewhere / "0.png")
    (pets / "pool" / "dog" / "up").symlink_to("..")
    assert [len(images) for images in listed(pets).splits["pool"].values()] == [2, 3]
    assert listed(pets).left_out.counts == {NESTED: 3}
    for target in ("nowhere.png", "broken.png"):
        (pets / "pool" / "dog" / "broken.png").symlink_to(target)
        with pytest.raises(InputError, match=r"dog/broken.png: a broken link \(1 in all\)"):
            image_folder.check(pets.parent, folder="pets")
        with pytest.raises(InputError, match="1 image cannot be used, of 10; replace or remove"):
            prepare(pets)
        manifest = prepare(pets, corrupt="skip")
        assert manifest["splits"]["pool"]["class_counts"] == [2, 3]
        (pets / "pool" / "dog" / "broken.png").unlink()
    elsewhere.rename(pets.parent / "unmounted")
    with pytest.raises(InputError, match=r"pool/cat: a broken link; fix it \(is a disk not m"):
        listed(pets)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_named(pets):
    (pets / "pool" / "cat").chmod(0)
    with pytest.raises(InputError, match=r"pool/cat: cannot be listed \(Permission denied\)"):
        listed(pets)
