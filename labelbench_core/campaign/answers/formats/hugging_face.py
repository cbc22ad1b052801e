"""Hugging Face's metadata of a folder of images: `metadata.csv` or `metadata.jsonl`.

`file_name` names a row's image, relative to the folder of the file, `label` its class (with several
labels a list; in CSV as JSON). Texts and embeddings have no files: their column is `item`. Further
columns are those of `csv_table`; they are written where an answer has such a value.

Source: the documentation of the package datasets, "Create an image dataset" (ImageFolder).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from labelbench_core.campaign.answers.answer import Answer, Outcome
from labelbench_core.campaign.answers.formats._said import Said
from labelbench_core.campaign.answers.formats.handed import HandedBatch, HandedItem
from labelbench_core.campaign.answers.formats.table import (
    by_item,
    csv_text,
    header_of,
    label_cell,
    said_in_csv,
    said_in_row,
)
from labelbench_core.errors import raise_all, shown
from labelbench_core.registry.info import IMAGES, TEXTS

NAME = "Hugging Face metadata"
_MORE = ("outcome", "annotator", "seconds", "at", "batch")


def recognizes(text: str) -> bool:
    """Whether a file's text looks like this format."""
    if text.startswith("{"):
        try:
            first = json.loads(text.splitlines()[0])
        except ValueError:
            return False
        return bool({"file_name", "item"} & set(first))
    found = header_of(text)
    return found is not None and "file_name" in found[0] and "item" not in found[0]


def read(text: str, path: object, multilabel: bool) -> list[Said]:
    """What a file says; `InputError` where it cannot be read."""
    if not text.startswith("{"):
        return said_in_csv(text, path, multilabel)
    said, errors = list[Said](), list[str]()
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            errors.append(f"{path}: line {number}: not JSON ({error}); allowed: an object a line")
            continue
        if isinstance(row, dict):
            said.append(said_in_row(row, number, multilabel))
        else:
            errors.append(f"{path}: line {number}: {shown(row)}; allowed: an object")
    raise_all(errors)
    return said


def write(batch: HandedBatch, answers: Sequence[Answer] = ()) -> str:
    """A batch as `metadata.csv`: a row for each item, or one for each of its answers."""
    columns, rows = _rows(batch, answers)
    for row in rows:
        row["label"] = label_cell(row["label"])
    return csv_text(columns, rows)


def write_json_lines(batch: HandedBatch, answers: Sequence[Answer] = ()) -> str:
    """The same as `metadata.jsonl`."""
    columns, rows = _rows(batch, answers)
    return "".join(
        json.dumps({key: row[key] for key in columns}, ensure_ascii=False) + "\n" for row in rows
    )


def _rows(batch: HandedBatch, answers: Sequence[Answer]) -> tuple[list[str], list[dict[str, Any]]]:
    given = by_item(answers)
    rows = [_row(item, answer) for item in batch.items for answer in given.get(item.item, [None])]
    told = [key for key in _MORE if any(_tells(row, key, batch.multilabel) for row in rows)]
    first = ["file_name"] if batch.rows == IMAGES else ["item"]
    text = ["text"] if batch.rows == TEXTS else []
    return [*first, *text, "label", *told], rows


def _row(item: HandedItem, answer: Answer | None) -> dict[str, Any]:
    row = {"file_name": item.item, "item": item.item, "text": item.text, "label": None}
    if answer is None:
        return {**row, **dict.fromkeys(_MORE)}
    label = answer.label if isinstance(answer.label, str) else answer.label and [*answer.label]
    if answer.label == ():
        label = []
    more = {key: getattr(answer, key) for key in ("annotator", "seconds", "at", "batch")}
    return {**row, "label": label, "outcome": answer.outcome.value, **more}


def _tells(row: Mapping[str, Any], key: str, multilabel: bool) -> bool:
    """Whether the value of a key says what the label alone does not."""
    if key == "outcome":
        return row[key] not in (None, Outcome.LABELED.value)
    return row[key] not in (None, "")
