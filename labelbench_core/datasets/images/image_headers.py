"""What the header of an image file says, without its pixels."""

import warnings
from pathlib import Path
from typing import NamedTuple

from PIL import Image

_ORIENTATION = 0x0112


class Header(NamedTuple):
    """Size as stored, format and mode as Pillow calls them, and whether EXIF data turn it."""

    width: int
    height: int
    format: str
    mode: str
    turned: bool


def read_header(path: Path) -> Header:
    """The header of a file that Pillow can open."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of large images and odd EXIF data
        with Image.open(path) as image:
            turned = image.getexif().get(_ORIENTATION, 1) in range(2, 9)
            return Header(*image.size, image.format or "", image.mode, turned)
