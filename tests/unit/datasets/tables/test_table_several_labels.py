"""Tables whose images belong to any number of classes: a list in a cell, or a column a class."""

import json

import numpy as np
import pytest

from helpers.pictures_by_table import Pets, write_table
from labelbench_core.configuration.compatibility.multilabel import is_multilabel
from labelbench_core.datasets import open_dataset, table
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.datasets.splits.drawing import Draw, _strata, drawn_splits
from labelbench_core.errors import InputError

TAGS = ["cat;small", "dog", "", "dog; cat", "small;dog;cat", "cat", "dog;small", "cat"]
LABELS = [[1, 0, 1], [0, 1, 0], [0, 0, 0], [1, 1, 0], [1, 1, 1], [1, 0, 0], [0, 1, 1], [1, 0, 0]]
OPTIONS = {"table": "pets/tags.csv", "path_column": "file", "split_column": "medium"}
LISTED = {**OPTIONS, "label_column": "tags", "label_separator": ";"}
FLAGGED = {**OPTIONS, "label_columns": ["cat", "dog", "small"]}


@pytest.fixture
def pets(tmp_path):
    """Pictures with tags, as a list in a cell and as columns of flags."""
    pets = Pets(tmp_path)
    rows = []
    for place, (name, _, medium, _) in enumerate(pets.rows[:16]):
        split = {"photo": "pool", "film": "test"}[medium]
        flags = [["false", "true"][one] if place % 2 else one for one in LABELS[place % 8]]
        rows.append([name, split, TAGS[place % 8], *flags])
    write_table(pets.folder / "tags.csv", ["file", "medium", "tags", "cat", "dog", "small"], rows)
    pets.tags = rows
    return pets


@pytest.mark.parametrize("options", [LISTED, FLAGGED])
def test_both_forms_say_the_same(pets, options):
    raw = table.load(pets.data, **options)
    assert raw.class_names == ["cat", "dog", "small"]
    for split in ("pool", "test"):
        assert raw.splits[split].labels.dtype == np.uint8
        assert raw.splits[split].labels.tolist() == LABELS
    assert table.check(pets.data, **options) == {"pool": 8, "test": 8}
    labels, names = table.pool_labels(pets.data, **options)
    assert (labels.tolist(), names) == (LABELS, raw.class_names)
    entry = {"implementation": "table", "options": options}
    assert is_multilabel({"datasets": {"mine": entry}}, "mine")


