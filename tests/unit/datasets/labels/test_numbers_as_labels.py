"""Labels that are numbers, as pandas and NumPy save them: floats, columns, marks of none."""

import json

import numpy as np
import pytest

from labelbench_core.datasets import own_embeddings, text_table
from labelbench_core.datasets.labels.class_labels import class_labels
from labelbench_core.errors import InputError

SPLITS = {"pool": "pool.csv", "test": "test.csv"}
WHERE = {"pool": "the pool", "test": "the test"}


def tables(folder, **labels):
    """A table of texts for each split, with these cells as labels; they as `text-table` has it."""
    for split, cells in labels.items():
        lines = [f"text {row} of {split},{cell}" for row, cell in enumerate(cells)]
        (folder / f"{split}.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    return text_table.load(folder, splits={split: SPLITS[split] for split in labels})


@pytest.mark.parametrize(
    ("pool", "test", "names", "of_test"),
    [
        (["0.0", "1.0", "2.00"], ["2.0", "0.0"], ["0", "1", "2"], [2, 0]),
        (["0", "10", "9"], ["9.0", "10.0"], ["0", "9", "10"], [1, 2]),
        (["1.0", "1.5", "2.0"], ["2.0", "1.0"], ["1.0", "1.5", "2.0"], [2, 0]),
        (["v1.0", "v2.0"], ["v2.0", "v1.0"], ["v1.0", "v2.0"], [1, 0]),
        (["-2", "-1", "0"], ["-1.0", "0.0"], ["-1", "-2", "0"], [0, 2]),
        (["-1", "1"], None, "-1", None),
        (["cat", "-1"], None, "-1", None),
        (["1.0", "nan"], None, "nan", None),
        (["cat", "nan"], ["nan", "cat"], ["cat", "nan"], [1, 0]),
    ],
)
def test_whole_floats_in_tables_are_integers_and_marks_are_refused(
    pool, test, names, of_test, tmp_path
):
    if test is None:
        message = rf"pool.csv: line \d: column label: '{names}'; allowed: a class in every row: "
        with pytest.raises(InputError, match=message) as told:
            tables(tmp_path, pool=pool)
        assert "\n" not in str(told.value)
        return
    raw = tables(tmp_path, pool=pool, test=test)
    assert raw.class_names == names
    assert raw.splits["test"].labels.tolist() == of_test
    texts = {"pool": np.array(pool), "test": np.array(test)}
    labels, found = class_labels(texts, WHERE)  # as text in arrays, they mean the same
    assert sorted(found) == sorted(names)
    assert [found[label] for label in labels["test"]] == [names[label] for label in of_test]


def test_names_of_a_file_may_be_marks_and_floats(tmp_path):
    (tmp_path / "pool.csv").write_text("text,label\na,-1\nb,1.0\nc,-1.0\n")
    (tmp_path / "classes.txt").write_text("1\n-1\n")
    raw = text_table.load(tmp_path, splits={"pool": "pool.csv"}, classes="classes.txt")
    assert raw.splits["pool"].labels.tolist() == [1, 0, 1]
    (tmp_path / "classes.txt").write_text("1.0\n-1\n")
    (tmp_path / "pool.csv").write_text("text,label\na,-1\nb,1.0\n")
    raw = text_table.load(tmp_path, splits={"pool": "pool.csv"}, classes="classes.txt")
    assert raw.class_names == ["1.0", "-1"]


def test_a_missing_label_says_what_to_do(tmp_path):
    with pytest.raises(InputError, match=r"line 3: column label: ''; .*leave out rows without a l"):
        tables(tmp_path, pool=["0.0", "", "1.0"])


def test_numbers_of_json_lines_and_groups(tmp_path):
    rows = [{"text": f"t{row}", "label": row % 2 + 0.0, "site": row % 3 + 0.0} for row in range(6)]
    (tmp_path / "pool.jsonl").write_text("\n".join(map(json.dumps, rows)))
    raw = text_table.load(tmp_path, splits={"pool": "pool.jsonl"}, group_column="site")
    assert raw.class_names == ["0", "1"]
    assert raw.group_names == ["0", "1", "2"]
    assert raw.splits["pool"].groups.tolist() == [0, 1, 2] * 2


@pytest.mark.parametrize("texts", [False, True])
def test_columns_of_arrays_are_arrays(tmp_path, texts):
    labels = np.arange(12).reshape(-1, 1) % 3
    arrays = {"labels": labels.astype(str) if texts else labels.astype(float)}
    arrays |= {"embeddings": np.eye(12), "w": np.arange(1.0, 13).reshape(-1, 1)}
    np.savez(tmp_path / "a.npz", **arrays, who=np.arange(12).reshape(-1, 1) // 2)
    options = {"splits": {"pool": "a.npz"}, "weights": {"pool": "a.npz:w"}}
    raw = own_embeddings.load(tmp_path, **options, test_share=0.3, together="a.npz:who")
    assert raw.class_names == ["0", "1", "2"]
    for split in ("pool", "test"):
        rows = raw.splits[split].source_rows
        np.testing.assert_array_equal(raw.splits[split].labels, labels[rows, 0])
        np.testing.assert_array_equal(raw.splits[split].weights, rows + 1)
    both = set(raw.splits["pool"].source_rows // 2) & set(raw.splits["test"].source_rows // 2)
    assert not both


def test_columns_of_several_classes_are_told_apart(tmp_path):
    np.savez(tmp_path / "a.npz", embeddings=np.eye(12), labels=np.eye(3)[np.arange(12) % 3])
    with pytest.raises(InputError, match=r"shape \(12, 3\); allowed: .*labels.argmax\(axis=1\)"):
        own_embeddings.load(tmp_path, splits={"pool": "a.npz"})
