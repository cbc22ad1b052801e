"""Texts with several labels each, with groups and weights, also where splits are drawn."""

import csv
import json

import numpy as np
import pytest

from helpers.prepared import prepare
from labelbench_core.configuration.compatibility.multilabel import is_multilabel
from labelbench_core.configuration.sources.source_sizes import source_sizes
from labelbench_core.datasets import text_table
from labelbench_core.errors import InputError

TAGS = ["card", "fee", "", "card;fee", "fee; card", "card", "fee", "card"] * 3
LABELS = np.array([["card" in tags, "fee" in tags] for tags in TAGS], np.uint8)
SITES = ["web", "app", "shop"] * 8
FLAGGED = {"splits": {"pool": "all.csv"}, "label_columns": ["card", "fee"]}
LISTED = {"splits": {"pool": "all.csv"}, "label_column": "tags", "label_separator": ";"}
BESIDE = {"group_column": "site", "weight_column": "weight"}


@pytest.fixture
def folder(tmp_path):
    """One table with both forms of labels, and the same as two."""
    names = ["text", "tags", "card", "fee", "site", "weight", "who"]
    rows = [
        [f"text {row}", TAGS[row], *LABELS[row], SITES[row], 1 + row, row // 2] for row in range(24)
    ]
    for name, part in (("all", rows), ("train", rows[:16]), ("test", rows[16:])):
        with open(tmp_path / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([names, *part])
    return tmp_path


@pytest.mark.parametrize("options", [FLAGGED, LISTED])
def test_both_forms_say_the_same(folder, options):
    two = {**options, "splits": {"pool": "train.csv", "test": "test.csv"}, **BESIDE}
    raw = text_table.load(folder, **two)
    assert raw.class_names == ["card", "fee"]
    assert raw.group_names == ["app", "shop", "web"]
    for split, rows in (("pool", range(16)), ("test", range(16, 24))):
        np.testing.assert_array_equal(raw.splits[split].labels, LABELS[rows])
        assert [raw.group_names[one] for one in raw.splits[split].groups] == [
            SITES[i] for i in rows
        ]
        np.testing.assert_array_equal(raw.splits[split].weights, np.array(rows) + 1)
    assert is_multilabel({"datasets": {"a": {"implementation": "text-table", "options": two}}}, "a")


@pytest.mark.parametrize("options", [FLAGGED, LISTED])
def test_drawn_splits_keep_what_stands_beside_the_labels(folder, options):
    options = {**options, **BESIDE, "test_share": 0.3, "together_column": "who"}
    assert sum(text_table.check(folder, **options).values()) == 24
    made = prepare(folder / "made", "text-table", folder, options)
    for split in ("pool", "test"):
        rows = made.source_rows(split)
        assert made.texts(split).batch(np.arange(len(rows))) == [f"text {row}" for row in rows]
        np.testing.assert_array_equal(made.labels(split), LABELS[rows])
        np.testing.assert_array_equal(made.weights(split), rows + 1)
        names = made.manifest["group_names"]
        assert [names[one] for one in made.groups(split)] == [SITES[row] for row in rows]
        assert made.labels(split).any(axis=0).all()
    assert not {*made.source_rows("pool") // 2} & {*made.source_rows("test") // 2}


def test_lists_of_json_lines(folder):
    rows = [{"text": "a", "label": ["x", "y"]}, {"text": "b", "label": []}]
    (folder / "pool.jsonl").write_text("\n".join(map(json.dumps, rows)))
    options = {"splits": {"pool": "pool.jsonl"}, "label_separator": "|"}
    raw = text_table.load(folder, **options)
    assert raw.splits["pool"].labels.tolist() == [[1, 1], [0, 0]]
    with pytest.raises(InputError, match=r"null, or a list with the option `label_separator`$"):
        text_table.load(folder, splits=options["splits"])


@pytest.mark.extra("pyarrow")
def test_lists_of_parquet_need_the_separator(folder):
    import pyarrow
    from pyarrow import parquet

    rows = {"text": ["a", "b"], "label": [["x", "y"], []]}
    parquet.write_table(pyarrow.table(rows), folder / "pool.parquet")
    options = {"splits": {"pool": "pool.parquet"}}
    with pytest.raises(
        InputError, match=r"row 1: column label: .* or null, or a list with the opt"
    ):
        text_table.load(folder, **options)
    raw = text_table.load(folder, **options, label_separator="|")
    assert raw.splits["pool"].labels.tolist() == [[1, 1], [0, 0]]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({**FLAGGED, "label_column": "tags"}, "options.label_columns: ['card', 'fee']; `label_col"),
        (
            {**FLAGGED, "label_columns": ["card", "fe"]},
            "label_columns.1: 'fe': no such column",
        ),
        ({**FLAGGED, "label_columns": ["card"]}, "allowed: at least two different names of col"),
        ({**FLAGGED, "label_columns": ["card", "site"]}, "column site: 'web'; allowed: 0, 1, true"),
        ({**FLAGGED, "classes": "c.txt"}, "options.classes: 'c.txt'; `label_columns` gives the l"),
        (
            {**FLAGGED, "unlabeled": True},
            "options.label_columns: ['card', 'fee']; `unlabeled` says",
        ),
        ({**LISTED, "label_separator": ""}, "options.label_separator: ''; allowed: text, such as"),
        ({**LISTED, "group_column": "sit"}, "options.group_column: 'sit': no such column (did you"),
        ({**LISTED, "weight_column": "site"}, "line 2: column site: 'web'; allowed: a finite num"),
    ],
)
def test_what_is_wrong_is_one_line_before_any_job(folder, options, words):
    (folder / "c.txt").write_text("card\nfee\n")
    with pytest.raises(InputError) as told:
        source_sizes({"implementation": "text-table", "options": options}, folder)
    assert words in str(told.value)
    assert "\n" not in str(told.value)
