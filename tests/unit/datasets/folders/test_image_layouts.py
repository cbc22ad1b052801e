"""Image folders as people have them: the layout is found out, or said."""

import pytest

from helpers.pictures_by_table import paint
from labelbench_core.datasets import image_folder
from labelbench_core.errors import InputError


def fill(tmp_path, *folders, count=5):
    for place, folder in enumerate(folders):
        for number in range(count):
            paint(tmp_path / "pets" / folder / f"{number}.png", 100 * place + number)


def sizes(tmp_path, **options):
    return image_folder.check(tmp_path, folder="pets", **options)


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (("train", "validation", "testing"), {"pool": 10, "val": 10, "test": 10}),
        (("pool", "test", "sketch"), {"pool": 10, "test": 10, "sketch": 10}),
        (("train", "valid"), {"pool": 8, "val": 10, "test": 2}),
        (("train",), {"pool": 8, "test": 2}),
        (("Train", "TEST"), {"pool": 10, "test": 10}),
        (("training_set", "test_set", "Validation"), {"pool": 10, "val": 10, "test": 10}),
    ],
)
def test_folders_of_splits_by_their_usual_names(tmp_path, names, splits):
    fill(tmp_path, *(f"{name}/{kind}" for name in names for kind in ("cat", "dog")))
    assert sizes(tmp_path) == splits


def test_a_class_may_be_called_train(tmp_path):
    fill(tmp_path, "train", "bus")
    assert sizes(tmp_path) == {"pool": 8, "test": 2}
    assert image_folder.load(tmp_path, folder="pets").class_names == ["bus", "train"]


def test_deeper_folders_name_classes_where_the_outer_hold_no_image(tmp_path):
    fill(tmp_path, "site1/cat", "site1/dog", "site2/cat", "site2/deep/dog")
    raw = image_folder.load(tmp_path, folder="pets")
    assert raw.class_names == ["cat", "dog"]
    assert "called like the folders that hold images" in raw.splits_note
    outer = image_folder.load(tmp_path, folder="pets", nested="outer")
    assert outer.class_names == ["site1", "site2"]
    assert sizes(tmp_path, nested="outer") == {"pool": 16, "test": 4}
    (tmp_path / "pets/site2/deep/up").symlink_to("../..")
    assert sizes(tmp_path) == {"pool": 16, "test": 4}


def test_sub_folders_of_classes_are_taken_where_that_is_said(tmp_path):
    fill(tmp_path, "cat", "cat/siamese", "dog")
    assert sum(sizes(tmp_path).values()) == 10
    assert sum(sizes(tmp_path, nested="outer").values()) == 15
    raw = image_folder.load(tmp_path, folder="pets", nested="inner")
    assert raw.class_names == ["cat", "dog", "siamese"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["0.png"], "holds no class folders; images with labels in a table are read by `impl"),
        (["0.png", "metadata.csv"], "class folders; metadata beside .*hugging-face-folder"),
        (["cat/0.png", "dog/notes.txt"], "no image of class dog .*1 files in dog/ are left out"),
        (["train/cat/0.png", "training/cat/0.png"], "both train/ and training/"),
        (["cat/0.png", "cat/1.png", "dog/0.png"], "class dog has 1 image: none is left for test"),
    ],
)
def test_what_is_no_layout_is_told(tmp_path, files, message):
    for place, name in enumerate(files):
        path = tmp_path / "pets" / name
        if path.suffix == ".png":
            paint(path, place)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    with pytest.raises(InputError, match=message) as caught:
        sizes(tmp_path)
    assert "\n" not in str(caught.value)


def junk(folder, *names):
    for name in names:
        (folder / "pets" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "pets" / name).write_text("words")


@pytest.mark.parametrize("nested", ["auto", "outer", "inner"])
def test_folders_of_notes_alone_are_no_classes(tmp_path, nested):
    fill(tmp_path, "cat", "dog")
    junk(tmp_path, "docs/readme.txt", "docs/more/notes.md", "labels/all.csv")
    raw = image_folder.load(tmp_path, folder="pets", nested=nested)
    assert raw.class_names == ["cat", "dog"]
    assert sum(one["count"] for one in raw.left_out.values()) == 3
    if nested != "inner":
        assert "no classes, since they hold notes but no image: docs/, labels/" in raw.splits_note


