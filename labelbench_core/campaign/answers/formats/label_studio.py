"""Label Studio: tasks with pre-annotations, the labelling configuration, and its JSON exports.

A task's data hold `item` and `batch` beside the image or text, so that every export says of which
item an annotation is; in other exports the item is found by the path of its image. Of an
annotation's results, the choices of the control `label` count. An annotation that was cancelled, or
that has no choice where one is needed, is a skipped item; with several labels no choice means none
of the classes. Drafts and predictions are no answers.

Sources: Label Studio's documentation, "Label Studio JSON format of annotated tasks" and "Import
pre-annotated data into Label Studio"; JSON-MIN as the exporter of label-studio-sdk 2.1 writes it:
one object for each annotation that was not cancelled, newest first, with the task's data.
"""

import json
import re
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from labelbench_core.campaign.answers.answer import Answer, Outcome
from labelbench_core.campaign.answers.formats._said import Said
from labelbench_core.campaign.answers.formats.handed import (
    OUTCOME_LABELS,
    HandedBatch,
    HandedItem,
    names_beside_classes,
    suggested,
)
from labelbench_core.campaign.answers.formats.table import by_item
from labelbench_core.errors import InputError, shown
from labelbench_core.registry.info import IMAGES

NAME = "Label Studio JSON"
CONTROL, SHOWN = "label", "shown"
LOCAL_FILES = "/data/local-files/?d="
"""Where a server of Label Studio has the files below its document root."""
_HOTKEYS = "123456789"
_UPLOADED = re.compile(r"/data/upload/.*/[0-9a-f]{8}-([^/]+)")


def recognizes(text: str) -> bool:
    """Whether a file's text looks like this format."""
    return text.startswith("[")


def read(text: str, path: object, multilabel: bool) -> list[Said]:
    """What a file says; `InputError` where it cannot be read."""
    try:
        tasks = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({error}); allowed: a whole export") from error
    errors, said = list[str](), list[Said]()
    for place, task in enumerate(tasks):
        where = f"task {task['id']}" if isinstance(task, dict) and "id" in task else f"[{place}]"
        try:
            said += _said_of_task(task, where, multilabel)
        except ValueError as error:
            errors.append(f"{path}: {where}: {error}")
    if errors:
        raise InputError("\n".join(errors))
    return said


def _said_of_task(task: Any, where: str, multilabel: bool) -> list[Said]:
    if not isinstance(task, dict):
        raise ValueError(f"{shown(task)}; allowed: a task, an object")
    if "annotations" not in task and "data" not in task:
        return _said_of_flat_task(task, where, multilabel)
    data, annotations = task.get("data"), task.get("annotations", [])
    if not isinstance(data, dict) or not isinstance(annotations, list):
        raise ValueError("without data or annotations; allowed: the export JSON, or JSON-MIN")
    return [
        _said_of_annotation(annotation, data, f"{where}, annotation {place}", multilabel)
        for place, annotation in enumerate(annotations, start=1)
    ]


def _said_of_annotation(
    annotation: Any, data: Mapping[str, Any], where: str, multilabel: bool
) -> Said:
    results = annotation.get("result") if isinstance(annotation, dict) else None
    if not isinstance(results, list) or not all(isinstance(one, dict) for one in results):
        raise ValueError(f"{shown(annotation)}; allowed: an annotation with a list `result`")
    cancelled = bool(annotation.get("was_cancelled"))
    choices = [one for one in results if one.get("type") == "choices"]
    labels = [
        label
        for one in choices
        if one.get("from_name", CONTROL) == CONTROL
        for label in _choices(one.get("value"))
    ]
    if choices and not labels and not cancelled:
        names = sorted({str(one.get("from_name")) for one in choices})
        raise ValueError(f"choices of {shown(names)}; allowed: of the control {CONTROL!r}")
    return _said(annotation, data, where, labels, cancelled or not (labels or multilabel))


def _said_of_flat_task(task: Mapping[str, Any], where: str, multilabel: bool) -> list[Said]:
    """What an object of JSON-MIN says: data and one annotation side by side."""
    if "annotation_id" not in task:
        raise ValueError("without annotations; allowed: the export JSON, or JSON-MIN")
    if task["annotation_id"] is None:
        return []
    labels = _choices(task.get(CONTROL))
    return [_said(task, task, where, labels, not (labels or multilabel))]


def _said(
    annotation: Mapping[str, Any],
    data: Mapping[str, Any],
    where: str,
    labels: list[Any],
    skipped: bool,
) -> Said:
    return Said(
        where,
        data.get("item") or _item_of_file(data),
        None if skipped else labels,
        Outcome.SKIPPED if skipped else "",
        _annotator(annotation.get("completed_by", annotation.get("annotator"))),
        annotation.get("lead_time"),
        annotation.get("updated_at") or annotation.get("created_at"),
        data.get("batch"),
    )


