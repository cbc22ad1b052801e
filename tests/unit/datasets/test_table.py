"""Data sets by a table: read as it says, and what is wrong with it said by line and column."""

import numpy as np
import pytest

from helpers.pictures_by_table import Pets, write_table
from labelbench_core import registry
from labelbench_core.datasets import open_dataset, table
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.datasets.variants.variant import Variant
from labelbench_core.errors import InputError


@pytest.fixture
def pets(tmp_path):
    return Pets(tmp_path)


def load(pets, **changes):
    return table.load(pets.data, **{**Pets.OPTIONS, **changes})


def check(pets, **changes):
    return table.check(pets.data, **{**Pets.OPTIONS, **changes})


def without_splits(**changes):
    """Options of a table whose test is drawn."""
    return {"split_column": None, "splits": None, "test_share": 0.25, **changes}


def test_a_table_becomes_a_prepared_data_set(pets, tmp_path, monkeypatch):
    monkeypatch.setenv("LABELBENCH_DATA", str(pets.data))
    assert check(pets) == {"pool": 8, "test": 8, "art": 8}
    out = tmp_path / "out"
    manifest = prepare_dataset(
        "pets", "table", Pets.OPTIONS, pets.data, out / "arrays", out / "manifest.json"
    )
    prepared = open_dataset(out)
    assert prepared.splits == ["pool", "test", "art"]
    assert prepared.class_names == ["cat", "dog"]
    assert prepared.labels("art").tolist() == [0] * 4 + [1] * 4
    assert manifest["group_names"] == ["9", "10"]  # as numbers
    assert prepared.groups("pool").tolist() == [1, 1, 0, 0] * 2
    prepared.verify_splits(["pool", "art"])
    reason = "of split none, which `splits` does not name"
    examples = ["none/cat-10-0.png", "none/cat-10-1.png", "none/cat-9-0.png"]
    assert manifest["left_out"] == {reason: {"count": 8, "examples": examples}}
    assert manifest["source_files"]["count"] == 25  # the table, too
    assert prepared.images("test").batch(np.arange(8)).shape == (8, 8, 8, 3)


def test_groups_decide_the_fingerprint_and_a_data_set_without_them_has_none(pets, tmp_path):
    def prepare(name, **changes):
        out = tmp_path / name
        options = {key: one for key, one in {**Pets.OPTIONS, **changes}.items() if one is not None}
        paths = out / "arrays", out / "manifest.json"
        return prepare_dataset("pets", "table", options, pets.data, *paths), open_dataset(out)

    with_groups, _ = prepare("a")
    without, prepared = prepare("b", group_column=None)
    assert "group_names" not in without
    assert prepared.groups("pool") is None
    pets.rows[0][3] = "9"
    pets.write()
    changed, _ = prepare("c")
    prints = {one["fingerprint"] for one in (with_groups, without, changed)}
    assert len(prints) == 3


def test_tabs_another_folder_and_numbers_with_names_in_a_column(pets):
    tsv = pets.data / "tables" / "pets.tsv"
    number = {"dog": "0", "cat": "1"}
    rows = [[name, number[kind], f"the {kind}", medium] for name, kind, medium, _ in pets.rows]
    write_table(tsv, ["file", "y", "kind", "medium"], rows, "\t")
    options = {"table": "tables/pets.tsv", "images": "pets", "label_column": "y"}
    raw = load(pets, **options, class_column="kind", group_column=None)
    assert raw.class_names == ["the dog", "the cat"]
    assert raw.splits["pool"].labels.tolist() == [1] * 4 + [0] * 4
    assert raw.splits["pool"].groups is None
    assert (raw.root, raw.splits["pool"].files[0]) == ("", "pets/photo/cat-10-0.png")
    source = table.source_files(pets.data, **{**Pets.OPTIONS, **options, "group_column": None})
    assert "tables/pets.tsv" in source.files
    assert set(raw.splits["test"].files) < set(source.files)
    assert all((source.root / name).is_file() for name in source.files)


