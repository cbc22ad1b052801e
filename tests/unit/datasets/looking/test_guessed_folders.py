"""What `--check` guesses of folders that hold no images: tables, arrays, what others saved."""

import json

import numpy as np
import pytest
import yaml

from helpers.pictures_by_table import paint, write_table
from labelbench_core.datasets import __main__ as command
from labelbench_core.datasets import image_folder
from labelbench_core.errors import InputError


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A folder in the data directory of an empty project."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LABELBENCH_DATA", raising=False)
    (tmp_path / "data" / "mine").mkdir(parents=True)
    (tmp_path / "data" / "mine" / "README.md").touch()
    return tmp_path / "data" / "mine"


def check(capsys, *more, status=0):
    """What is printed of the folder, and the only entry."""
    assert command.main(["--check", "data/mine", *more]) == status
    told = capsys.readouterr().out
    entries = yaml.safe_load("catalogue:" + told.split("catalogue:")[1])["catalogue"]["datasets"]
    return told, entries["mine"]


def refused(capsys, *more):
    """What is told of a folder that is not a data set."""
    assert command.main(["--check", "data/mine", *more]) == 2
    return capsys.readouterr().err


def write_texts(path, word="where"):
    write_table(path, ["text", "topic"], [[f"{word} is {n}", "ab"[n % 2]] for n in range(20)])


def test_a_table_of_texts_alone(mine, capsys):
    write_texts(mine / "labels.csv")
    told, entry = check(capsys)
    assert entry["implementation"] == "text-table"
    assert entry["options"]["splits"] == {"pool": "mine/labels.csv"}
    assert "splits    pool 16 (80.0%), test 4 (20.0%)" in told
    _, entry = check(capsys, "--options", "{test_size: 6}")
    assert "test_share" not in entry["options"]


def test_tables_of_splits_alone(mine, capsys):
    write_texts(mine / "train.csv")
    write_texts(mine / "test.csv", "whence")
    _, entry = check(capsys)
    splits = {"pool": "mine/train.csv", "test": "mine/test.csv"}
    assert entry["options"]["splits"] == splits


def test_a_table_of_images_that_lie_deeper_in_options(mine, capsys):
    rows = [[f"images/{n}.png", ("cat", "dog")[n % 2], "ab"[n % 2]] for n in range(20)]
    for number, (name, *_) in enumerate(rows):
        paint(mine / name, number)
    write_table(mine / "labels.csv", ["file", "kind", "which"], rows)
    _, entry = check(capsys, "--options", "{label_column: kind, image_size: 32}")
    options = {"table": "mine/labels.csv", "path_column": "file", "label_column": "kind"}
    assert entry == {"implementation": "table", "options": {**options, "image_size": 32}}
    # An option of folders of images alone: it is not taken for a table.
    told = refused(capsys, "--options", "{layout: classes}")
    assert "at least two classes" in told


def test_an_archive_of_arrays_alone(mine, capsys):
    labels = np.arange(20) % 2
    np.savez(mine / "x.npz", embeddings=np.eye(20), labels=labels)
    _, entry = check(capsys)
    assert entry["implementation"] == "own-embeddings"
    assert entry["options"]["splits"] == {"pool": "mine/x.npz:embeddings"}
    np.savez(mine / "other.npz", embeddings=np.eye(20), labels=labels)
    told = refused(capsys)
    assert "holds no images, but other.npz, x.npz, each of which could be a data set" in told
    assert "--check data/mine/other.npz; embeddings are read by `implementation: own-" in told


@pytest.mark.parametrize("more", [{}, {"z-notes": np.eye(3)}])
def test_arrays_of_splits_in_files_of_their_own(mine, capsys, more):
    rng = np.random.default_rng(0)
    for split, count in (("train", 20), ("test", 20)):
        np.save(mine / f"X_{split}.npy", rng.normal(size=(count, 4)))
        np.save(mine / f"y_{split}.npy", np.arange(count) % 2)
    for name, array in more.items():
        np.save(mine / f"{name}.npy", array)
    _, entry = check(capsys)
    assert entry["options"] == {
        "splits": {"pool": "mine/X_train.npy", "test": "mine/X_test.npy"},
        "labels": {"pool": "mine/y_train.npy", "test": "mine/y_test.npy"},
    }