def _choices(value: Any) -> list[Any]:
    """Choices, of whatever depth an export writes them in."""
    if isinstance(value, dict):
        value = value.get("choices")
    if value is None or value == "":
        return []
    if isinstance(value, list):
        return [label for one in value for label in _choices(one)]
    return [value]


def _item_of_file(data: Mapping[str, Any]) -> str | None:
    """The path of a task's image; of an upload its name alone, without the 8 digits before it."""
    if not isinstance(data.get("image"), str):
        return None
    url = urllib.parse.urlsplit(data["image"])
    local = urllib.parse.parse_qs(url.query).get("d")
    path = urllib.parse.unquote(url.path)
    uploaded = _UPLOADED.fullmatch(path)
    return local[0] if local else uploaded[1] if uploaded else path


def _annotator(given: Any) -> str:
    """Who completed an annotation: a number, or a user with an address."""
    if isinstance(given, Mapping):
        given = next((given[key] for key in ("email", "username", "id") if given.get(key)), None)
    return "" if given is None else str(given)


def write(
    batch: HandedBatch,
    answers: Sequence[Answer] = (),
    *,
    image_url: Callable[[str], str] | None = None,
) -> str:
    """A batch as tasks to import, with its suggestions as predictions.

    Parameters
    ----------
    batch
        What is handed out.
    answers
        Answers that become annotations.
    image_url
        Item → address of its image; default: `local_files` of the document root itself.
    """
    url_of = image_url or local_files("")
    given = by_item(answers)
    tasks = []
    for item in batch.items:
        shown_as = {"image": url_of(item.item)} if batch.rows == IMAGES else {"text": item.text}
        task = {
            "data": {"item": item.item, "batch": batch.name, **shown_as},
            "predictions": _predictions(item, batch),
        }
        if item.item in given:
            task["annotations"] = [_annotation(answer, batch) for answer in given[item.item]]
        tasks.append(task)
    return json.dumps(tasks, ensure_ascii=False, indent=1) + "\n"


def local_files(folder: str) -> Callable[[str], str]:
    """Item → address of its file on a server of Label Studio that serves local files.

    The server is started with `LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true` and
    `LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT`, and the project has the pool's folder as a source
    storage of local files, which has to be below that root; it need not be synchronised.

    Parameters
    ----------
    folder
        Path of the pool's folder below the server's document root.
    """
    return lambda item: LOCAL_FILES + urllib.parse.quote(f"{folder}/{item}".lstrip("/"))


def _predictions(item: HandedItem, batch: HandedBatch) -> list[dict[str, Any]]:
    found = suggested(item, batch.multilabel)
    if found is None:
        return []
    labels, probability = found
    version = f"{batch.campaign} {batch.name}"
    return [{"model_version": version, "score": probability, "result": _result(labels, batch)}]


def _annotation(answer: Answer, batch: HandedBatch) -> dict[str, Any]:
    labels: Sequence[str] = ()
    if answer.label is not None:
        labels = [answer.label] if isinstance(answer.label, str) else answer.label
    elif answer.outcome is not Outcome.SKIPPED:
        labels = [f"({answer.outcome.value})"]
    return {
        "result": _result(labels, batch),
        "was_cancelled": answer.outcome is Outcome.SKIPPED,
        "lead_time": answer.seconds,
        "completed_by": {"email": answer.annotator} if answer.annotator else None,
        "created_at": answer.at,
        "updated_at": answer.at,
    }


def _result(labels: Sequence[str], batch: HandedBatch) -> list[dict[str, Any]]:
    if not labels:
        return []
    return [
        {
            "id": CONTROL,
            "from_name": CONTROL,
            "to_name": SHOWN,
            "type": "choices",
            "value": {"choices": list(labels)},
        }
    ]


def labeling_config(batch: HandedBatch) -> str:
    """The labelling configuration, as XML to paste into a project's settings."""
    view = ElementTree.Element("View")
    kind = "Image" if batch.rows == IMAGES else "Text"
    ElementTree.SubElement(view, kind, name=SHOWN, value=f"${kind.lower()}")
    choices = ElementTree.SubElement(
        view,
        "Choices",
        name=CONTROL,
        toName=SHOWN,
        choice="multiple" if batch.multilabel else "single",
        required="true",
        showInLine="true",
    )
    for place, name in enumerate(batch.classes):
        choice = ElementTree.SubElement(choices, "Choice", value=name)
        if place < len(_HOTKEYS):
            choice.set("hotkey", _HOTKEYS[place])
    for name in names_beside_classes(batch.multilabel):
        if OUTCOME_LABELS.get(name) is not Outcome.SKIPPED:  # for which the tool has a button
            ElementTree.SubElement(choices, "Choice", value=name)
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"
