"""CSV with a row for each answer: the labelling page's, and `to_label.csv` for spreadsheets.

Columns: `item`, `file` or `text`, `suggestion` and `probability` (both may be missing, and are not
read), `label` (with several labels `labels`: a JSON list, or names with semicolons between them),
`outcome` (`labelled`, `skipped`, `unsure` or `no-class`; empty: labelled where there is a label),
`annotator`, `seconds`, `at` (ISO 8601 with an offset), `batch`. Rows without label and outcome are
not answered yet. With several labels, `labelled` without a label means none of the classes.
"""

from collections.abc import Sequence

from labelbench_core.campaign.answers.answer import Answer
from labelbench_core.campaign.answers.formats._said import Said
from labelbench_core.campaign.answers.formats.handed import HandedBatch, HandedItem, suggested
from labelbench_core.campaign.answers.formats.table import (
    by_item,
    csv_text,
    header_of,
    label_cell,
    said_in_csv,
)
from labelbench_core.registry.info import IMAGES, TEXTS

NAME = "CSV"
_LAST = ("outcome", "annotator", "seconds", "at", "batch")


def recognizes(text: str) -> bool:
    """Whether a file's text looks like this format."""
    found = header_of(text)
    return found is not None and ("item" in found[0] or "file_name" not in found[0])


def read(text: str, path: object, multilabel: bool) -> list[Said]:
    """What a file says; `InputError` where it cannot be read."""
    return said_in_csv(text, path, multilabel)


def write(batch: HandedBatch, answers: Sequence[Answer] = ()) -> str:
    """A batch as a table: a row for each item, or one for each of its answers."""
    shown_as = {IMAGES: ["file"], TEXTS: ["text"]}.get(batch.rows, [])
    label = "labels" if batch.multilabel else "label"
    given = by_item(answers)
    rows = [
        {**_described(item, batch), **_said_row(label, answer, batch)}
        for item in batch.items
        for answer in given.get(item.item, [None])
    ]
    return csv_text(["item", *shown_as, "suggestion", "probability", label, *_LAST], rows)


def _described(item: HandedItem, batch: HandedBatch) -> dict[str, object]:
    described: dict[str, object] = {"item": item.item, "file": item.item, "text": item.text}
    if (found := suggested(item, batch.multilabel)) is not None:
        labels, probability = found
        described["suggestion"] = label_cell(labels if batch.multilabel else labels[0])
        described["probability"] = f"{probability:.3f}"
    return described


def _said_row(label: str, answer: Answer | None, batch: HandedBatch) -> dict[str, object]:
    if answer is None:
        return {"batch": batch.name}
    return {
        label: label_cell(answer.label),
        "outcome": answer.outcome.value,
        "annotator": answer.annotator,
        "seconds": answer.seconds,
        "at": answer.at,
        "batch": answer.batch,
    }
