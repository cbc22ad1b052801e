"""Hugging Face's layout `imagefolder`: whose images are which split, and which are left out."""

import json

import numpy as np
import pytest
from PIL import Image

from labelbench_core.datasets import hugging_face_folder
from labelbench_core.errors import InputError

LABELS = ["cat", "dog"] * 3
OPTIONS = {"folder": "mine", "image_size": 16}


def write_images(folder, count=6):
    """Images `0.png`, `1.png`, … of different content; their names."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(count)
    for number in range(count):
        pixels = rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return [f"{number}.png" for number in range(count)]


def write_metadata(path, names, labels=None):
    labels = labels or [LABELS[number % 6] for number in range(len(names))]
    rows = [{"file_name": name, "label": label} for name, label in zip(names, labels, strict=True)]
    if path.suffix == ".csv":
        lines = ["file_name,label", *(",".join(row.values()) for row in rows)]
    else:
        lines = [json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def files_of(raw):
    return {split: list(one.files) for split, one in raw.splits.items()}


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
@pytest.mark.parametrize("train", ["train", "Training"])
def test_metadata_of_the_whole_folder_keep_folders_of_splits_apart(tmp_path, name, train):
    names = []
    for folder in (train, "validation", "test"):
        names += [f"{folder}/{one}" for one in write_images(tmp_path / "mine" / folder)]
    write_metadata(tmp_path / "mine" / name, names)
    raw = hugging_face_folder.load(tmp_path, **OPTIONS)
    assert files_of(raw) == {"pool": names[:6], "val": names[6:12], "test": names[12:]}
    assert raw.splits["test"].labels.tolist() == [0, 1] * 3
    assert raw.draw is None
    assert not raw.left_out
    assert hugging_face_folder.check(tmp_path, **OPTIONS) == {"pool": 6, "val": 6, "test": 6}


def test_other_folders_are_no_splits(tmp_path):
    """A folder `site1` beside `train`, or an image beside them, is no split of its own."""
    names = [f"train/{one}" for one in write_images(tmp_path / "mine" / "train")]
    names += [f"site1/{one}" for one in write_images(tmp_path / "mine" / "site1")]
    write_metadata(tmp_path / "mine" / "metadata.csv", names)
    raw = hugging_face_folder.load(tmp_path, **OPTIONS)
    assert sorted(raw.splits) == ["pool", "test"]
    assert sum(len(one.labels) for one in raw.splits.values()) == 12
    assert raw.draw is not None


def test_images_that_no_metadata_name_are_told(tmp_path):
    """A test without metadata, above all: another is then drawn from the pool."""
    names = write_images(tmp_path / "mine" / "train")
    write_metadata(tmp_path / "mine" / "train" / "metadata.csv", names[:-1], LABELS[1:])
    write_images(tmp_path / "mine" / "test", 4)
    raw = hugging_face_folder.load(tmp_path, **OPTIONS)
    assert sorted(raw.splits) == ["pool", "test"]
    assert all(name.startswith("train/") for names in files_of(raw).values() for name in names)
    (reason,) = raw.left_out
    assert reason == "which no metadata name"
    assert raw.left_out[reason] == {
        "count": 5,
        "examples": ["test/0.png", "test/1.png", "test/2.png"],
    }


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('"label": "cat", "label": "dog"', "key 'label' stands twice; allowed: each key once"),
        (
            '"label": ["cat", "dog"]',
            "column label: ['cat', 'dog']; allowed: text, a number, true, false or null, or a list "
            "in `implementation: table`, with the option `label_separator`",
        ),
    ],
)
def test_what_a_line_of_metadata_cannot_say_is_told(tmp_path, line, told):
    names = write_images(tmp_path / "mine" / "train")
    metadata = tmp_path / "mine" / "train" / "metadata.jsonl"
    write_metadata(metadata, names[:-1])
    with open(metadata, "a", encoding="utf-8") as handle:
        handle.write(f'{{"file_name": "{names[-1]}", {line}}}\n')
    with pytest.raises(InputError) as error:
        hugging_face_folder.check(tmp_path, **OPTIONS)
    assert str(error.value) == f"{metadata}: line 6: {told}"


@pytest.mark.parametrize("deeper", ["metadata.csv", "metadata.jsonl"])
def test_metadata_of_the_whole_folder_and_of_a_split(tmp_path, deeper):
    """One of them would be ignored."""
    names = [f"train/{one}" for one in write_images(tmp_path / "mine" / "train")]
    write_metadata(tmp_path / "mine" / "metadata.csv", names)
    write_metadata(tmp_path / "mine/test" / deeper, write_images(tmp_path / "mine/test", 4))
    told = rf"mine: has metadata.csv and test/{deeper}; keep one: for all images, or one in each"
    with pytest.raises(InputError, match=told):
        hugging_face_folder.check(tmp_path, **OPTIONS)


def test_a_test_is_not_offered_for_labelling(tmp_path):
    names = []
    for folder in ("train", "test"):
        names += [f"{folder}/{one}" for one in write_images(tmp_path / "mine" / folder)]
    write_metadata(tmp_path / "mine" / "metadata.csv", names)
    told = r"options.unlabeled: true; .*mine/metadata.csv names images of pool, test; allowed:"
    with pytest.raises(InputError, match=told):
        hugging_face_folder.load(tmp_path, **OPTIONS, unlabeled=True)
