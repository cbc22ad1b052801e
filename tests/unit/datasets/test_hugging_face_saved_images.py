"""Images that the package datasets has saved are those of files, and are checked as these."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from helpers.image_files import encoded
from helpers.prepared import prepare
from labelbench_core.configuration.sources.source_sizes import source_sizes
from labelbench_core.datasets import hugging_face_saved, hugging_face_saved_images
from labelbench_core.errors import InputError
from labelbench_core.registry import describe

SOURCE = "hugging-face-saved-images"
NAMES = ["cat", "dog"]
LABEL = {"names": NAMES, "_type": "ClassLabel"}
IMAGE = {"_type": "Image"}
MINE = {"folder": "saved", "image_size": 16}
needs_pyarrow = pytest.mark.extra("pyarrow")


def picture(number, size=(20, 16), form="PNG", **options):
    """The content of an image file; each number has pixels of its own."""
    pixels = np.random.default_rng(number).integers(0, 255, (*size, 3), np.uint8)
    return encoded(Image.fromarray(pixels), form, **options)


def rows_of(first, count):
    """(image, label) of images that no other number has, of both classes in turn."""
    return [({"bytes": picture(first + one), "path": None}, one % 2) for one in range(count)]


def save(root, splits, *, features=None, more=None):
    """The files of `DatasetDict.save_to_disk`, a table for every two rows.

    A split of the name "" is saved as a `Dataset` alone.
    """
    import pyarrow

    kind = pyarrow.struct({"bytes": pyarrow.binary(), "path": pyarrow.string()})
    folder = root / "saved"
    folder.mkdir(parents=True, exist_ok=True)
    if "" not in splits:
        (folder / "dataset_dict.json").write_text(json.dumps({"splits": list(splits)}))
    for split, rows in splits.items():
        place = folder / split
        place.mkdir(exist_ok=True)
        files = []
        for first in range(0, len(rows), 2):
            images, labels = map(list, zip(*rows[first : first + 2], strict=True))
            is_plain = any(isinstance(one, bytes) for one in images)
            held = pyarrow.array(images, None if is_plain else kind)
            table = {"image": held, "label": labels}
            table |= {key: one[first : first + 2] for key, one in (more or {}).items()}
            table = pyarrow.table(table)
            files.append({"filename": f"data-{first}.arrow"})
            with (
                pyarrow.OSFile(str(place / f"data-{first}.arrow"), "wb") as sink,
                pyarrow.ipc.new_stream(sink, table.schema) as writer,
            ):
                writer.write_table(table)
        (place / "state.json").write_text(json.dumps({"_data_files": files}))
        told = {"image": IMAGE, "label": LABEL, **(features or {})}
        (place / "dataset_info.json").write_text(json.dumps({"features": told}))


def told(folder, **options):
    """The error of planning, which is one line."""
    with pytest.raises(InputError) as error:
        source_sizes({"implementation": SOURCE, "options": {**MINE, **options}}, folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def same_in_files(root, contents):
    """A folder of classes with these files; the splits are those of the prepared one's options."""
    for split, rows in contents.items():
        for number, (image, label) in enumerate(rows):
            file = root / "files" / split / NAMES[label] / f"{number:02}.img.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(image["bytes"])


