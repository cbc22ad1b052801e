"""Formats in which batches are handed out and answers come back, each in a module that does both.

A format's module has `NAME`, `recognizes(text)`, `read(text, path, multilabel)` and
`write(batch, answers)`. A file is recognised by its content, whatever its name.
"""

import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from labelbench_core.campaign.answers.answer import Answer
from labelbench_core.campaign.answers.formats import (
    _said,
    csv_table,
    cvat,
    hugging_face,
    label_studio,
    table,
)
from labelbench_core.campaign.answers.formats.handed import Expected, HandedBatch
from labelbench_core.errors import InputError, listed
from labelbench_core.registry.info import EMBEDDINGS, IMAGES
from labelbench_core.storage import files

FORMATS = (csv_table, label_studio, cvat, hugging_face)
ALLOWED = listed(one.NAME for one in FORMATS)
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)
_ENCODINGS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def read_answers(
    path: str | Path, expected: Expected, content: bytes | None = None
) -> list[Answer]:
    """The answers of a file of any format, in its order.

    Parameters
    ----------
    path
        The file.
    expected
        What answers may say, and of which items.
    content
        Its bytes, where they have been read already.

    Raises
    ------
    InputError
        Naming everything in the file that is not allowed, one line for each: file, row or task,
        value, and what is allowed.
    """
    text = _text(Path(path).read_bytes() if content is None else content, path)
    for one in FORMATS:
        if one.recognizes(text):
            return _said.checked(one.read(text, path, expected.multilabel), expected, path)
    columns = [] if text.startswith(("{", "[", "<")) else table.columns_of(text)
    if columns:
        told = f"{path}: a table without a column `item` (has: {listed(columns)})"
        raise InputError(
            f"{told}; allowed: in `item` what to_label.csv has there, or in `file_name` a "
            "file's name, or in `text` a text of the pool"
        )
    raise InputError(f"{path}: of no known format; allowed: {ALLOWED}")


def _text(content: bytes, path: str | Path) -> str:
    """The text of a file; of an archive, the text of its annotations."""
    if content.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                content = archive.read(cvat.MEMBER)
        except _DAMAGED as error:
            told = f"{path}: an archive without a readable {cvat.MEMBER} ({error})"
            raise InputError(f"{told}; allowed: CVAT's, or the file alone") from error
    try:
        text = content.decode(_ENCODINGS.get(content[:2], "utf-8-sig"))
    except UnicodeDecodeError as error:
        told = f"{path}: not UTF-8 (byte {error.start})"
        raise InputError(
            f"{told}; allowed: text in UTF-8, such as a sheet's 'CSV UTF-8'"
        ) from error
    text = text.lstrip()
    if not text:
        raise InputError(f"{path}: empty; allowed: {ALLOWED}")
    return text


def write_exports(
    folder: str | Path, batch: HandedBatch, *, image_url: Callable[[str], str] | None = None
) -> list[str]:
    """Write a batch into a folder in every format that fits its rows.

    Parameters
    ----------
    folder
        The batch's folder.
    batch
        What is handed out.
    image_url
        Item → address of its image, for Label Studio (`label_studio.local_files`).

    Returns
    -------
    list of str
        Names of the files: `to_label.csv`, `metadata.csv`, for texts and images
        `label-studio.json` and `label-studio.xml`, for images `cvat.xml`.
    """
    written = {"to_label.csv": csv_table.write(batch), "metadata.csv": hugging_face.write(batch)}
    if batch.rows != EMBEDDINGS:
        written["label-studio.json"] = label_studio.write(batch, image_url=image_url)
        written["label-studio.xml"] = label_studio.labeling_config(batch)
    if batch.rows == IMAGES:
        written["cvat.xml"] = cvat.write(batch)
    for name, text in written.items():
        with files.atomic_path(Path(folder, name)) as aside:
            aside.write_text(text, encoding="utf-8", newline="")
    return list(written)