def test_archives_of_splits(mine, capsys):
    for split, width in (("train", 4), ("test", 4), ("val", 5)):
        arrays = {"features": np.ones((20, width)), "labels": np.arange(20) % 2}
        np.savez(mine / f"{split}.npz", **arrays)
    _, entry = check(capsys)  # of val, features are others
    assert entry["options"] == {
        "splits": {"pool": "mine/train.npz:features", "test": "mine/test.npz:features"},
        "labels": {"pool": "mine/train.npz:labels", "test": "mine/test.npz:labels"},
    }


def test_what_nothing_fits_names_the_implementations(mine, capsys):
    write_table(mine / "sizes.csv", ["a", "b"], [["1", "2"], ["3", "4"]])
    told = refused(capsys)
    assert "data/mine/sizes.csv: cannot guess what this is; say so with --options" in told
    write_table(mine / "more.csv", ["a", "b"], [["1", "2"], ["3", "4"]])
    told = refused(capsys)
    assert "holds no images, but more.csv, sizes.csv, none of which can be guessed" in told
    assert "`implementation: text-table` with `splits: {pool: mine/more.csv}`" in told


def test_what_hugging_face_saved_is_known_by_its_file(mine, capsys):
    (mine / "dataset_dict.json").write_text(json.dumps({"splits": ["train"]}))
    (mine / "train").mkdir()
    assert command.main(["--check", "data/mine"]) == 2
    told = capsys.readouterr()
    assert "guessed: hugging-face-saved" in told.out
    assert "train" in told.err


@pytest.mark.parametrize("split", ["train", ""])
def test_images_that_hugging_face_saved_are_known_by_their_feature(mine, capsys, split):
    if split:
        (mine / "dataset_dict.json").write_text(json.dumps({"splits": [split]}))
    (mine / split).mkdir(exist_ok=True)
    (mine / split / "state.json").write_text(json.dumps({"_data_files": []}))
    features = {"photo": {"_type": "Image"}, "label": {"dtype": "string", "_type": "Value"}}
    (mine / split / "dataset_info.json").write_text(json.dumps({"features": features}))
    assert command.main(["--check", "data/mine"]) == 2
    told = capsys.readouterr()
    held = "dataset_dict.json" if split else "state.json"
    assert f"holds {held}" in told.out
    assert "guessed: hugging-face-saved-images" in told.out


@pytest.mark.parametrize(
    ("name", "told"),
    [("labels.csv", ", but labels.csv; `--check` says what reads these"), (None, ", nothing")],
)
def test_the_source_of_folders_says_what_it_saw(tmp_path, name, told):
    (tmp_path / "mine").mkdir()
    if name is not None:
        (tmp_path / "mine" / name).touch()
    with pytest.raises(InputError) as caught:
        image_folder.check(tmp_path, folder="mine")
    assert str(caught.value).endswith(f"holds no class folders{told}")


@pytest.mark.parametrize("name", ["net.pt", "x.h5", "x.json", "notes"])
def test_a_file_of_another_kind_is_told_what_is_read(mine, capsys, name):
    (mine / name).write_text("none")
    assert command.main(["--check", f"data/mine/{name}"]) == 2
    told = capsys.readouterr().err
    assert (
        "; allowed: tables (.csv, .tsv, .jsonl, .ndjson, .parquet) and arrays (.npy, .npz" in told
    )


def test_columns_of_which_each_row_has_one_are_told(mine, capsys):
    told = "every row of the pool has exactly one class: if no row can have several, give labels as"
    x, y = np.random.default_rng(0).normal(size=(20, 4)), np.eye(2, dtype=int)[np.arange(20) % 2]
    np.savez(mine / "mine.npz", embeddings=x, labels=y)
    assert told in check(capsys)[0]
    y[:3] = 1
    np.savez(mine / "mine.npz", embeddings=x, labels=y)
    assert told not in check(capsys)[0]
