"""Tables of answers, with a row for each: what CSV and Hugging Face's metadata have in common."""

import contextlib
import csv
import io
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from labelbench_core.campaign.answers.answer import Answer, Outcome
from labelbench_core.campaign.answers.formats._said import Said
from labelbench_core.campaign.answers.formats.handed import item_of_text
from labelbench_core.errors import InputError, listed, shown

SEPARATORS = (",", ";", "\t")
"""Separators of CSV; spreadsheets write semicolons where the comma is the decimal sign."""
LABELS = ("labels", "label")
BY, CORRECTION = "by", "correction"
"""Columns of tables at a campaign's end: whose each label is, and what it is, where that is wrong;
of a table with corrections nothing else is read as a label."""
_LABELS_AT_THE_END = {"annotators", "audit"}
"""Columns that `labels.csv` alone has, which is written at a campaign's end: its batches have other
names, and its rows are all that people said together."""
LONGEST_CELL = 32_000
"""Characters: spreadsheets hold 32,767 in a cell, and Python's reader refuses over 131,072."""
_FURTHER = ("file", "text", "outcome", "annotator", "batch")
_STUDIO = {"annotation_id", "lead_time"}


def header_of(text: str) -> tuple[list[str], str] | None:
    """Names in the first line of a table, and what separates them; None where it is no such table.

    A table of answers has a column `item` or `file_name`, or texts and labels.
    """
    line = next(iter(text.splitlines()), "")
    for separator in SEPARATORS:
        try:
            names = [name.strip().lower() for name in next(csv.reader([line], delimiter=separator))]
        except (csv.Error, StopIteration):
            continue
        if {"item", "file_name"} & set(names) or _has_texts(names):
            return names, separator
    return None


def _has_texts(names: Collection[str]) -> bool:
    """Whether a table names rows by their texts."""
    return "text" in names and not {*LABELS, "outcome"}.isdisjoint(names)


def columns_of(text: str) -> list[str]:
    """Names in the first line of what may be a table without a column of items; else none."""
    line = next(iter(text.splitlines()), "")
    found = list[list[str]]()
    for separator in SEPARATORS:
        with contextlib.suppress(csv.Error, StopIteration):
            found.append([name.strip() for name in next(csv.reader([line], delimiter=separator))])
    columns = max(found, key=len, default=[])
    named = {name.lower() for name in columns} & {*LABELS, *_FURTHER}
    return columns if len(columns) > 1 or named else []


def said_in_csv(text: str, path: object, multilabel: bool) -> list[Said]:
    """What the rows of a CSV file say.

    Raises
    ------
    InputError
        Where the file is no table, or lacks a column that is needed.
    """
    found = header_of(text)
    if found is None:
        told = f"{path}: first line: {shown(next(iter(text.splitlines()), ''))}"
        raise InputError(f"{told}; allowed: names of columns, item, file_name or text among them")
    names, separator = found
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise InputError(f"{path}: column {shown(twice[0])} twice; allowed: each column once")
    if set(names) >= _STUDIO:
        told = f"{path}: a table of Label Studio, without what was skipped"
        raise InputError(f"{told}; allowed: its exports JSON or JSON-MIN")
    if (column := _of_model(names)) is not None:
        told = f"{path}: labels of which some are the model's (column {column})"
        raise InputError(
            f"{told}; allowed: labels.csv, which has people's alone; to_check.csv with its column "
            f"{CORRECTION} filled in; or columns item and label, of rows that people looked at"
        )
    if not {*LABELS, "outcome", CORRECTION} & set(names):
        told = f"{path}: no column of labels; columns: {listed(names)}"
        raise InputError(f"{told}; allowed: a column label, labels or outcome")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    said, errors = list[Said](), list[str]()
    at_the_end = set(names) >= _LABELS_AT_THE_END
    try:
        next(reader)
        for number, cells in enumerate(reader, start=2):  # as spreadsheets count
            if not any(cells):
                continue
            if len(cells) != len(names):
                told = f"{path}: line {number}: {len(cells)} cells"
                errors.append(f"{told}; allowed: {len(names)}, as in the first line")
                continue
            row = dict(zip(names, cells, strict=True))
            if at_the_end:
                row = _as_answer(row)
            said.append(said_in_row(row, number, multilabel))
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: {error}; allowed: CSV") from error
    if errors:
        raise InputError("\n".join(errors))
    return said


def _of_model(names: Collection[str]) -> str | None:
    """The column that tells that labels of a table are a model's; None where they are people's.

    Tables of predictions have a model's probability beside its label; those that are handed out
    have it beside a suggestion.
    """
    if CORRECTION in names:
        return None
    if BY in names:
        return BY
    return "probability" if "probability" in names and "suggestion" not in names else None


def _as_answer(row: Mapping[str, str]) -> dict[str, str]:
    """A row of `labels.csv` as one answer: nothing where people did not come to one."""
    known = {"batch": "", "seconds": ""}
    if any(row.get(key) for key in LABELS):
        return {**row, **known}
    outcome = row.get("outcome", "")
    undecided = outcome not in {one.value for one in Outcome if one is not Outcome.LABELED}
    return {**row, **known, "outcome": "" if undecided else outcome}


def said_in_row(row: Mapping[str, Any], number: int, multilabel: bool) -> Said:
    """What a row says, in the line `number`; cells are text, or values of JSON."""
    keys = (CORRECTION,) if CORRECTION in row else LABELS
    given = next((row[key] for key in keys if row.get(key) not in (None, "")), None)
    outcome = _text(row.get("outcome"))
    labels = None if given is None else _labels(given, multilabel)
    if labels is None and multilabel and outcome.strip().lower() == Outcome.LABELED:
        labels = []
    item, text, where = row.get("item") or row.get("file_name"), row.get("text"), f"line {number}"
    if not item and isinstance(text, str) and text:
        item, where = item_of_text(text), f"{where}: text {shown(text)}"
    return Said(
        where,
        item,
        labels,
        outcome,
        _text(row.get("annotator")),
        *(None if row.get(key) == "" else row.get(key) for key in ("seconds", "at", "batch")),
    )


def _labels(given: Any, multilabel: bool) -> Sequence[Any]:
    """Labels of a cell: one as it is, several as a JSON list or with semicolons between."""
    if not multilabel:
        return given if isinstance(given, list) else [given]
    if isinstance(given, str) and given.lstrip().startswith("["):
        try:
            read = json.loads(given)
        except ValueError:
            return [given]
        return read if isinstance(read, list) else [given]
    if isinstance(given, str):
        return [part for part in given.split(";") if part.strip()]
    return given if isinstance(given, list) else [given]


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def label_cell(label: Any) -> str:
    """A label as `said_in_row` reads it from a cell."""
    if label is None or isinstance(label, str):
        return label or ""
    return json.dumps(list(label), ensure_ascii=False)


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """A table as CSV; a cell that a row lacks, or that is None, is empty; long text is cut."""
    handle = io.StringIO(newline="")
    writer = csv.writer(handle, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        cells = [row.get(column) for column in columns]
        writer.writerow([_cell(cell) for cell in cells])
    return handle.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST_CELL:
        return value[:LONGEST_CELL] + "…"
    return "" if value is None else value


def by_item(answers: Iterable[Answer]) -> dict[str, list[Answer]]:
    """Item → its answers, in their order."""
    found: dict[str, list[Answer]] = {}
    for answer in answers:
        found.setdefault(answer.item, []).append(answer)
    return found
