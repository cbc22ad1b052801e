"""Columns of a table file as text: CSV, TSV, or Parquet where pyarrow is installed."""

import csv
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from labelbench_core.datasets.names import printable
from labelbench_core.errors import InputError, did_you_mean, listed, shown

DELIMITERS = {".csv": ",", ".tsv": "\t"}
PARQUET = ".parquet"


def read_columns(path: Path, columns: Mapping[str, str]) -> dict[str, list[str]]:
    """Read some columns of a table.

    Text is UTF-8, with one line of column names; lines without any cell are passed over. Empty
    cells, and Parquet's nulls, are empty text.

    Parameters
    ----------
    columns
        What a column is called in messages (the option that names it) → its name.

    Returns
    -------
    dict
        Key of `columns` → N cells.

    Raises
    ------
    InputError
        If the file is missing or no table, or lacks a column: names it and those that there are.
    """
    suffix = require_suffix(path)
    if not path.is_file():
        raise InputError(f"{printable(path)}: file not found")
    if suffix == PARQUET:
        return _read_parquet(path, columns)
    rows = _text_rows(path)
    _, header = next(rows, (0, []))
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


def require_suffix(path: Path) -> str:
    """The end of a table's name; `InputError` if it is that of no table."""
    suffix = path.suffix.lower()
    if suffix not in (*DELIMITERS, PARQUET):
        allowed = listed([*DELIMITERS, PARQUET])
        raise InputError(f"{printable(path)}: its name ends in {suffix!r}; allowed: {allowed}")
    return suffix


def row_name(path: Path, row: int) -> str:
    """A row (from 0) as its file counts: `line 7` of a text, `row 6` of a Parquet file."""
    if path.suffix.lower() == PARQUET:
        return f"row {row + 1}"
    return f"line {next(itertools.islice(_text_rows(path), row + 1, None))[0]}"


def cell_error(path: Path, row: int, column: str, value: str, allowed: str) -> InputError:
    """The error for one cell: `allowed` says what may stand there, or what to do."""
    where = f"{printable(path)}: {row_name(path, row)}: column {printable(column)}"
    return InputError(f"{where}: {shown(value)}; allowed: {allowed}")


def _text_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number of the last line and cells of each row that has cells, the names first."""
    delimiter = DELIMITERS[path.suffix.lower()]
    try:
        with open(path, encoding="utf-8-sig", newline="") as handle:
            reader = csv.reader(handle, delimiter=delimiter, strict=True)
            try:
                for cells in reader:
                    if cells:
                        yield reader.line_num, cells
            except csv.Error as error:
                told = f"{printable(path)}: line {reader.line_num}: no table: {error}"
                raise InputError(told) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{printable(path)}: not UTF-8; allowed: text in UTF-8") from error
    except OSError as error:
        raise InputError(f"{printable(path)}: cannot be read ({error.strerror})") from error


def _read_parquet(path: Path, columns: Mapping[str, str]) -> dict[str, list[str]]:
    try:
        import pyarrow  # pyright: ignore[reportMissingImports]  # need not be installed
        import pyarrow.parquet as parquet  # pyright: ignore[reportMissingImports]  # nor this
    except ImportError as error:
        raise InputError(
            f"{printable(path)}: reading Parquet needs the package pyarrow, which is not "
            "installed; install it, or save the table as CSV"
        ) from error
    try:
        _places(path, parquet.read_schema(path).names, columns)
        table = parquet.read_table(path, columns=list(dict.fromkeys(columns.values())))
    except (pyarrow.ArrowException, OSError) as error:
        told = " ".join(str(error).split())
        raise InputError(f"{printable(path)}: no readable Parquet file ({told})") from error
    cells = {name: list(map(_text, table.column(name).to_pylist())) for name in columns.values()}
    return {key: cells[name] for key, name in columns.items()}


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _places(path: Path, header: Sequence[str], columns: Mapping[str, str]) -> list[int]:
    """Where the columns stand; `InputError` for one that is missing or stands twice."""
    for key, name in columns.items():
        count = list(header).count(name)
        if count == 1:
            continue
        told = f"{key}: {shown(name)}"
        if count:
            told = f"{printable(path)}: {told}: {count} columns are called that"
            raise InputError(f"{told}; allowed: one of each name that is asked for")
        hint = did_you_mean(name, header)
        raise InputError(
            f"{printable(path)}: {told}: no such column{hint}; allowed: "
            f"{listed(one for one in header if one)}"
        )
    return [list(header).index(name) for name in columns.values()]
