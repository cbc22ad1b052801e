"""Columns of a table file as text: CSV, TSV, JSON Lines, or Parquet where pyarrow is installed."""

import csv
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from labelbench_core.datasets.file_formats._parquet import parquet_reader
from labelbench_core.errors import InputError, did_you_mean, listed, shown, shown_key
from labelbench_core.storage.places import printable

DELIMITERS = {".csv": ",", ".tsv": "\t"}
JSON_LINES = (".jsonl", ".ndjson")
PARQUET = ".parquet"
SPREADSHEETS = (".xlsx", ".xls", ".ods")
LONGEST_CELL = 2**24
"""Characters of a cell of CSV; of one that is longer, a quotation mark is probably not closed."""
SUFFIXES = (*DELIMITERS, *JSON_LINES, PARQUET)


def read_columns(
    path: Path,
    columns: Mapping[str, str],
    separators: Mapping[str, str] | None = None,
    lists: Mapping[str, str] | None = None,
) -> dict[str, list[str]]:
    """Read some columns of a table.

    Text is UTF-8. Cells of CSV are separated by commas, or by semicolons or tabs where the first
    line has these and no comma. CSV and TSV have one line of column names, JSON Lines an object a
    line with the names as keys; lines without any cell are skipped. Empty cells, and nulls, are
    empty text.

    Parameters
    ----------
    columns
        What a column is called in messages (the option that names it) → its name.
    separators
        Key of `columns` → what stands between the values of a cell that may hold several: lists of
        JSON Lines and Parquet are joined by it. Lists in other columns are an error.
    lists
        Key of `columns` → how lists in it could be read, for that error.

    Returns
    -------
    dict
        Key of `columns` → N cells.

    Raises
    ------
    InputError
        If the file is missing or not a table, or lacks a column: names it and those that there are.
        If an object of JSON Lines has a key twice.
    """
    suffix = require_suffix(path)
    if not path.is_file():
        raise InputError(f"{printable(path)}: file not found")
    for key, name in columns.items():
        if not _is_text(name):
            told = f"{printable(path)}: {key}: {shown(name)}"
            raise InputError(f"{told}; allowed: text without halves of surrogate pairs")
    joined = {columns[key]: separator for key, separator in (separators or {}).items()}
    cures = {columns[key]: f", or a list {how}" for key, how in (lists or {}).items()}
    if suffix == PARQUET:
        return _read_parquet(path, columns, joined, cures)
    if suffix in JSON_LINES:
        return _read_json_lines(path, columns, joined, cures)
    rows = _text_rows(path)
    _, header = next(rows, (0, []))
    if not header:
        raise InputError(f"{printable(path)}: is empty; allowed: a first line of columns' names")
    places = _places(path, header, columns)
    found: list[list[str]] = [[] for _ in places]
    keep = [(cells.append, place) for cells, place in zip(found, places, strict=True)]
    width = len(header)
    for line, cells in rows:
        if len(cells) != width:
            raise InputError(
                f"{printable(path)}: line {line}: {len(cells)} cells; allowed: {width}, as many as "
                "the first line has names"
            )
        for append, place in keep:
            append(cells[place])
    return dict(zip(columns, found, strict=True))


def column_names(path: Path) -> list[str]:
    """Names of a table's columns; of JSON Lines, the keys of its first object."""
    suffix = require_suffix(path)
    if suffix == PARQUET:
        with parquet_reader(printable(path), "save the table as CSV") as parquet:
            return list(parquet.read_schema(path).names)
    if suffix in JSON_LINES:
        return list(next(_json_lines(path), (0, {}))[1])
    return next(_text_rows(path), (0, []))[1]