def test_a_file_of_classes_gives_their_order_and_labels_may_be_numbers(pets):
    (pets.folder / "classes.txt").write_text("dog\ncat\n", encoding="utf-8")
    raw = load(pets, classes="pets/classes.txt")
    assert raw.class_names == ["dog", "cat"]
    assert raw.splits["pool"].labels.tolist() == [1] * 4 + [0] * 4
    for row in pets.rows:
        row[1] = {"dog": "0", "cat": "1"}[row[1]]
    pets.write()
    by_number = load(pets, classes="pets/classes.txt")
    assert by_number.splits["pool"].labels.tolist() == [1] * 4 + [0] * 4
    # Classes that are called by numbers: cells are their names.
    (pets.folder / "classes.txt").write_text("1\n0\n", encoding="utf-8")
    named = load(pets, classes="pets/classes.txt")
    assert named.class_names == ["1", "0"]
    assert named.splits["pool"].labels.tolist() == [0] * 4 + [1] * 4


def test_values_may_be_the_names_of_splits(pets):
    names = {"photo": "train", "film": "test", "art": "val", "none": "sketch"}
    for row in pets.rows:
        row[2] = names[row[2]]
    pets.write()
    assert check(pets, splits=None) == {"pool": 8, "val": 8, "test": 8, "sketch": 8}
    both = {"train": "pool", "val": "pool", "test": "test"}
    assert check(pets, splits=both) == {"pool": 16, "test": 8}


def naive_shares(labels, test):
    return {label: sum(one == label for one in test) / labels.count(label) for label in set(labels)}


def test_a_share_of_every_class_is_drawn_whatever_the_order_of_rows(pets):
    options = without_splits()
    raw = load(pets, **options)
    everything = [*raw.splits["pool"].labels.tolist(), *raw.splits["test"].labels.tolist()]
    assert naive_shares(everything, raw.splits["test"].labels.tolist()) == {0: 0.25, 1: 0.25}
    drawn = set(raw.splits["test"].files)
    assert not drawn & set(raw.splits["pool"].files)
    pets.rows.reverse()
    pets.write()
    assert set(load(pets, **options).splits["test"].files) == drawn
    assert set(load(pets, **without_splits(split_seed=1)).splits["test"].files) != drawn
    # Never all of a class, never none.
    assert check(pets, **without_splits(test_share=0.999)) == {"pool": 2, "test": 30}
    assert check(pets, **without_splits(test_share=0.001)) == {"pool": 30, "test": 2}


def test_a_part_of_the_pool_keeps_labels_and_groups_together(pets):
    raw = load(pets)
    part = Variant(pool_size=5).made_of(raw, "table").splits["pool"]
    whole = raw.splits["pool"]
    rows = [whole.files.index(name) for name in part.files]
    assert part.groups.tolist() == whole.groups[rows].tolist()
    assert part.labels.tolist() == whole.labels[rows].tolist()
    labels, names = table.pool_labels(pets.data, **Pets.OPTIONS)
    assert (labels.tolist(), names) == (whole.labels.tolist(), ["cat", "dog"])
    assert table.pool_labels(pets.data, **Pets.OPTIONS, corrupt="skip") is None


def broken(change):
    return lambda pets: (change(pets), pets.write())


def set_cell(row, column, value):
    return broken(lambda pets: pets.rows[row].__setitem__(column, value))


def twice(pets):
    pets.rows[9][0] = pets.rows[3][0]


def no_dogs(pets):
    pets.rows = [row for row in pets.rows if (row[1], row[2]) != ("dog", "film")]


def write_classes(text):
    return lambda pets: (pets.folder / "classes.txt").write_bytes(text)


def missing_file(pets):
    (pets.folder / "film" / "dog-9-1.png").unlink()


