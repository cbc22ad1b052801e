"""Images whose encoded content is held inside a larger file, decoded as images in files are."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from labelbench_core.datasets.images.decoding import decode
from labelbench_core.errors import InputError
from labelbench_core.progress import Progress


@dataclass(frozen=True)
class HeldImages:
    """Images of a split.

    Attributes
    ----------
    pixels
        (M, size, size, 3) uint8, RGB: those that can be decoded.
    rows
        (M,) int64: which of all images these are.
    broken
        Row of an image that cannot be used → why.
    several_frames
        Rows of images with further frames or pages, of which the first is read.
    """

    pixels: np.ndarray
    rows: np.ndarray
    broken: dict[int, str]
    several_frames: list[int]


def decode_held(
    contents: Iterable[Callable[[], bytes]], count: int, size: int, ground: str
) -> HeldImages:
    """Decode images one after another, so that one content at a time is in memory.

    Parameters
    ----------
    contents
        What gives the content of each image, or raises `InputError` with only the reason.
    count
        How many there are.
    size, ground
        As for `decode`: images that are not square are cut to their central square.
    """
    pixels = np.empty((count, size, size, 3), np.uint8)
    broken: dict[int, str] = {}
    several_frames: list[int] = []
    with Progress("decoding images", count, "images") as progress:
        for row, content in enumerate(contents):
            try:
                decoded = decode(content(), size, ground=ground)
            except InputError as error:
                broken[row] = str(error)
            else:
                pixels[row] = decoded.pixels
                if decoded.several_frames:
                    several_frames.append(row)
            progress.update(1)
    rows = np.array([row for row in range(count) if row not in broken], np.int64)
    return HeldImages(pixels[rows] if broken else pixels, rows, broken, several_frames)
