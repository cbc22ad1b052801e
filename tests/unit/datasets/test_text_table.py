"""Texts by tables: every format is read alike, and what is wrong is one line before any job."""

import csv
import json

import pytest

from helpers.prepared import prepare
from labelbench_core import registry
from labelbench_core.configuration.sources.source_sizes import source_sizes
from labelbench_core.datasets import text_table
from labelbench_core.errors import InputError

ROWS = {
    "pool": [("Grüße,\nfriend", "b"), ("lost my card", "a"), ("“fine”", "b"), ("bad\tfilm", "a")],
    "test": [("lost my card", "a"), ("good", "b")],
}
PARQUET = pytest.param(".parquet", marks=pytest.mark.extra("pyarrow"))
TABLES = {"splits": {"pool": "pool.csv", "test": "test.csv"}}


def save(folder, rows, suffix=".csv", names=("text", "label")):
    """A table for each split; the options that name them."""
    for split, texts in rows.items():
        path = folder / f"{split}{suffix}"
        if suffix == ".jsonl":
            lines = (json.dumps(dict(zip(names, row, strict=True))) for row in texts)
            path.write_text("\n".join(lines), encoding="utf-8")
        elif suffix == ".parquet":
            import pyarrow
            from pyarrow import parquet

            columns = dict(zip(names, map(list, zip(*texts, strict=True)), strict=True))
            parquet.write_table(pyarrow.table(columns), path)
        else:
            with open(path, "w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, delimiter="," if suffix == ".csv" else "\t")
                writer.writerows([names, *texts])
    return {"splits": {split: f"{split}{suffix}" for split in rows}}


def told(folder, options=TABLES):
    with pytest.raises(InputError) as error:
        source_sizes({"implementation": "text-table", "options": options}, folder)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", PARQUET])
def test_every_format_gives_the_same_texts(suffix, tmp_path):
    options = save(tmp_path, ROWS, suffix)
    assert text_table.check(tmp_path, **options) == {"pool": 4, "test": 2}
    raw = text_table.load(tmp_path, **options)
    assert raw.class_names == ["a", "b"]
    for split, rows in ROWS.items():
        assert list(raw.splits[split].texts) == [text for text, _ in rows]
        assert [raw.class_names[label] for label in raw.splits[split].labels] == [
            label for _, label in rows
        ]
    assert text_table.source_files(tmp_path, **options).files == sorted(options["splits"].values())


def test_texts_are_kept_as_they_are_and_copies_are_named(tmp_path):
    save(tmp_path, ROWS)
    dataset = prepare(tmp_path / "mine", "text-table", tmp_path, TABLES)
    assert dataset.rows == "texts"
    dataset.verify_splits(dataset.splits)
    rows = dataset.texts("pool")
    assert len(rows) == 4
    assert rows.batch([2, 0]) == ["“fine”", "Grüße,\nfriend"]
    assert rows.contents(range(2)) != rows.contents(range(1, 3))
    assert [leak["kind"] for leak in dataset.manifest["leaks"]] == ["pool and test"]
    with pytest.raises(InputError, match="rows are texts; allowed here: images"):
        dataset.images("pool")
    # The same bytes in other texts are another data set.
    moved = {**ROWS, "pool": [("Grüße,\nfriendl", "b"), ("ost my card", "a"), *ROWS["pool"][2:]]}
    save(tmp_path, moved)
    other = prepare(tmp_path / "other", "text-table", tmp_path, TABLES)
    assert other.texts("pool").contents(range(4)) != rows.contents(range(4))
    assert other.manifest["fingerprint"] != dataset.manifest["fingerprint"]


def test_a_damaged_text_is_found(tmp_path):
    save(tmp_path, ROWS)
    folder = prepare(tmp_path / "mine", "text-table", tmp_path, TABLES).folder
    (block,) = (folder / "arrays" / "pool-texts").rglob("0")
    content = bytearray(block.read_bytes())
    content[3] ^= 1
    block.write_bytes(content)
    from labelbench_core.datasets import open_dataset

    with pytest.raises(InputError, match="SHA-256"):
        open_dataset(folder).texts("pool")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            {"pool": [(" ", "a"), ("x", "b")]},
            "line 2: column text: ' '; allowed: a text that is n",
        ),
        (
            {"pool": [("x", "a"), ("y", "")]},
            "line 3: column label: ''; allowed: a cell that is not",
        ),
        ({"test": [("x", "c"), ("y", "b")]}, "column label: 'c'; allowed: one of the 2 classes of"),
        (
            {"test": [("x", "a")]},
            "test has no row of class b (1 classes missing); allowed: rows of",
        ),
        ({"pool": []}, "has no rows below its names of columns"),
    ],
)
def test_what_is_wrong_in_a_table_is_told_before_any_job(rows, expected, tmp_path):
    save(tmp_path, {**ROWS, **rows})
    assert expected in told(tmp_path)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"text_column": "txt"},
            "options.text_column: 'txt': no such column (did you mean 'text'?)",
        ),
        ({"splits": {"test": "test.csv"}}, "options.splits: pool is missing; there are: test"),
        ({"splits": {"pool": "x.csv", "test": "test.csv"}}, "x.csv is not a file; allowed: an exi"),
        ({"splits": {"pool": "pool.txt", "test": "test.csv"}}, "its name ends in '.txt'; allowed"),
        (
            {"splits": {"pool": "../pool.csv", "test": "test.csv"}},
            "a path below the data directory",
        ),
        ({"classes": "classes.txt"}, "'a'; allowed: one of the 2 classes of"),
        ({"classes": ""}, "options.classes: '': "),
    ],
)
def test_a_wrong_entry_is_told_before_any_job(options, expected, tmp_path):
    save(tmp_path, ROWS)
    (tmp_path / "pool.txt").touch()
    (tmp_path / "classes.txt").write_text("b\nc\n")
    assert expected in told(tmp_path, {**TABLES, **options})