CLASSES = {"classes": "pets/classes.txt"}
NO_TEST = {"split_column": None, "splits": None}
NOT_EMPTY = "allowed: a cell that is not empty"
BELOW = "allowed: a path below"
WRONG = [
    (set_cell(5, 0, "/etc/x.png"), {}, f"all.csv: line 7: column file: '/etc/x.png'; {BELOW}"),
    (set_cell(5, 0, "a/../b.png"), {}, f"line 7: column file: 'a/../b.png'; {BELOW}"),
    (set_cell(5, 0, ""), {}, f"line 7: column file: ''; {NOT_EMPTY}"),
    (set_cell(0, 1, " "), {}, f"line 2: column animal: ' '; {NOT_EMPTY}"),
    (set_cell(1, 2, ""), {}, f"line 3: column medium: ''; {NOT_EMPTY}"),
    (set_cell(2, 3, ""), {}, f"line 4: column painter: ''; {NOT_EMPTY}"),
    (broken(twice), {}, r"line 11: column file: 'photo/cat-9-1.png'; .*once; .* in line 5"),
    (missing_file, {}, r"line 17: column file: 'film/dog-9-1.png'; allowed: .*corrupt: skip"),
    (missing_file, {}, r"pets/film/dog-9-1.png is not \(1 of 24 are missing\)"),
    (broken(no_dogs), {}, r"split test has no image of class dog \(1 .*allow_missing_classes"),
    (write_classes(b"cat\ndog\ncow\n"), CLASSES, "split pool has no image of class cow"),
    (write_classes(b"cat\ncow\n"), CLASSES, "line 6: column animal: 'dog'; .* 2 classes of .*txt"),
    (write_classes(b"cat\n\ndog\n"), CLASSES, "classes.txt: line 2: empty; allowed: one name"),
    (write_classes(b"cat\ndog\ncat\n"), CLASSES, "line 3: 'cat'; allowed: each name once; line 1"),
    (write_classes(b"\xff\n"), CLASSES, "classes.txt: not UTF-8"),
    (None, CLASSES, r"classes: .*classes.txt is not a file; allowed: an existing file \(rel"),
    (
        None,
        {"path_column": "fil"},
        r"options.path_column: 'fil': no such .*'file'\?\); allowed: file",
    ),
    (None, {"group_column": "who"}, "options.group_column: 'who': no such column"),
    (None, {"splits": {"foto": "pool"}}, "no value 'foto', .*'photo'.*allowed: art, film, none, "),
    (None, {"splits": {"photo": "Pool"}}, "split 'Pool', of value 'photo'; allowed: a name of"),
    (None, {"splits": {"photo": "test"}}, "no row is in split pool; it has: test"),
    (None, {"table": "pets/none.csv"}, r"options.table: 'pets/none.csv': .*none.csv is not a file"),
    (
        None,
        {"table": "a/b.csv"},
        r"options.table: .* existing file \(relative paths start at LABELBENCH_DATA",
    ),
    (
        None,
        {"table": "pets/all.xls"},
        "its name ends in '.xls'; allowed: .csv, .tsv, .jsonl, .ndjson, ",
    ),
    (None, {"table": "../pets/all.csv"}, f"options.table: '../pets/all.csv'; {BELOW} the data"),
    (None, {"images": "/pets"}, f"options.images: '/pets'; {BELOW}"),
    (
        None,
        {"images": "pictures"},
        "options.images: 'pictures': .*pictures is not a folder; .*LABELBENCH_D",
    ),
    (None, {"test_share": 0.2}, "options.test_share: 0.2; .*all.csv already has the split test"),
    (None, {"together_column": "painter"}, "together_column: 'painter'; no split is drawn here"),
    (None, {**NO_TEST, "together_column": "who"}, "options.together_column: 'who': no such"),
    (None, {**NO_TEST, "test_size": 32}, "options.test_size: 32: none of 32 images is left for"),
    (None, {**NO_TEST, "test_size": 3, "test_share": 0.1}, "test_size: 3; `test_share` is given"),
    (None, {**NO_TEST, "test_share": 0.5, "val_share": 0.5}, "0.5 . 0.5; allowed: a sum below 1"),
    (None, without_splits(splits={"a": "pool"}), "options.splits: needs `split_column`"),
    (None, {"path_suffix": "png"}, "options.path_suffix: 'png'; allowed: the end of a file's name"),
    (None, {"path_suffix": "./x"}, "options.path_suffix: './x'; allowed: the end of a file's name"),
    (None, {"split_by_folder": True}, "options.split_by_folder: true; `split_column` says the"),
    (None, {**CLASSES, "class_column": "painter"}, "options.class_column: 'painter'; `classes`"),
    (None, {"class_column": "painter"}, "line 2: column animal: 'cat'; allowed: a whole number"),
]


