"""Own embeddings of rows of any number of classes: a column of labels for each class."""

import numpy as np
import pytest

from helpers.embedding_files import SIZES, TWO_FILES, random_rows, save, told
from helpers.prepared import prepare
from labelbench_core.configuration.sources.source_sizes import source_sizes


@pytest.fixture
def rows():
    return random_rows()


@pytest.fixture
def several(rows, tmp_path):
    """Files whose labels have three columns; the embeddings' splits and their labels."""
    labels = {split: np.eye(3, dtype=int)[given] for split, (_, given) in rows.items()}
    labels["pool"][0] = [1, 0, 1]
    labels["pool"][1] = 0
    save(tmp_path, {split: (rows[split][0], labels[split]) for split in rows})
    return tmp_path, labels


def test_labels_of_several_columns(several, tmp_path):
    folder, labels = several
    made = prepare(tmp_path / "out", "own-embeddings", folder, {**TWO_FILES, "multilabel": True})
    np.testing.assert_array_equal(made.labels("pool"), labels["pool"])
    assert made.labels("pool").dtype == np.uint8
    assert made.class_names == ["0", "1", "2"]
    assert (
        source_sizes(
            {"implementation": "own-embeddings", "options": {**TWO_FILES, "multilabel": True}},
            folder,
        ).splits
        == SIZES
    )
    assert "labels have the shape (30, 3)" in told(folder)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda labels: labels[:, 0], "pool.npz: labels: labels are int64 of shape (30,); allowed"),
        (lambda labels: labels + 1, "row 0, column 0: label 2; allowed: 0, 1"),
        (lambda labels: np.where(labels, np.nan, 0.0), "label nan; allowed: 0, 1"),
        (lambda labels: labels.astype(str), "labels are <U21 of shape (30, 3); allowed: (N, C)"),
        (lambda labels: labels[:, :2], "test.npz: labels: 3 columns of labels; allowed: 2"),
        (lambda labels: labels * [1, 1, 0], "pool has no row of class 2 (1 classes missing)"),
    ],
)
def test_columns_that_are_not_0_and_1_are_refused(several, rows, change, expected):
    folder, labels = several
    save(folder, {"pool": (rows["pool"][0], change(labels["pool"]))})
    assert expected in told(folder, {**TWO_FILES, "multilabel": True})


def test_names_for_another_number_of_columns_are_refused(several):
    folder, _ = several
    (folder / "names.txt").write_text("a\nb\n")
    options = {**TWO_FILES, "multilabel": True, "classes": "names.txt"}
    assert "3 columns of labels; allowed: 2, the classes of `classes`" in told(folder, options)