def require_suffix(path: Path) -> str:
    """The end of a table's name; `InputError` if it is not that of a table."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        told = f"{printable(path)}: its name ends in {suffix!r}; allowed: {listed(SUFFIXES)}"
        raise InputError(told + (": save the sheet as CSV UTF-8" if suffix in SPREADSHEETS else ""))
    return suffix


def row_name(path: Path, row: int) -> str:
    """A row (from 0) as its file counts: `line 7` of a text, `row 6` of a Parquet file."""
    suffix = path.suffix.lower()
    if suffix == PARQUET:
        return f"row {row + 1}"
    if suffix in JSON_LINES:
        return f"line {next(itertools.islice(_json_lines(path), row, None))[0]}"
    return f"line {next(itertools.islice(_text_rows(path), row + 1, None))[0]}"


def cell_error(path: Path, row: int, column: str, value: str, allowed: str) -> InputError:
    """The error for one cell: `allowed` says what may stand there, or what to do."""
    where = f"{printable(path)}: {row_name(path, row)}: column {printable(column)}"
    return InputError(f"{where}: {shown(value)}; allowed: {allowed}")


def _text_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number of the last line and cells of each row that has cells, the names first."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as handle:
            delimiter = _delimiter(path, handle.readline())
            handle.seek(0)
            reader = csv.reader(handle, delimiter=delimiter, strict=True)
            try:
                while (cells := _next_row(reader)) is not None:
                    if cells:
                        yield reader.line_num, cells
            except csv.Error as error:
                is_open = "end of data" in str(error) or "field larger" in str(error)
                hint = " (a quotation mark is not closed)" if is_open else ""
                told = f"{printable(path)}: line {reader.line_num}: not a table: {error}{hint}"
                raise InputError(told) from error
    except UnicodeDecodeError as error:
        raise _not_utf8(path) from error
    except OSError as error:
        raise InputError(f"{printable(path)}: cannot be read ({error.strerror})") from error


def _next_row(reader: Iterator[list[str]]) -> list[str] | None:
    """The next row, whose cells may be as long as `LONGEST_CELL`; None at the end."""
    # The limit is one of the whole process: it is set for no longer than a row.
    before = csv.field_size_limit(LONGEST_CELL)
    try:
        return next(reader, None)
    finally:
        csv.field_size_limit(before)


def _delimiter(path: Path, header: str) -> str:
    """What separates cells: a spreadsheet's CSV has semicolons where commas are decimal marks."""
    usual = DELIMITERS[path.suffix.lower()]
    others = [one for one in (";", "\t") if one in header and usual == "," and "," not in header]
    return max(others, key=header.count, default=usual)


def _not_utf8(path: Path) -> InputError:
    """The error that names the first line that is not UTF-8, or what the file is instead."""
    content = path.read_bytes()
    told = "not UTF-8"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        told += " but UTF-16, as spreadsheets save Unicode text"
    elif content.startswith((b"PK\3\4", b"\xd0\xcf\x11\xe0")):
        told += " but a spreadsheet or an archive"
    else:
        for line, one in enumerate(content.split(b"\n"), start=1):
            try:
                one.decode("utf-8")
            except UnicodeDecodeError as error:
                where = f"line {line}: byte 0x{one[error.start]:02x}"
                return InputError(f"{printable(path)}: {where}: {told}; allowed: text in UTF-8")
    return InputError(f"{printable(path)}: {told}; allowed: text in UTF-8, as 'CSV UTF-8'")