def test_folders_of_notes_alone_are_no_classes_in_splits(tmp_path):
    fill(tmp_path, "train/cat", "train/dog", "test/cat", "test/dog")
    junk(tmp_path, "train/docs/readme.txt", "test/docs/readme.txt")
    raw = image_folder.load(tmp_path, folder="pets")
    assert raw.class_names == ["cat", "dog"]
    assert raw.splits_note.endswith("hold notes but no image: test/docs/, train/docs/")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("fish/0.heic", r"no image of class fish \(1 files in fish/ are left out, 1 classes miss"),
        ("fish/0.dcm", r"no image of class fish \(1 files in fish/ are left out"),
        ("fish/photo", r"no image of class fish \(1 files in fish/ are left out"),
        ("fish/.keep", r"no image of class fish \("),
        ("fish/deep/0.png", r"no image of class fish \(1 files in fish/ are left out"),
    ],
)
def test_what_may_be_meant_as_a_class_is_an_error_without_images(tmp_path, name, told):
    fill(tmp_path, "cat", "dog")
    junk(tmp_path, name)
    with pytest.raises(InputError, match=told):
        sizes(tmp_path)


def test_a_class_that_has_images_in_another_split_stays_one(tmp_path):
    fill(tmp_path, "train/cat", "train/dog", "test/cat", "test/dog", "test/fish")
    junk(tmp_path, "train/fish/notes.txt")
    with pytest.raises(InputError, match=r"split pool has no image of class fish \(it is in test/"):
        sizes(tmp_path)


def test_a_folder_may_be_given_by_its_whole_path(tmp_path):
    fill(tmp_path, "cat", "dog")
    below, whole = (
        image_folder.load(data, folder=str(folder))
        for data, folder in ((tmp_path, "pets"), (tmp_path / "elsewhere", tmp_path / "pets"))
    )
    assert whole.class_names == below.class_names == ["cat", "dog"]
    assert whole.splits["pool"].labels.tolist() == below.splits["pool"].labels.tolist()


def test_folders_of_splits_are_named_from_the_folder(tmp_path):
    fill(tmp_path, "train/cat", "train/dog", "test/cat", "test/dog")
    absolute = str(tmp_path / "pets" / "train")
    with pytest.raises(InputError, match=r"has no folder '.*train', which `splits` names.*; allo"):
        sizes(tmp_path, splits={absolute: "pool", "test": "test"})


@pytest.mark.parametrize("folders", [("cat", "dog", "fish"), ("all/cat", "all/dog", "all/fish")])
@pytest.mark.parametrize(
    ("name", "hint"),
    [("Fish", r" \(did you mean 'fish'\?\)"), ("", ""), ("FISH", r" \(did you mean 'fish'\?\)")],
)
def test_left_out_names_that_no_folder_has_are_told(tmp_path, folders, name, hint):
    fill(tmp_path, *folders)
    told = (
        rf"^options.leave_out: '{name}': .*pets has no class folder of this name{hint}; allowed: "
    )
    for names in ([name], ["fish", name]):
        with pytest.raises(InputError, match=f"{told}cat, dog, fish$"):
            sizes(tmp_path, leave_out=names)
    assert sizes(tmp_path, leave_out=["fish"]) == {"pool": 8, "test": 2}


def test_left_out_names_in_splits_without_labels_and_in_either_unicode_form(tmp_path):
    fill(tmp_path, "train/x", "train/né", "test/cat", "test/dog")
    raw = image_folder.load(tmp_path, folder="pets", unlabeled=True, leave_out=["ne\u0301"])
    assert len(raw.splits["pool"].labels) == 5
    with pytest.raises(InputError, match=r"leave_out: 'y': .* no class folder of this name"):
        sizes(tmp_path, unlabeled=True, leave_out=["y"])
