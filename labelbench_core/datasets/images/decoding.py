"""Decoding image files: complete, upright, on a background, as a square of 8-bit RGB."""

import functools
import hashlib
import io
import os
import re
import stat
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from labelbench_core.datasets.images._pixels import to_rgb
from labelbench_core.datasets.images._square import to_square
from labelbench_core.datasets.images.formats import READ_FORMATS
from labelbench_core.datasets.images.framing import SHORTEST, Framing
from labelbench_core.errors import InputError
from labelbench_core.storage.places import printable

_ORIENTATION = 0x0112
# EXIF 2.32, 4.6.4, tag Orientation: the operation that turns the stored image upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Parts of Pillow's messages: where an object lay in memory, which differs from run to run; what it
# was built without.
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_NO_DECODER = re.compile(r"decoder \S+ not available")


class Decoded(NamedTuple):
    """An image file's content.

    Attributes
    ----------
    pixels
        (size, size, 3) uint8, RGB.
    several_frames
        Whether the file holds further frames or pages: only the first is read.
    """

    pixels: np.ndarray
    several_frames: bool


class FileImages:
    """Random access to images in files: decoded in threads, as squares of one size.

    Parameters
    ----------
    root
        Folder that the paths are relative to.
    entries
        For each image its path and the SHA-256 of its file.
    image_size
        Height and width of what `batch` returns, in pixels.
    framing
        How images that are not square are made square.
    ground
        Background of transparent parts.
    prepared
        The prepared data set's folder, for messages.
    threads
        Threads that decode (Pillow lets other threads run meanwhile).
    """

    contents_are_noted = True

    def __init__(
        self,
        root: Path,
        entries: Sequence[tuple[str, str]],
        image_size: int,
        *,
        framing: Framing = SHORTEST,
        ground: str = "white",
        prepared: Path | str = "the prepared data set",
        threads: int = 4,
    ) -> None:
        self._root, self._entries, self._image_size = root, entries, image_size
        self._framing, self._ground, self._prepared = framing, ground, prepared
        self._pool = ThreadPoolExecutor(max_workers=max(1, threads))

    def __len__(self) -> int:
        return len(self._entries)

    def batch(self, indices: np.ndarray) -> np.ndarray:
        """The images `indices` as uint8 (B, `image_size`, `image_size`, 3), in that order."""
        entries = [self._entries[index] for index in np.asarray(indices).tolist()]
        images = np.empty((len(entries), self._image_size, self._image_size, 3), np.uint8)
        for row, image in enumerate(self._pool.map(self._decode, entries)):
            images[row] = image
        return images

    def contents(self, rows: range) -> str:
        """A hash over all that the images `rows`, and their order, depend on."""
        hashes = " ".join(self._entries[row][1] for row in rows)
        shown = f"{self._image_size} {self._framing} {self._ground} {hashes}"
        return hashlib.sha256(shown.encode()).hexdigest()

    def _decode(self, entry: tuple[str, str]) -> np.ndarray:
        path = self._root / entry[0]
        again = f"delete the folder {self._prepared} to have it prepared again"
        try:
            content = read_regular(path)
        except InputError as error:
            raise InputError(
                f"{printable(path)}: {error}; it was there when the data set was prepared: restore "
                f"it, or {again} without it"
            ) from error
        if hashlib.sha256(content).hexdigest() != entry[1]:
            raise InputError(
                f"{printable(path)}: changed since the data set was prepared; restore the file, "
                f"or {again}"
            )
        try:
            return decode(content, self._image_size, self._framing, self._ground).pixels
        except InputError as error:
            # It was decoded when the data set was prepared, by another version of Pillow.
            raise InputError(
                f"{printable(path)}: {error}; replace or remove it and {again}"
            ) from error


