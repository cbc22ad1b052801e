"""Tables in other formats are read like any other."""

import json
import sys

import pytest

from helpers.pictures_by_table import Pets, write_table
from labelbench_core.datasets import table
from labelbench_core.datasets.file_formats.columns import read_columns
from labelbench_core.errors import InputError


@pytest.fixture
def pets(tmp_path):
    return Pets(tmp_path)


def load(pets, **changes):
    return table.load(pets.data, **{**Pets.OPTIONS, **changes})


def test_json_lines_are_a_table_like_any_other(pets):
    lines = [dict(zip(Pets.HEADER, row, strict=True)) for row in pets.rows]
    for line in lines:
        line["painter"] = int(line["painter"])
    file = pets.folder / "all.jsonl"

    def write():
        file.write_text("\n\n".join(map(json.dumps, lines)), encoding="utf-8")

    write()
    read, expected = load(pets, table="pets/all.jsonl"), load(pets)
    for split, entry in expected.splits.items():
        assert read.splits[split].files == entry.files
        assert read.splits[split].labels.tolist() == entry.labels.tolist()
        assert read.splits[split].groups.tolist() == entry.groups.tolist()
    lines[2]["animal"] = None
    write()
    with pytest.raises(InputError, match=r"all.jsonl: line 5: column animal: ''; allowed: a cell"):
        load(pets, table="pets/all.jsonl")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"file": "a.png"', "line 1: not valid JSON: "),
        ("\n[1, 2]\n", r"line 2: .*; allowed: an object with the columns' names as k"),
        ('{"file": "a.png"}\n', "line 1: options.label_column: 'animal': no such column"),
        (
            '{"file": "a", "animal": ["cat", "dog"]}\n',
            "line 1: column animal: .*allowed: text, a number, true, false or null, or a list "
            "with the option `label_separator`$",
        ),
        ('{"file": "a", "animal": {"cat": 1}}\n', r"line 1: column animal: .*, false or null$"),
        (
            '\n{"file": "a", "animal": "cat", "file": "b"}',
            "line 2: key 'file' stands twice; allowed: each key once$",
        ),
        (
            '{"file": "a", "animal": "cat", "more": {"two\\nlines": 1, "two\\nlines": 1}}',
            r"line 1: key 'two\\nlines' stands twice",
        ),
        ("\n", "has no rows"),
    ],
)
def test_what_is_no_json_lines_is_named(pets, text, message):
    (pets.folder / "all.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=rf"all.jsonl: .*{message}") as caught:
        load(pets, table="pets/all.jsonl")
    assert "\n" not in str(caught.value)


@pytest.mark.extra("pyarrow")
def test_parquet_is_read_where_pyarrow_is(pets):
    import pyarrow
    from pyarrow import parquet

    columns = dict(zip(Pets.HEADER, map(list, zip(*pets.rows, strict=True)), strict=True))
    columns["painter"] = [int(one) for one in columns["painter"]]
    parquet.write_table(pyarrow.table(columns), pets.folder / "all.parquet")
    read = load(pets, table="pets/all.parquet")
    assert read.splits["art"].groups.tolist() == load(pets).splits["art"].groups.tolist()
    columns["animal"][4] = None
    parquet.write_table(pyarrow.table(columns), pets.folder / "all.parquet")
    with pytest.raises(InputError, match=r"all.parquet: row 5: column animal: ''"):
        load(pets, table="pets/all.parquet")
    with pytest.raises(InputError, match=r"'kind': no such column.*allowed: file, animal"):
        load(pets, table="pets/all.parquet", label_column="kind")
    (pets.folder / "all.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"not a readable Parquet file"):
        load(pets, table="pets/all.parquet")


def test_the_package_that_parquet_needs_is_named(pets, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (pets.folder / "all.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"needs the package pyarrow, which is not installed"):
        load(pets, table="pets/all.parquet")


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_csv_without_commas_in_its_first_line(pets, separator):
    expected = load(pets)
    write_table(pets.table, Pets.HEADER, pets.rows, separator)
    pets.table.write_bytes(b"\xef\xbb\xbf" + pets.table.read_bytes())
    read = load(pets)
    assert read.splits["pool"].files == expected.splits["pool"].files
    assert read.splits["art"].groups.tolist() == expected.splits["art"].groups.tolist()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("file;animal\nä.png;cat".encode("utf-16"), "not UTF-8 but UTF-16, as spreadsheets save"),
        ("file,animal\na.png,cat\né.png,dog".encode("latin-1"), "line 3: byte 0xe9: not UTF-8"),
        (b"PK\3\4\xff\xff", "not UTF-8 but a spreadsheet or an archive"),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_text_that_is_not_utf8_is_named_as_what_it_is(pets, suffix, content, told):
    (pets.folder / f"mine{suffix}").write_bytes(content)
    if suffix == ".jsonl" and told.startswith("line"):
        content = b'{"file": "a.png"}\n' * 2 + b'{"file": "\xe9.png"}'
        (pets.folder / f"mine{suffix}").write_bytes(content)
    with pytest.raises(InputError) as error:
        read_columns(pets.folder / f"mine{suffix}", {"path_column": "file"})
    assert f"mine{suffix}: {told}" in str(error.value)
    assert str(error.value).count("; allowed: text in UTF-8") == 1


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_an_empty_table_is_told_as_such(pets, suffix, content):
    path = pets.folder / f"mine{suffix}"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_columns(path, {"path_column": "file"})
    assert str(error.value) == f"{path}: is empty; allowed: a first line of columns' names"


def test_a_spreadsheet_is_told_how_to_be_saved(pets):
    (pets.folder / "all.xlsx").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"'.xlsx'; allowed: .csv, .* save the sheet as CSV UTF-8"):
        load(pets, table="pets/all.xlsx")


@pytest.mark.extra("pyarrow")
def test_lists_of_parquet_are_no_text(pets):
    import pyarrow
    from pyarrow import parquet

    columns = dict(zip(Pets.HEADER, map(list, zip(*pets.rows, strict=True)), strict=True))
    columns["animal"] = [[one] for one in columns["animal"]]
    parquet.write_table(pyarrow.table(columns), pets.folder / "all.parquet")
    with pytest.raises(InputError, match=r"row 1: column animal: \['cat'\]; allowed: text"):
        load(pets, table="pets/all.parquet")
    assert load(pets, table="pets/all.parquet", label_separator=";").class_names == ["cat", "dog"]