@needs_pyarrow
def test_images_are_as_those_of_the_same_files(tmp_path, monkeypatch):
    """Turned by EXIF, in CMYK, with transparent parts, or of 16 bits: all is as from a folder."""
    monkeypatch.setenv("LABELBENCH_DATA", str(tmp_path))
    exif = Image.Exif()
    exif[0x0112] = 6
    clear = Image.fromarray(np.full((9, 9, 4), (10, 200, 30, 90), np.uint8), "RGBA")
    deep = Image.fromarray(np.arange(400, dtype=np.uint16).reshape(20, 20) * 160)
    ink = Image.fromarray(np.full((12, 30, 4), (9, 90, 200, 20), np.uint8), "CMYK")
    unusual = [
        picture(90, form="JPEG", exif=exif, quality=95),
        encoded(clear),
        encoded(deep),
        encoded(ink, "JPEG"),
    ]
    pool = [({"bytes": one, "path": "x.png"}, place % 2) for place, one in enumerate(unusual)]
    # Folders are sorted by class.
    pool = sorted([*pool, *rows_of(0, 3)], key=lambda row: row[1])
    splits = {"train": pool, "validation": rows_of(10, 2)[::-1], "test": rows_of(20, 4)}
    splits = {name: sorted(rows, key=lambda row: row[1]) for name, rows in splits.items()}
    save(tmp_path, splits)
    assert hugging_face_saved_images.check(tmp_path, **MINE) == {"pool": 7, "val": 2, "test": 4}
    mine = prepare(tmp_path / "mine", SOURCE, tmp_path, MINE)
    same_in_files(tmp_path, {"train": pool, "val": splits["validation"], "test": splits["test"]})
    options = {"folder": "files", "image_size": 16}
    files = prepare(tmp_path / "other", "image-folder", tmp_path, options)
    assert mine.class_names == files.class_names == NAMES
    for split in ("pool", "val", "test"):
        assert mine.labels(split).tolist() == files.labels(split).tolist()
        rows = np.arange(len(mine.labels(split)))
        np.testing.assert_array_equal(
            mine.images(split).batch(rows), files.images(split).batch(rows)
        )
    names = hugging_face_saved_images.source_files(tmp_path, **MINE).files
    assert "saved/dataset_dict.json" in names
    assert "saved/train/data-6.arrow" in names
    assert describe("datasets", SOURCE).info["rows"] == "images"