def test_options_are_read_without_importing_anything():
    (line,) = registry.option_errors("datasets", "text-table", {})
    assert line.startswith("options.splits: missing")


def test_one_table_with_a_column_of_splits(tmp_path):
    splits = ["Train", "train", "TEST", "test", "train", "train", "other", "test"]
    rows = [[f"text {n}", "ab"[n % 2], split] for n, split in enumerate(splits)]
    save(tmp_path, {"all": rows}, names=("text", "label", "part"))
    options = {"splits": {"pool": "all.csv"}, "split_column": "part"}
    assert text_table.check(tmp_path, **options, allow_missing_classes=True) == {
        **{"pool": 4, "test": 3, "other": 1}
    }
    raw = text_table.load(tmp_path, **options, allow_missing_classes=True)
    assert raw.splits["test"].texts == ["text 2", "text 3", "text 7"]
    both = {**options, "splits": {"pool": "all.csv", "test": "all.csv"}}
    assert "options.splits.test: " in (line := told(tmp_path, both))
    assert line.endswith("has that split, too; allowed: one of the two")
    unlabeled = {**options, "unlabeled": True, "allow_missing_classes": True}
    raw = text_table.load(tmp_path, **unlabeled)
    assert not raw.splits["pool"].has_labels
    assert raw.class_names == ["a", "b"]
    drawn = {**options, "allow_missing_classes": True, "val_size": 1}
    assert len(text_table.load(tmp_path, **drawn).splits["val"].labels) == 1
    assert "options.test_share: 0.5; the data set already has the split test" in told(
        tmp_path, {**options, "test_share": 0.5}
    )


def test_blank_cells_are_counted(tmp_path):
    rows = {"pool": [("", "a"), ("x", "b"), (" ", "a"), ("y", "")], "test": ROWS["test"]}
    save(tmp_path, rows)
    assert told(tmp_path).endswith("a text that is not blank (2 rows are such)")