def test_lists_of_json_lines_and_a_file_of_classes(pets):
    lines = [
        {"file": name, "medium": split, "tags": [one.strip() for one in tags.split(";") if one]}
        for name, split, tags, *_ in pets.tags
    ]
    text = "\n".join(map(json.dumps, lines))
    (pets.folder / "tags.jsonl").write_text(text, encoding="utf-8")
    (pets.folder / "names.txt").write_text("small\ncat\ndog\n", encoding="utf-8")
    options = {**LISTED, "table": "pets/tags.jsonl", "classes": "pets/names.txt"}
    raw = table.load(pets.data, **options)
    assert raw.class_names == ["small", "cat", "dog"]
    np.testing.assert_array_equal(raw.splits["pool"].labels, np.array(LABELS)[:, [2, 0, 1]])
    without = {key: one for key, one in options.items() if key != "label_separator"}
    with pytest.raises(InputError, match=r"line 1: column tags: .*; allowed: text, a number"):
        table.load(pets.data, **without)
    lines[1]["tags"] = ["a;b"]
    (pets.folder / "tags.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    with pytest.raises(InputError, match="line 2: column tags: 'a;b' in a list; allowed: text wi"):
        table.load(pets.data, **options)


def test_a_test_that_is_drawn_has_every_class(pets, tmp_path, monkeypatch):
    monkeypatch.setenv("LABELBENCH_DATA", str(pets.data))
    options = {key: one for key, one in FLAGGED.items() if key != "split_column"}
    out = tmp_path / "out"
    options["test_share"] = 0.3
    prepare_dataset("pets", "table", options, pets.data, out / "arrays", out / "manifest.json")
    made = open_dataset(out)
    assert made.labels("pool").shape == (11, 3)
    assert made.labels("test").any(axis=0).all()
    assert table.check(pets.data, **options) == {"pool": 11, "test": 5}


def test_a_row_is_drawn_as_of_its_rarest_class():
    labels = np.array([[1, 1], [1, 0], [1, 0], [0, 0], [0, 1]], np.uint8)
    assert _strata(labels).tolist() == [1, 0, 0, 0, 1]
    assert _strata(np.array([3, 1])).tolist() == [3, 1]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"label_column": None},
            "options.label_column: missing; allowed: the name of a column, or",
        ),
        (
            {"label_columns": ["cat", "dog"]},
            "`label_column` is given, too; allowed: one of the two",
        ),
        ({"label_separator": ""}, "options.label_separator: ''; allowed: text, such as ';'"),
        ({"class_column": "cat"}, "options.class_column: 'cat'; `label_separator` is given"),
        ({"label_separator": "m"}, "tags.csv: line 2: column tags: 'cat;small'; allowed: names of"),
    ],
)
def test_options_that_contradict_each_other_are_one_line(pets, change, told):
    if "label_separator" in change and change["label_separator"] == "m":
        pets.tags[0][2] = "cat;mmall"
        told = told.replace("small", "mmall")
        header = ["file", "medium", "tags", "cat", "dog", "small"]
        write_table(pets.folder / "tags.csv", header, pets.tags)
    with pytest.raises(InputError) as error:
        table.load(pets.data, **{**LISTED, **change})
    assert told in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"label_columns": ["cat"]}, "allowed: at least two different names of columns"),
        ({"label_columns": ["cat", "cat"]}, "allowed: at least two different names of columns"),
        ({"label_columns": ["cat", "dgo"]}, "options.label_columns.1: 'dgo': no such column (did"),
        (
            {"label_columns": ["cat", "medium"]},
            "line 2: column medium: 'pool'; allowed: 0, 1, true",
        ),
        ({"classes": "a.txt"}, "options.classes: 'a.txt'; `label_columns` gives the labels"),
        ({"label_separator": ";"}, "options.label_separator: ';'; `label_columns` gives the"),
    ],
)
def test_columns_that_are_no_flags_are_one_line(pets, change, told):
    with pytest.raises(InputError) as error:
        table.load(pets.data, **{**FLAGGED, **change})
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("cat;;dog", "allowed: names of classes with one ';' between them"),
        ("cat;cat", "allowed: each class once"),
        ("cat;dgo", "allowed: some of the 3 classes of names.txt (did you mean 'dog'?)"),
    ],
)
def test_cells_that_are_no_list_are_named_by_line(pets, cell, told):
    pets.tags[3][2] = cell
    write_table(
        pets.folder / "tags.csv", ["file", "medium", "tags", "cat", "dog", "small"], pets.tags
    )
    (pets.data / "names.txt").write_text("cat\ndog\nsmall\n")
    with pytest.raises(InputError) as error:
        table.load(pets.data, **LISTED, classes="names.txt")
    assert "tags.csv: line 5: column tags: " in str(error.value)
    assert told in str(error.value).replace(str(pets.data) + "/", "")


def test_a_class_that_is_never_the_rarest_is_in_both_splits_all_the_same():
    labels = np.tile(np.array([[1, 0, 1], [0, 1, 1]], np.uint8), (10, 1))
    labels[0] = [0, 0, 1]  # the only row that counts as of the last class
    names, units = ["a", "b", "c"], [f"{one}.png" for one in range(20)]
    place = drawn_splits(Draw({"test": 0.2}, {}), labels, units, names)
    assert labels[place == 1].sum(axis=0).min() > 0
    labels[:, 2] = 0
    labels[5] = [1, 0, 1]
    told = r"class c has 1 image: none is left for test; allowed"
    with pytest.raises(InputError, match=told):
        drawn_splits(Draw({"test": 0.2}, {}), labels, units, names)