def read_regular(path: str | Path) -> bytes:
    """A file's content; `InputError` with only the reason if it cannot be read.

    Nothing but a regular file is read: a named pipe or a device would never end.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as handle:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise InputError("not a regular file")
            return handle.read()
    except FileNotFoundError as error:
        reason = "broken link" if os.path.islink(path) else "file not found"
        raise InputError(reason) from error
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})") from error


def decode_square(
    content: bytes, size: int, framing: Framing = SHORTEST, ground: str = "white"
) -> np.ndarray:
    """An image file as a square, (size, size, 3) uint8, RGB; see `decode`."""
    return decode(content, size, framing, ground).pixels


def decode(
    content: bytes, size: int, framing: Framing = SHORTEST, ground: str = "white"
) -> Decoded:
    """An image file as a square, upright and resized.

    Parameters
    ----------
    content
        The whole file.
    size
        Height and width of the result, in pixels.
    framing
        How an image that is not square is made square.
    ground
        What shows where the image is transparent, a key of `_pixels.GROUNDS`.

    Raises
    ------
    InputError
        With only the reason: corrupt, too large, or of a mode that cannot be shown in 8 bits.
    """
    try:
        image, stored, several_frames = _load(content, size)
    except Image.DecompressionBombError as error:
        raise InputError(f"more pixels than are safe to decode ({error})") from error
    except UnidentifiedImageError as error:
        raise InputError(_unidentified(content)) from error
    except (InputError, MemoryError):
        raise
    except Exception as error:
        # On a damaged file Pillow's readers can raise anything.
        told = _ADDRESS.sub("", " ".join(str(error).split())) or type(error).__name__
        if _NO_DECODER.fullmatch(told):
            raise InputError(f"this Pillow cannot read it ({told})") from error
        raise InputError(f"corrupt image ({told})") from error
    with image:
        orientation = _orientation(image)
        if orientation in _UPRIGHT:
            image = _turned(image, _UPRIGHT[orientation])
        shown = to_rgb(image, ground, stored)
    pixels = np.asarray(to_square(shown, size, framing))
    return Decoded(pixels, several_frames)


def _load(content: bytes, size: int) -> tuple[Image.Image, str, bool]:
    """An image with all its pixels, the raw mode it is stored in, whether there are more frames."""
    if not content:
        raise InputError("empty file")
    image = Image.open(io.BytesIO(content), formats=_known_formats())
    # A photo's further pictures (MPO) are its preview or its other half.
    several_frames = image.format != "MPO" and bool(getattr(image, "is_animated", False))
    # JPEG alone: decodes at a half, a quarter or an eighth where that is still large enough.
    image.draft("RGB", (size, size))
    arguments = image.tile[0][3] if image.tile else ""
    stored = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    image.load()
    return image, stored if isinstance(stored, str) else "", several_frames


@functools.cache
def _known_formats() -> tuple[str, ...]:
    """Those of `READ_FORMATS` that this Pillow knows: with any other, it fails on every file."""
    Image.init()
    return tuple(one for one in READ_FORMATS if one in Image.OPEN)


def _unidentified(content: bytes) -> str:
    """Why Pillow does not know what a file is: its message names an address in memory."""
    # Formats that Pillow was built without are known to it, but not written. ISO/IEC 14496-12, 4.3:
    # the type of a file stands behind the size and the name of its first box.
    if content[4:12] in (b"ftypavif", b"ftypavis") and "AVIF" not in Image.SAVE:
        return "this Pillow cannot read AVIF; needs Pillow 11.3 or later, with AVIF built in"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP" and "WEBP" not in Image.SAVE:
        return "this Pillow cannot read WebP"
    return "not an image that Pillow can read"


def _orientation(image: Image.Image) -> int | None:
    """The orientation in an image's EXIF data; None where that is missing or damaged."""
    try:
        return image.getexif().get(_ORIENTATION)
    except Exception:  # any error of a reader; the pixels are complete
        return None


def _turned(image: Image.Image, how: Image.Transpose) -> Image.Image:
    """`image` transposed, with what `to_rgb` looks at: format, transparent colour, TIFF's tags."""
    turned = image.transpose(how)
    turned.format, turned.info = image.format, image.info
    if hasattr(image, "tag_v2"):
        turned.tag_v2 = image.tag_v2
    return turned
