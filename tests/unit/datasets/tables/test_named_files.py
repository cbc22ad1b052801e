"""Paths in tables: ends of names that cells lack, and folders that say the split."""

import numpy as np
import pytest

from helpers.pictures_by_table import paint, write_table
from labelbench_core.datasets import table
from labelbench_core.errors import InputError

OPTIONS = {"table": "mine/all.csv", "path_column": "file", "label_column": "kind"}


@pytest.fixture
def data(tmp_path):
    """Images in folders, and a table that names them without `.png`."""
    rows = [[f"{folder}/{n}", "ab"[n % 2]] for folder in ("Train", "test", "art") for n in range(4)]
    for number, (name, _) in enumerate(rows):
        paint(tmp_path / "mine" / f"{name}.png", number)
    write_table(tmp_path / "mine" / "all.csv", ["file", "kind"], rows)
    return tmp_path


def test_the_end_of_names_is_added_to_each_cell(data):
    with pytest.raises(InputError, match=r"all.csv: line 2: column file: 'Train/0'"):
        table.check(data, **OPTIONS)
    sizes = table.check(data, **OPTIONS, path_suffix=".png", test_share=0.5)
    assert sizes == {"pool": 6, "test": 6}
    raw = table.load(data, **OPTIONS, path_suffix=".png", test_share=0)
    assert raw.splits["pool"].files[:2] == ["Train/0.png", "Train/1.png"]


def test_the_first_folder_says_the_split(data):
    raw = table.load(data, **OPTIONS, path_suffix=".png", split_by_folder=True)
    assert {split: len(one.labels) for split, one in raw.splits.items()} == {
        **{"pool": 4, "test": 4, "art": 4}
    }
    assert {name.partition("/")[0] for name in raw.splits["pool"].files} == {"Train"}
    np.testing.assert_array_equal(raw.splits["test"].labels, [0, 1, 0, 1])


def test_splits_name_folders_as_they_are_called(data):
    asked = {**OPTIONS, "path_suffix": ".png", "split_by_folder": True}
    raw = table.load(data, **asked, splits={"art": "pool", "Train": "test"})
    assert {name.partition("/")[0] for name in raw.splits["pool"].files} == {"art"}
    assert [one["count"] for one in raw.left_out.values()] == [4]
    with pytest.raises(InputError, match="has no value 'train', which `splits` names"):
        table.check(data, **asked, splits={"art": "pool", "train": "test"})


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (["5", "a"], r"line 14: column file: '5.png'; allowed: a path that begins with a folder"),
        ([" ", "a"], r"line 14: column file: ' '; allowed: a path that begins with a folder"),
        (
            ["/train/5", "a"],
            r"column file: '/train/5.png'; allowed: a path that begins with a fold",
        ),
        (["./train/5", "a"], r"column file: './train/5.png'; allowed: a path that begins with a"),
        (["Big Art/5", "a"], r"split 'Big Art', of value 'Big Art'; allowed: a name of a-z"),
    ],
)
def test_a_path_that_names_no_split(data, row, told):
    file = data / "mine" / "all.csv"
    file.write_text(file.read_text() + ",".join(row) + "\n")
    with pytest.raises(InputError, match=told):
        table.check(data, **OPTIONS, path_suffix=".png", split_by_folder=True)


def test_an_empty_cell_is_no_name(data):
    file = data / "mine" / "all.csv"
    file.write_text(file.read_text() + ",a\n")
    with pytest.raises(InputError, match=r"line 14: column file: ''; allowed: a cell that is not"):
        table.check(data, **OPTIONS, path_suffix=".png")