@needs_pyarrow
def test_images_may_be_files_beside_what_was_saved(tmp_path, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "a.png"
    outside.write_bytes(picture(2))
    (tmp_path / "photos").mkdir()
    for number in range(2):
        (tmp_path / "photos" / f"{number}.png").write_bytes(picture(number))
    paths = ["../photos/0.png", str(tmp_path / "photos" / "1.png")]
    rows = [({"bytes": None, "path": path}, number) for number, path in enumerate(paths)]
    save(tmp_path, {"train": rows, "test": rows_of(10, 2)})
    raw = hugging_face_saved_images.load(tmp_path, **MINE)
    save(tmp_path / "held", {"train": rows_of(0, 2), "test": rows_of(10, 2)})
    held = hugging_face_saved_images.load(tmp_path / "held", **MINE)
    np.testing.assert_array_equal(raw.splits["pool"].images, held.splits["pool"].images)
    names = hugging_face_saved_images.source_files(tmp_path, **MINE).files
    assert {"photos/0.png", "photos/1.png"} < {*names}
    bad = [
        ({"bytes": None, "path": str(outside)}, 0),
        ({"bytes": None, "path": "../photos/2.png"}, 1),
        ({"bytes": None, "path": None}, 1),
        (None, 0),
        ({"bytes": None, "path": "a\0b"}, 0),
    ]
    save(tmp_path, {"train": [*rows, *bad], "test": rows_of(10, 2)})
    with pytest.raises(InputError) as error:
        prepare(tmp_path / "mine", SOURCE, tmp_path, MINE)
    lines = str(error.value).splitlines()
    assert "5 images cannot be used, of 9; replace or remove what is named here" in lines[0]
    reasons = [line.partition("/saved/train: ")[2] for line in lines[1:]]
    assert reasons[1:4] == [
        "row 3: photos/2.png: file not found",
        "row 4: no image was saved",
        "row 5: no image was saved",
    ]
    for reason, row in ((reasons[0], 2), (reasons[4], 6)):
        assert reason.startswith(f"row {row}: its content was not saved, but the path ")
        assert reason.endswith(", which is none below LABELBENCH_DATA")


@needs_pyarrow
def test_broken_images_are_listed_at_once_or_left_out(tmp_path):
    pool = rows_of(0, 6)
    pool[1] = ({"bytes": b"", "path": "a.png"}, 1)
    pool[4] = ({"bytes": picture(4)[:200], "path": "b.png"}, 0)
    pages = encoded(
        Image.new("RGB", (8, 8)), "TIFF", save_all=True, append_images=[Image.new("RGB", (8, 8))]
    )
    pool[5] = ({"bytes": pages, "path": "c.tif"}, 1)
    save(tmp_path, {"train": pool, "test": [*rows_of(10, 2), ({"bytes": b"no", "path": None}, 0)]})
    # Planning reads no image.
    sizes = {"pool": 6, "test": 3}
    assert hugging_face_saved_images.check(tmp_path, **MINE) == sizes
    with pytest.raises(InputError) as error:
        prepare(tmp_path / "mine", SOURCE, tmp_path, MINE)
    first, *lines = str(error.value).splitlines()
    assert first.startswith("data set mine: 3 images cannot be used, of 9; ")
    assert [line.partition("/saved/")[2].split(" (")[0] for line in lines] == [
        "train: row 1: empty file",
        "train: row 4: corrupt image",
        "test: row 2: not an image that Pillow can read",
    ]
    options = {**MINE, "corrupt": "skip"}
    mine = prepare(tmp_path / "mine", SOURCE, tmp_path, options)
    assert mine.labels("pool").tolist() == [0, 0, 1, 1]
    assert mine.source_rows("pool").tolist() == [0, 2, 3, 5]
    assert mine.source_rows("test").tolist() == [0, 1]
    left_out = mine.manifest["left_out"]
    assert left_out["which cannot be decoded"]["count"] == 3
    assert left_out["which cannot be decoded"]["examples"][0] == "saved/train: row 1 (empty file)"
    assert left_out["but for their first frame or page"]["examples"] == ["saved/train: row 5"]
    kept = hugging_face_saved_images.load(tmp_path, **options).splits["pool"].images
    np.testing.assert_array_equal(mine.images("pool").batch(np.arange(4)), kept)
    assert hugging_face_saved_images.pool_labels(tmp_path, **options) is None
    labels, names = hugging_face_saved_images.pool_labels(tmp_path, **MINE)
    assert (labels.tolist(), names) == ([0, 1, 0, 1, 0, 1], NAMES)


@needs_pyarrow
@pytest.mark.parametrize("split", ["train", ""])
def test_a_test_is_drawn_where_none_was_saved(tmp_path, split):
    rows = rows_of(0, 20)
    rows[7] = rows[5]
    save(tmp_path, {split: rows})
    assert hugging_face_saved_images.check(tmp_path, **MINE) == {"pool": 16, "test": 4}
    mine = prepare(tmp_path / "mine", SOURCE, tmp_path, MINE)
    assert mine.labels("test").tolist().count(0) == 2
    places = {name: mine.source_rows(name).tolist() for name in mine.splits}
    assert sorted([*places["pool"], *places["test"]]) == list(range(20))
    assert ({5, 7} <= {*places["pool"]}) or ({5, 7} <= {*places["test"]})
    again = prepare(tmp_path / "again", SOURCE, tmp_path, {**MINE, "split_seed": 1})
    assert again.source_rows("test").tolist() != places["test"]
    sizes = {"test_size": 6, "val_share": 0.2}
    assert hugging_face_saved_images.check(tmp_path, **MINE, **sizes) == {
        "pool": 10,
        "val": 4,
        "test": 6,
    }
    assert hugging_face_saved_images.check(tmp_path, **MINE, test_share=0.0) == {"pool": 20}
    assert hugging_face_saved_images.pool_labels(tmp_path, **MINE) is None
    assert f"saved/{split}".rstrip("/") + "/state.json" in (
        hugging_face_saved_images.source_files(tmp_path, **MINE).files
    )
    if not split:
        assert "options.splits: {'pool': 'train'}: " in told(tmp_path, splits={"pool": "train"})


@needs_pyarrow
def test_images_that_were_drawn_stay_where_they_are(tmp_path):
    rows = rows_of(0, 20)
    save(tmp_path, {"train": rows})
    before = prepare(tmp_path / "mine", SOURCE, tmp_path, MINE)
    drawn = before.images("test").batch(np.arange(4))
    save(tmp_path, {"train": [*rows_of(40, 10), *rows]})
    after = prepare(tmp_path / "mine", SOURCE, tmp_path, MINE)
    assert len(after.labels("test")) == 6
    known = {one.tobytes() for one in after.images("test").batch(np.arange(6))}
    assert {one.tobytes() for one in drawn} < known
    for split in ("pool", "test"):
        places = after.source_rows(split)
        labels = [([*rows_of(40, 10), *rows])[place][1] for place in places]
        assert after.labels(split).tolist() == labels


@needs_pyarrow
def test_the_same_and_nearly_the_same_images_are_found(tmp_path):
    coarse = np.random.default_rng(5).integers(0, 255, (4, 4, 3), np.uint8)
    blurred = Image.fromarray(coarse).resize((64, 64), Image.Resampling.BICUBIC)
    near = [{"bytes": encoded(blurred, "JPEG", quality=one), "path": None} for one in (95, 50)]
    pool, test = rows_of(0, 4), rows_of(10, 4)
    test[1] = (pool[1][0], 1)
    pool.append((near[0], 0))
    test.append((near[1], 0))
    save(tmp_path, {"train": pool, "test": test})
    mine = prepare(tmp_path / "mine", SOURCE, tmp_path, MINE, near_duplicates=6)
    same, alike = mine.manifest["leaks"]
    assert (same["kind"], same["count"]) == ("pool and test", 1)
    assert same["examples"] == [["pool[1] (dog)", "test[1] (dog)"]]
    assert (alike["kind"], alike["count"]) == ("pool and test, nearly", 1)
    assert alike["examples"] == [["pool[4] (cat)", "test[4] (cat)"]]
    with pytest.raises(InputError, match=r"1 image is in two splits .*identical in content"):
        prepare(tmp_path / "b", SOURCE, tmp_path, MINE, duplicates="error")


@needs_pyarrow
def test_columns_of_bytes_names_as_labels_and_weights(tmp_path):
    rows = [(image["bytes"], NAMES[label]) for image, label in rows_of(0, 4)]
    features = {"image": {"dtype": "binary", "_type": "Value"}, "label": {"dtype": "string"}}
    splits = {"train": rows, "test": rows[::-1]}
    save(tmp_path, splits, features=features, more={"w": [1.0, 2.0, 0.5, 4.0]})
    mine = prepare(tmp_path / "mine", SOURCE, tmp_path, {**MINE, "weight_column": "w"})
    assert mine.class_names == NAMES
    assert mine.labels("test").tolist() == [1, 0, 1, 0]
    assert mine.weights("pool").tolist() == [1.0, 2.0, 0.5, 4.0]
    images = mine.images("pool").batch(np.arange(4))
    np.testing.assert_array_equal(images, mine.images("test").batch(np.arange(4))[::-1])


@needs_pyarrow
def test_what_is_wrong_is_one_line_before_any_image_is_read(tmp_path):
    assert "options.folder: 'saved': " in told(tmp_path)
    rows = {"train": rows_of(0, 4), "test": rows_of(10, 2)}
    save(tmp_path, rows, features={"mask": IMAGE}, more={"mask": [b"", b"", b"", b""]})
    several = "has several columns of images; allowed: image, mask"
    assert told(tmp_path).startswith("options.image_column: missing; ")
    assert told(tmp_path).endswith(several)
    assert source_sizes(
        {"implementation": SOURCE, "options": {**MINE, "image_column": "image"}}, tmp_path
    ).splits == {"pool": 4, "test": 2}
    assert "options.image_column: 'imag': " in told(tmp_path, image_column="imag")
    assert "(did you mean 'image'?)" in told(tmp_path, image_column="imag")
    assert "data-0.arrow has no images there, but int64; allowed: a column of the feature" in (
        told(tmp_path, image_column="label")
    )
    assert "options.label_column: 'kind': " in told(
        tmp_path, image_column="image", label_column="kind"
    )
    save(tmp_path, rows, features={"image": {"dtype": "int64"}})
    assert told(tmp_path).endswith(
        "has no column of images; allowed: a column of the feature `Image`, or of bytes"
    )
    save(tmp_path, {**rows, "test": [(rows["test"][0][0], -1)]})
    wrong = "test: row 0: column label: '-1'; allowed: one of the 2 classes of the feature label"
    assert wrong in told(tmp_path)
    assert told(tmp_path, splits={"pool": "train", "test": "none"}).startswith(
        "options.splits: test: 'none' was not saved; allowed: train, test"
    )
    save(tmp_path, {**rows, "test": rows["test"][:1]})
    assert "dog" in told(tmp_path)
    assert source_sizes(
        {"implementation": SOURCE, "options": {**MINE, "allow_missing_classes": True}}, tmp_path
    ).splits == {"pool": 4, "test": 1}
    assert "options.test_share: 0.5; saved already has the split test" in (
        told(tmp_path, allow_missing_classes=True, test_share=0.5)
    )
    (tmp_path / "saved/train/data-2.arrow").write_bytes(b"no table")
    assert "data-2.arrow: not a readable Arrow file (" in told(tmp_path)
    assert hugging_face_saved_images.source_files(tmp_path, **MINE) is None


@needs_pyarrow
def test_the_source_of_texts_says_what_reads_images(tmp_path):
    save(tmp_path, {"train": rows_of(0, 2)})
    with pytest.raises(InputError) as error:
        hugging_face_saved.check(tmp_path, folder="saved")
    assert str(error.value).endswith(
        "has no such column, but images (image); allowed: a column of texts, or `implementation: "
        "hugging-face-saved-images`"
    )


def test_the_package_that_is_needed_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    place = tmp_path / "saved"
    place.mkdir()
    (place / "state.json").write_text(json.dumps({"_data_files": [{"filename": "a.arrow"}]}))
    (place / "a.arrow").touch()
    (place / "dataset_info.json").write_text(json.dumps({"features": {"image": IMAGE}}))
    assert told(tmp_path).endswith(
        "reading Arrow needs the package pyarrow, which is not installed; install it (the extra "
        "`arrow`)"
    )
    assert hugging_face_saved_images.source_files(tmp_path, **MINE) is None


@pytest.mark.extra("datasets")
def test_what_the_package_writes_is_read(tmp_path):
    import datasets

    (tmp_path / "a.png").write_bytes(picture(0))
    (tmp_path / "b.png").write_bytes(picture(1))
    features = datasets.Features(
        {"picture": datasets.Image(), "label": datasets.ClassLabel(names=NAMES)}
    )
    splits = {
        "train": [str(tmp_path / "a.png"), str(tmp_path / "b.png")],
        "test": [Image.open(tmp_path / "b.png"), Image.open(tmp_path / "a.png")],
    }
    labels = {"train": [0, 1], "test": [1, 0]}
    made = {
        split: datasets.Dataset.from_dict(
            {"picture": images, "label": labels[split]}, features=features
        )
        for split, images in splits.items()
    }
    datasets.DatasetDict(made).save_to_disk(str(tmp_path / "saved"))
    mine = prepare(tmp_path / "mine", SOURCE, tmp_path, MINE)
    assert mine.class_names == NAMES
    assert mine.labels("test").tolist() == [1, 0]
    images = mine.images("pool").batch(np.arange(2))
    np.testing.assert_array_equal(images, mine.images("test").batch(np.arange(2))[::-1])
    assert len(np.unique(images.reshape(2, -1), axis=0)) == 2
    made["train"].save_to_disk(str(tmp_path / "one"))
    options = {**MINE, "folder": "one", "test_share": 0.0}
    alone = hugging_face_saved_images.load(tmp_path, **options)
    np.testing.assert_array_equal(alone.splits["pool"].images, images)
