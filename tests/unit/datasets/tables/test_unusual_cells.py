"""Cells that no file and no text can be, or that are very long: read, or refused in one line."""

import csv
import json

import pytest

from helpers.pictures_by_table import Pets, paint, write_table
from labelbench_core.configuration.sources.source_sizes import source_sizes
from labelbench_core.datasets import __main__ as command
from labelbench_core.datasets import hugging_face_folder, table, text_table
from labelbench_core.datasets.looking.look import look
from labelbench_core.errors import InputError

NO_NAMES = {"long": "x" * 300, "long folder": f"{'x' * 300}/0.png", "null": "photo/cat-10-0.png\0"}
TEXTS = {"splits": {"pool": "mine.jsonl"}, "test_share": 0.2}


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """An empty project, whose data directory is `data`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LABELBENCH_DATA", raising=False)
    (tmp_path / "data").mkdir()


def check(capsys, *words, status=0):
    assert command.main(["--check", *words]) == status
    return "".join(capsys.readouterr())


@pytest.mark.parametrize("cell", ["word " * 100, "a\0b and more", "x/" + "y" * 300])
def test_cells_that_cannot_be_names_of_files_are_texts(tmp_path, capsys, cell):
    rows = [[f"{cell} and so on {n}", "ab"[n % 2]] for n in range(20)]
    write_table(tmp_path / "data" / "mine.csv", ["text", "label"], rows)
    assert "implementation: text-table" in check(capsys, "data/mine.csv")


@pytest.mark.parametrize("cell", NO_NAMES.values(), ids=NO_NAMES)
def test_a_path_that_no_file_can_have_is_a_missing_file(tmp_path, cell):
    pets = Pets(tmp_path)
    pets.rows.append([cell, "cat", "photo", "9"])
    pets.write()
    entry = {"implementation": "table", "options": Pets.OPTIONS}
    with pytest.raises(InputError, match=r"line 34: column file: .*\(1 of 25 are missing\)") as one:
        source_sizes(entry, pets.data)
    assert "\n" not in str(one.value)
    seen = look("pets", entry, pets.data, None)
    assert seen.broken
    assert seen.corrupt == 1
    assert "(all.csv: line 34): " in "\n".join(seen.lines)
    entry = {"implementation": "table", "options": {**Pets.OPTIONS, "corrupt": "skip"}}
    seen = look("pets", entry, pets.data, None)
    assert not seen.broken
    assert len(seen.raw.splits["pool"].labels) == 8
    assert table.check(pets.data, **entry["options"])["pool"] == 9


@pytest.mark.parametrize("cell", NO_NAMES.values(), ids=NO_NAMES)
def test_such_a_path_in_metadata(tmp_path, cell):
    rows = [[f"{n}.png", "ab"[n % 2]] for n in range(20)]
    for number, (name, _) in enumerate(rows):
        paint(tmp_path / "data" / "pets" / name, number)
    rows.append([cell, "a"])
    write_table(tmp_path / "data" / "pets" / "metadata.csv", ["file_name", "label"], rows)
    data, options = tmp_path / "data", {"folder": "pets", "test_share": 0.2}
    with pytest.raises(InputError, match=r"line 22: column file_name: .*\(1 of 21 are missing\)"):
        hugging_face_folder.check(data, **options)
    entry = {"implementation": "hugging-face-folder", "options": {**options, "corrupt": "skip"}}
    seen = look("pets", entry, data, None)
    assert sum(len(one.labels) for one in seen.raw.splits.values()) == 20


def lines(path, **last):
    """Twenty texts, and one that is not as these are."""
    rows = [{"text": f"where is my parcel {n}", "label": "ab"[n % 2]} for n in range(20)]
    rows.append({"text": "where are they", "label": "a", **last})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.mark.parametrize("column", ["text", "label"])
def test_half_of_a_surrogate_pair_is_told_by_line_and_column(tmp_path, capsys, column):
    lines(tmp_path / "data" / "mine.jsonl", **{column: "so \ud800"})
    told = rf"mine.jsonl: line 21: column {column}: 'so \\ud800'; allowed: text without halves of"
    with pytest.raises(InputError, match=told) as one:
        source_sizes({"implementation": "text-table", "options": TEXTS}, tmp_path / "data")
    assert "\n" not in str(one.value)
    assert f"line 21: column {column}: 'so \\ud800'" in check(capsys, "data/mine.jsonl", status=2)


def test_half_of_a_surrogate_pair_in_a_path_a_list_or_a_name_of_a_column(tmp_path):
    pets = Pets(tmp_path)
    rows = [{"file": name, "tags": [animal, medium]} for name, animal, medium, _ in pets.rows]
    path = pets.folder / "all.jsonl"
    options = {"table": "pets/all.jsonl", "path_column": "file", "test_share": 0.2}
    options |= {"label_column": "tags", "label_separator": ";"}
    for column, value in (("file", "\udfff.png"), ("tags", ["cat", "\udfff"])):
        changed = [*rows[:-1], {**rows[-1], column: value}]
        path.write_text("".join(json.dumps(row) + "\n" for row in changed), encoding="utf-8")
        with pytest.raises(InputError, match=rf"line 32: column {column}: '.*\\udfff"):
            table.check(pets.data, **options)
    path.write_text("".join(json.dumps({**row, "\ud800": 1}) + "\n" for row in rows))
    with pytest.raises(InputError, match=r"no such column.*; allowed: file, tags, '\\ud800'$"):
        table.check(pets.data, **{**options, "path_column": "image"})
    with pytest.raises(InputError, match=r"options.path_column: '\\ud800'; allowed: text without"):
        table.check(pets.data, **{**options, "path_column": "\ud800"})


def test_pairs_of_surrogates_and_halves_in_columns_that_are_not_read(tmp_path):
    lines(tmp_path / "data" / "mine.jsonl", text="\U0001f600", other="\ud800")
    raw = text_table.load(tmp_path / "data", **TEXTS)
    assert "\U0001f600" in [text for one in raw.splits.values() for text in one.texts]


def test_texts_of_any_length_are_read_and_the_limit_of_others_stays(tmp_path):
    limit = csv.field_size_limit()
    long = "where is it " * 20_000
    rows = [[f"{long if n == 3 else 'text'} {n}", "ab"[n % 2]] for n in range(20)]
    write_table(tmp_path / "data" / "mine.csv", ["text", "label"], rows)
    options = {"splits": {"pool": "mine.csv"}, "test_share": 0.2}
    raw = text_table.load(tmp_path / "data", **options)
    found = {text for one in raw.splits.values() for text in one.texts}
    assert found == {text for text, _ in rows}
    assert csv.field_size_limit() == limit
    rows[5][0] = "x" * (2**24 + 1)
    write_table(tmp_path / "data" / "mine.csv", ["text", "label"], rows)
    with pytest.raises(InputError, match=r"line 7: not a table: field larger .* is not closed\)$"):
        text_table.load(tmp_path / "data", **options)
    assert csv.field_size_limit() == limit
