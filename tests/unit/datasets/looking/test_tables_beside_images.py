"""What `--check` guesses where a table has the labels of images that lie in folders beside it."""

import pytest
import yaml

from helpers.pictures_by_table import paint, write_table
from labelbench_core.datasets import __main__ as command


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A folder in the data directory of an empty project."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LABELBENCH_DATA", raising=False)
    (tmp_path / "data" / "mine").mkdir(parents=True)
    return tmp_path / "data" / "mine"


def rows_of(folder, names, start=0):
    """Images in a folder; each one's name and class."""
    kinds = ("cat", "dog")
    for number, name in enumerate(names):
        paint(folder / f"{name}.png", start + number)
    return [[name, kinds[number % 2]] for number, name in enumerate(names)]


def with_ends(rows, before=""):
    return [[f"{before}{name}.png", kind] for name, kind in rows]


def entry_of(told):
    text = "catalogue:" + told.split("catalogue:")[1]
    return yaml.safe_load(text)["catalogue"]["datasets"]["mine"]


def check(capsys, *more):
    assert command.main(["--check", "data/mine", *more]) == 0
    told = capsys.readouterr().out
    return told, entry_of(told)


def test_the_table_of_the_pool_names_files_in_the_folder_of_the_pool(mine, capsys):
    """As in competitions: `test/` has no labels, and a sample of the answer names its files."""
    rows = rows_of(mine / "train", [f"a{n}" for n in range(20)])
    others = rows_of(mine / "test", [f"b{n}" for n in range(6)], start=50)
    write_table(mine / "train.csv", ["image_id", "label"], with_ends(rows))
    write_table(mine / "sample_submission.csv", ["image_id", "label"], with_ends(others))
    told, entry = check(capsys)
    options = {"table": "mine/train.csv", "images": "mine/train", "path_column": "image_id"}
    assert entry == {"implementation": "table", "options": {**options, "label_column": "label"}}
    assert "path_column: image_id, whose values are files in mine/train" in told
    assert "splits    pool 16 (80.0%), test 4 (20.0%)" in told


def test_cells_without_the_ends_of_names(mine, capsys):
    rows = rows_of(mine / "images", [f"{n:03d}" for n in range(20)])
    write_table(mine / "labels.csv", ["id", "breed"], rows)
    told, entry = check(capsys)
    options = {"table": "mine/labels.csv", "images": "mine/images", "path_column": "id"}
    options |= {"path_suffix": ".png", "label_column": "breed"}
    assert entry == {"implementation": "table", "options": options}
    assert "path_suffix: .png, without which they are no files" in told
    # It is another's: nothing is found with it.
    told, entry = check(capsys, "--options", "{path_suffix: .png, label_column: breed}")
    assert entry["options"] == options


@pytest.mark.parametrize("train", ["train", "Training", "train_set"])
def test_paths_that_begin_with_splits(mine, train, capsys):
    rows = with_ends(rows_of(mine / train, [f"a{n}" for n in range(16)]), f"{train}/")
    rows += with_ends(rows_of(mine / "test", ["b0", "b1"], start=50), "test/")
    write_table(mine / "labels.csv", ["file", "kind"], rows)
    told, entry = check(capsys)
    options = {"table": "mine/labels.csv", "path_column": "file", "label_column": "kind"}
    assert entry["options"] == {**options, "split_by_folder": True}
    assert "splits    pool 16 (88.9%), test 2 (11.1%)" in told
    told, entry = check(capsys, "--options", "{split_by_folder: false}")
    assert entry["options"] == {**options, "split_by_folder": False}
    assert "Drawn by seed 0" in told


def test_a_table_beside_folders_of_classes_changes_nothing(mine, capsys):
    rows = []
    for place, kind in enumerate(("cat", "dog")):
        names = [f"{kind}{n}" for n in range(10)]
        rows += with_ends(rows_of(mine / kind, names, start=20 * place), f"{kind}/")
    write_table(mine / "labels.csv", ["file", "kind"], rows)
    _, entry = check(capsys)
    assert entry == {"implementation": "image-folder", "options": {"folder": "mine"}}


def test_folders_of_splits_alone_are_no_classes(mine, capsys):
    """Without a table there are no labels; `layout: classes` says that these are classes."""
    rows_of(mine / "train", [f"a{n}" for n in range(10)])
    rows_of(mine / "test", [f"b{n}" for n in range(10)], start=20)
    assert command.main(["--check", "data/mine"]) == 2
    told = capsys.readouterr().err
    assert "mine: test, train would be the classes, and are called as splits; allowed: " in told
    assert told.count("\n") == 1
    told, entry = check(capsys, "--options", "{layout: classes}")
    assert entry["options"]["layout"] == "classes"


def test_a_folder_of_nothing_that_is_read(mine, capsys):
    (mine / "train.csv.gz").write_bytes(b"x")
    assert command.main(["--check", "data/mine"]) == 2
    told = capsys.readouterr().err
    assert "data/mine: holds train.csv.gz; allowed: folders of images, tables (.csv, " in told


def test_what_several_rows_come_from_is_named_where_a_test_is_drawn(mine, capsys):
    """It is never used unasked, and no guess of labels."""
    rows = with_ends(rows_of(mine, [f"a{n}" for n in range(20)]))
    header = ["file", "Patients", "finding"]
    patients = [[name, f"p{n // 4}", kind] for n, (name, kind) in enumerate(rows)]
    write_table(mine / "all.csv", header, patients)
    told, entry = check(capsys)
    assert entry["options"]["label_column"] == "finding"
    assert "together_column" not in entry["options"]
    assert "say so with --options '{together_column: Patients}'" in told
    told, entry = check(capsys, "--options", "{together_column: Patients}")
    assert entry["options"]["together_column"] == "Patients"
    assert "is not used" not in told
    for settled in ("{label_column: Patients}", "{test_share: 0}"):
        assert "is not used" not in check(capsys, "--options", settled)[0]


def test_of_texts_too(mine, capsys):
    rows = [[f"the parcel {n} is late", "ab"[n % 2], f"u{n // 2}"] for n in range(20)]
    write_table(mine / "all.csv", ["body", "topic", "author"], rows)
    told, entry = check(capsys)
    assert entry["options"]["label_column"] == "topic"
    assert "author is not used: rows in which it is equal may come to both sides" in told
    by_author = [[text, label] for text, label, _ in rows]
    write_table(mine / "all.csv", ["body", "author"], by_author)
    assert check(capsys)[1]["options"]["label_column"] == "author"
