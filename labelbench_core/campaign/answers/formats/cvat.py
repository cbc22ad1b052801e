"""CVAT for images 1.1: XML with a tag for each label of an image.

An image without tags is not answered yet, and tags of the source `auto` are suggestions: CVAT does
not say whether a person has looked at them, which is why a batch is written without any. The tags
`(unsure)`, `(no-class)`, `(skipped)` and, with several labels, `(none)` stand for outcomes. Tags
may have the attributes `annotator`, `seconds`, `at` and `batch`; tags of an image with the same
values are one answer. Without an annotator the assignee of the task or job is taken. CVAT's own
exports are ZIP files, in which this one is `annotations.xml`.

Source: CVAT's documentation, "XML annotation format", version 1.1.
"""

from collections.abc import Sequence
from xml.etree import ElementTree

from labelbench_core.campaign.answers.answer import Answer, Outcome
from labelbench_core.campaign.answers.formats._said import Said
from labelbench_core.campaign.answers.formats.handed import (
    NONE_OF_THEM,
    HandedBatch,
    names_beside_classes,
)
from labelbench_core.campaign.answers.formats.table import by_item
from labelbench_core.errors import InputError, shown

NAME = "CVAT for images 1.1"
ATTRIBUTES = ("annotator", "seconds", "at", "batch")
MEMBER = "annotations.xml"
_OTHER_SHAPES = ("box", "polygon", "polyline", "points", "cuboid", "mask", "ellipse", "skeleton")


def recognizes(text: str) -> bool:
    """Whether a file's text looks like this format."""
    return text.startswith("<")


def read(text: str, path: object, multilabel: bool) -> list[Said]:
    """What a file says; `InputError` where it cannot be read."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise InputError(f"{path}: declares a document type; allowed: {NAME}, which has none")
    try:
        # The XML declaration may name the encoding that the file had before it was decoded.
        root = ElementTree.fromstring(text.encode("utf-8"), ElementTree.XMLParser(encoding="utf-8"))
    except ElementTree.ParseError as error:
        raise InputError(f"{path}: not XML ({error}); allowed: {NAME}") from error
    if root.tag != "annotations" or root.find("track") is not None:
        found = "tracks of a video" if root.tag == "annotations" else f"<{root.tag}>"
        raise InputError(f"{path}: holds {found}; allowed: {NAME}, <annotations> with <image>")
    assignee = next(root.iterfind("meta/*/assignee/username"), None)
    said, errors = list[Said](), list[str]()
    for place, image in enumerate(root.iterfind("image")):
        name = image.get("name")
        where = f"image {shown(name)}" if name else f"image {place} (from 0)"
        shapes = sorted({shape.tag for shape in image if shape.tag in _OTHER_SHAPES})
        if shapes:
            told = f"{path}: {where}: <{shapes[0]}>"
            errors.append(f"{told}; allowed: <tag>, a label of the whole image")
        said += _said_of_image(image, where, (assignee is not None and assignee.text) or "")
    if errors:
        raise InputError("\n".join(errors))
    return said


def _said_of_image(image: ElementTree.Element, where: str, assignee: str) -> list[Said]:
    answers: dict[tuple[str | None, ...], list[str | None]] = {}
    for tag in image.iterfind("tag"):
        if tag.get("source") == "auto":
            continue
        told = {one.get("name"): (one.text or "").strip() for one in tag.iterfind("attribute")}
        key = tuple(told.get(name) or None for name in ATTRIBUTES)
        answers.setdefault(key, []).append(tag.get("label"))
    return [
        Said(where, image.get("name"), labels, "", annotator or assignee, *others)
        for (annotator, *others), labels in answers.items()
    ]


def write(batch: HandedBatch, answers: Sequence[Answer] = ()) -> str:
    """A batch as images to label, with tags where there are answers.

    Raises
    ------
    InputError
        For a name that XML cannot hold.
    """
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    task = ElementTree.SubElement(ElementTree.SubElement(root, "meta"), "task")
    ElementTree.SubElement(task, "name").text = f"{batch.campaign} {batch.name}"
    ElementTree.SubElement(task, "size").text = str(len(batch.items))
    ElementTree.SubElement(task, "mode").text = "annotation"
    labels = ElementTree.SubElement(task, "labels")
    for name in [*batch.classes, *names_beside_classes(batch.multilabel)]:
        label = ElementTree.SubElement(labels, "label")
        ElementTree.SubElement(label, "name").text = name
        ElementTree.SubElement(label, "type").text = "tag"
    given = by_item(answers)
    for number, item in enumerate(batch.items):
        image = ElementTree.SubElement(root, "image", id=str(number), name=item.item)
        for answer in given.get(item.item, ()):
            _write_answer(image, answer)
    ElementTree.indent(root)
    text = '<?xml version="1.0" encoding="utf-8"?>\n'
    text += ElementTree.tostring(root, encoding="unicode") + "\n"
    try:
        ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        told = f"batch {batch.name}: {NAME}: {error}"
        raise InputError(f"{told}; allowed: names without control characters") from error
    return text


def _write_answer(image: ElementTree.Element, answer: Answer) -> None:
    if answer.outcome is not Outcome.LABELED:
        labels: Sequence[str] = [f"({answer.outcome.value})"]
    elif isinstance(answer.label, str):
        labels = [answer.label]
    else:
        labels = answer.label or [NONE_OF_THEM]
    for label in labels:
        tag = ElementTree.SubElement(image, "tag", label=label, source="manual")
        for name in ATTRIBUTES:
            if (value := getattr(answer, name)) not in (None, ""):
                ElementTree.SubElement(tag, "attribute", name=name).text = str(value)
