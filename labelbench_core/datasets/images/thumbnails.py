"""Small pictures of images, for people to look at."""

import io
import logging
from collections.abc import Sequence

import numpy as np
from PIL import Image

from labelbench_core.datasets import PreparedDataset, data_directory
from labelbench_core.datasets.images.decoding import FileImages
from labelbench_core.datasets.images.framing import Framing
from labelbench_core.errors import InputError

log = logging.getLogger(__name__)
SIDE = 384
"""Longest side of a thumbnail, in pixels."""
WHOLE = Framing("longest", (255, 255, 255))
"""The whole image: what is cropped cannot be labelled."""
JPEG_QUALITY = 85
AT_ONCE = 64


def thumbnails(
    dataset: PreparedDataset,
    split: str,
    rows: np.ndarray,
    threads: int = 1,
    *,
    side: int | None = None,
) -> list[bytes]:
    """The images `rows` of a split, each as the bytes of a JPEG, or of a PNG where it is an array.

    Parameters
    ----------
    rows
        (n,) int64.
    threads
        Threads that decode.
    side
        Longest side, in pixels, of pictures. None: 384 of images in files, and whole arrays.

    Raises
    ------
    InputError
        If a file has changed since the data set was prepared, or cannot be decoded.
    """
    entry = dataset.manifest["splits"][split]
    if entry["storage"] == "array":
        images = dataset.images(split).batch(rows)
        return [_encoded(_at_most(Image.fromarray(image), side), "PNG") for image in images]
    files = FileImages(
        data_directory() / dataset.manifest["root"],
        dataset.listing(split),
        side or SIDE,
        framing=WHOLE,
        ground=entry["ground"],
        prepared=dataset.folder,
        threads=threads,
    )
    return [
        _encoded(Image.fromarray(image), "JPEG")
        for first in range(0, len(rows), AT_ONCE)
        for image in files.batch(rows[first : first + AT_ONCE])
    ]


def _at_most(image: Image.Image, side: int | None) -> Image.Image:
    if side is not None:
        image.thumbnail((side, side))
    return image


def readable_thumbnails(
    dataset: PreparedDataset,
    split: str,
    rows: Sequence[int],
    threads: int = 1,
    *,
    side: int | None = None,
) -> list[bytes | None]:
    """As `thumbnails`, with None for an image that cannot be read; the log says why."""
    if not len(rows):
        return []
    try:
        return list(thumbnails(dataset, split, np.array(rows), threads, side=side))
    except InputError:
        return [_readable(dataset, split, row, side) for row in rows]


def _readable(dataset: PreparedDataset, split: str, row: int, side: int | None) -> bytes | None:
    try:
        return thumbnails(dataset, split, np.array([row]), side=side)[0]
    except InputError as error:
        log.warning("without a picture of row %d: %s", row, error)
        return None


def _encoded(image: Image.Image, kind: str) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, quality=JPEG_QUALITY)
    return content.getvalue()