@pytest.mark.parametrize(("change", "options", "message"), WRONG)
def test_what_is_wrong_is_named(pets, change, options, message):
    if change is not None:
        change(pets)
    with pytest.raises(InputError, match=message) as caught:
        check(pets, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"file,animal,medium,painter\n\na.png,cat,photo\n", "line 3: 3 cells; allowed: 4"),
        (b"file,animal,medium,painter\n", "has no rows"),
        (b"", "is empty; allowed: a first line of columns' names"),
        (b"file,animal,medium,painter\na.png,\xff,photo,1\n", "not UTF-8; allowed: text in UTF-8"),
        (b'file,animal,medium,painter\na.png,"cat" x,photo,1\n', "line 2: not a table"),
        (
            b"file,file,animal,medium,painter\na,a,cat,photo,1\n",
            "2 columns have this name; allowed: one",
        ),
    ],
)
def test_what_is_no_table_is_named(pets, text, message):
    pets.table.write_bytes(text)
    with pytest.raises(InputError, match=rf"all.csv: .*{message}"):
        check(pets)


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ({"cat": ("0", "cat"), "dog": ("1", "cat")}, "column kind: 'cat'; allowed: another name"),
        ({"cat": ("0", "cat"), "dog": ("2", "dog")}, "no row has label 1, of 0 to 2"),
    ],
)
def test_numbers_and_their_names_have_to_agree(pets, kinds, message):
    rows = [[name, *kinds[animal], medium] for name, animal, medium, _ in pets.rows]
    write_table(pets.table, ["file", "y", "kind", "medium"], rows)
    options = {"label_column": "y", "class_column": "kind", "group_column": None}
    with pytest.raises(InputError, match=message):
        check(pets, **options)
    rows[1][2] = "tiger"
    write_table(pets.table, ["file", "y", "kind", "medium"], rows)
    with pytest.raises(InputError, match=r"line 3: column kind: 'tiger'; allowed: 'cat', as in"):
        check(pets, **options)


def test_numbers_out_of_range_are_named(pets):
    (pets.folder / "classes.txt").write_text("cat\ndog\n", encoding="utf-8")
    for row in pets.rows:
        row[1] = {"cat": "0", "dog": "1"}[row[1]]
    pets.rows[7][1] = "2"
    pets.write()
    with pytest.raises(
        InputError, match=r"line 9: column animal: '2'; allowed: a whole number from 0 to 1"
    ):
        check(pets, classes="pets/classes.txt")


def test_a_class_of_one_image_cannot_be_drawn_from(pets):
    pets.rows = [*pets.rows[:5]]
    pets.write()
    with pytest.raises(
        InputError, match=r"class dog has 1 image: none is left for test; .*: at least 2"
    ):
        check(pets, **without_splits())


def test_rows_without_a_split_may_have_empty_cells(pets):
    for row in pets.rows:
        if row[2] == "none":
            row[0], row[1], row[3] = "", "", ""
    pets.write()
    assert check(pets)["pool"] == 8


def test_missing_files_are_left_out_where_that_is_asked_for(pets, tmp_path):
    missing_file(pets)
    assert check(pets, corrupt="skip")["test"] == 8
    out = tmp_path / "out"
    options = {**Pets.OPTIONS, "corrupt": "skip"}
    paths = out / "arrays", out / "manifest.json"
    manifest = prepare_dataset("pets", "table", options, pets.data, *paths)
    assert manifest["splits"]["test"]["num_rows"] == 7
    assert len(open_dataset(out).groups("test")) == 7


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("splits", {"photo": 1}),
        ("splits", []),
        ("test_share", 1.0),
        ("table", ""),
        ("split_seed", -1),
    ],
)
def test_options_are_checked_before_any_job(option, value):
    options = {**Pets.OPTIONS, option: value}
    errors = registry.option_errors("datasets", "table", options)
    assert len(errors) == 1
    assert errors[0].startswith(f"options.{option}: ")
    assert registry.option_errors("datasets", "table", Pets.OPTIONS) == []
