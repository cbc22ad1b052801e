"""Images that stay in their files, decoded when they are asked for."""

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from labelbench_core.datasets._square import to_square
from labelbench_core.errors import InputError
from labelbench_core.framing import SHORTEST, Framing


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
        How images that are not square become so.
    threads
        Threads that decode (Pillow lets other threads run meanwhile).
    """

    def __init__(
        self,
        root: Path,
        entries: list[tuple[str, str]],
        image_size: int,
        *,
        framing: Framing = SHORTEST,
        threads: int = 4,
    ) -> None:
        self._root, self._entries, self._image_size = root, entries, image_size
        self._framing = framing
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

    def _decode(self, entry: tuple[str, str]) -> np.ndarray:
        path = self._root / entry[0]
        try:
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() != entry[1]:
                raise InputError(
                    f"{path}: changed since the data set was prepared; put the file back, or "
                    "delete the prepared data set to have it made again"
                )
            return decode_square(content, self._image_size, self._framing)
        except FileNotFoundError as error:
            raise InputError(f"{path}: file not found; it was there when prepared") from error
        except InputError:
            raise
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise InputError(
                f"{path}: corrupt image ({error}); replace or remove it and run again"
            ) from error


def decode_square(content: bytes, size: int, framing: Framing = SHORTEST) -> np.ndarray:
    """An image file as a square, (size, size, 3) uint8, RGB."""
    with Image.open(io.BytesIO(content)) as image:
        # JPEG alone: decodes at a half, a quarter or an eighth where that is still large enough.
        image.draft("RGB", (size, size))
        image = image.convert("RGB")
        return np.asarray(to_square(image, size, framing))
