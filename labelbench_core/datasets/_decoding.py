"""Images that stay in their files, decoded when they are asked for."""

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from labelbench_core.errors import InputError


class FileImages:
    """Random access to images in files: decoded in threads, central square, resized to one size.

    Parameters
    ----------
    root
        Folder that the paths are relative to.
    entries
        For each image its path and the SHA-256 of its file.
    image_size
        Height and width of what `batch` returns, in pixels.
    threads
        Threads that decode (Pillow lets other threads run meanwhile).
    """

    def __init__(
        self, root: Path, entries: list[tuple[str, str]], image_size: int, *, threads: int = 4
    ) -> None:
        self._root, self._entries, self._image_size = root, entries, image_size
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
        return hashlib.sha256(f"{self._image_size} {hashes}".encode()).hexdigest()

    def _decode(self, entry: tuple[str, str]) -> np.ndarray:
        path = self._root / entry[0]
        try:
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() != entry[1]:
                raise InputError(
                    f"{path}: changed since the data set was prepared; put the file back, or "
                    "delete the prepared data set to have it made again"
                )
            return decode_square(content, self._image_size)
        except FileNotFoundError as error:
            raise InputError(f"{path}: file not found; it was there when prepared") from error
        except InputError:
            raise
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise InputError(
                f"{path}: corrupt image ({error}); replace or remove it and run again"
            ) from error


def decode_square(content: bytes, size: int) -> np.ndarray:
    """The central square of an image file as (size, size, 3) uint8, RGB."""
    with Image.open(io.BytesIO(content)) as image:
        # JPEG alone: decodes at a half, a quarter or an eighth where that is still large enough.
        image.draft("RGB", (size, size))
        image = image.convert("RGB")
        side = min(image.size)
        left, top = (image.width - side) / 2, (image.height - side) / 2
        box = (left, top, left + side, top + side)
        return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC, box=box))