def _read_json_lines(
    path: Path, columns: Mapping[str, str], joined: Mapping[str, str], cures: Mapping[str, str]
) -> dict[str, list[str]]:
    names = list(dict.fromkeys(columns.values()))
    found: dict[str, list[str]] = {name: [] for name in names}
    keep = [(name, found[name].append) for name in names]
    for line, row in _json_lines(path):
        for name, append in keep:
            if name not in row:
                _places(path, [*row], columns, f": line {line}")
            value = row[name]
            if name in joined and isinstance(value, list):
                where = f"{printable(path)}: line {line}: column {printable(name)}"
                value = _joined(value, joined[name], where)
            text = value
            if not isinstance(value, str):
                text = _json_text(path, line, name, value, cures.get(name, ""))
            if not _is_text(text):
                told = f"{printable(path)}: line {line}: column {printable(name)}: {shown(text)}"
                raise InputError(f"{told}; allowed: text without halves of surrogate pairs")
            append(text)
    return {key: found[name] for key, name in columns.items()}


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number and object of each line that is not blank."""
    try:
        with open(path, encoding="utf-8-sig", newline="\n") as handle:
            for number, line in enumerate(handle, start=1):
                if line.isspace():
                    continue
                try:
                    row = _ONE_OBJECT.decode(line)
                except _TwiceError as error:
                    told = f"{printable(path)}: line {number}: key {shown(str(error))}"
                    raise InputError(f"{told} stands twice; allowed: each key once") from error
                except (ValueError, RecursionError) as error:
                    told = f"{printable(path)}: line {number}: not valid JSON: {error}"
                    raise InputError(told) from error
                if not isinstance(row, dict):
                    told = f"{printable(path)}: line {number}: {shown(row)}"
                    raise InputError(f"{told}; allowed: an object with the columns' names as keys")
                yield number, row
    except UnicodeDecodeError as error:
        raise _not_utf8(path) from error
    except OSError as error:
        raise InputError(f"{printable(path)}: cannot be read ({error.strerror})") from error


class _TwiceError(Exception):
    """A key that stands twice in an object of JSON."""


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these keys and values; `_TwiceError` for a key that would hide an earlier one.

    RFC 8259, 4, leaves open which of the values counts.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _TwiceError(next(key for place, key in enumerate(keys) if key in keys[:place]))
    return found


_ONE_OBJECT = json.JSONDecoder(object_pairs_hook=_each_key_once)


def _is_text(text: str) -> bool:
    """Whether it can be written as UTF-8; JSON can escape one half of a pair of surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _json_text(path: Path, line: int, column: str, value: Any, cure: str) -> str:
    """A cell that is not text, as CSV would have it; `InputError` for one of several values.

    `cure` ends that error where the cell is a list.
    """
    if isinstance(value, (list, dict)):
        raise InputError(
            f"{printable(path)}: line {line}: column {printable(column)}: {shown(value)}; allowed: "
            f"text, a number, true, false or null{cure if isinstance(value, list) else ''}"
        )
    return "" if value is None else json.dumps(value)


def _joined(values: Sequence[Any], separator: str, where: str) -> str:
    """One cell of a list of texts or numbers; `InputError` for others, or the separator in one."""
    texts = [one if isinstance(one, str) else json.dumps(one) for one in values]
    for value, text in zip(values, texts, strict=True):
        if isinstance(value, (list, dict)) or value is None or separator in text:
            told = f"{where}: {shown(value)} in a list"
            raise InputError(f"{told}; allowed: text without {shown(separator)}, or a number")
    return separator.join(texts)


def _read_parquet(
    path: Path, columns: Mapping[str, str], joined: Mapping[str, str], cures: Mapping[str, str]
) -> dict[str, list[str]]:
    with parquet_reader(printable(path), "save the table as CSV") as parquet:
        _places(path, parquet.read_schema(path).names, columns)
        table = parquet.read_table(path, columns=list(dict.fromkeys(columns.values())))
    cells: dict[str, list[str]] = {}
    for name in columns.values():
        values = table.column(name).to_pylist()
        for row, value in enumerate(values):
            if isinstance(value, (list, dict)):
                where = f"{printable(path)}: row {row + 1}: column {printable(name)}"
                if name not in joined or isinstance(value, dict):
                    cure = cures.get(name, "") if isinstance(value, list) else ""
                    told = f"{where}: {shown(value)}; allowed: text, a number, or null"
                    raise InputError(told + cure)
                values[row] = _joined(value, joined[name], where)
        cells[name] = list(map(_text, values))
    return {key: cells[name] for key, name in columns.items()}


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _places(
    path: Path, header: Sequence[str], columns: Mapping[str, str], where: str = ""
) -> list[int]:
    """Where the columns stand; `InputError` for one that is missing or stands twice.

    `where` says, in messages, at which place of the file the names are.
    """
    for key, name in columns.items():
        count = list(header).count(name)
        if count == 1:
            continue
        told = f"{key}: {shown(name)}"
        if count:
            told = f"{printable(path)}{where}: {told}: {count} columns have this name"
            raise InputError(f"{told}; allowed: one of each name that is asked for")
        hint = did_you_mean(name, header)
        raise InputError(
            f"{printable(path)}{where}: {told}: no such column{hint}; allowed: "
            f"{listed(shown_key(one) for one in header if one)}"
        )
    return [list(header).index(name) for name in columns.values()]
