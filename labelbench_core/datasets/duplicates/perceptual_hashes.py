"""Images that look nearly the same: perceptual hashes (pHash), computed by package ImageHash."""

import importlib.metadata
import importlib.util
from collections.abc import Iterator, Sequence

import numpy as np

from labelbench_core.errors import InputError

BITS = 64
PACKAGE = "imagehash"
_BLOCK = 2048


def is_installed() -> bool:
    """Whether ImageHash is there."""
    return importlib.util.find_spec(PACKAGE) is not None


def version() -> dict[str, str]:
    """The version of ImageHash; `InputError` that says how to install it where it is missing."""
    try:
        return {PACKAGE: importlib.metadata.version(PACKAGE)}
    except importlib.metadata.PackageNotFoundError as error:
        raise InputError(
            f"near_duplicates: needs the package {PACKAGE} (so does near_together), which is not "
            f"installed; `pip install {PACKAGE}`, or run Snakemake with --use-conda, or remove the "
            "key"
        ) from error


def perceptual_hash(pixels: np.ndarray) -> str:
    """Signs of the 8 x 8 lowest frequencies of an image (H, W, 3) uint8: its pHash, 16 digits."""
    import imagehash
    from PIL import Image

    return str(imagehash.phash(Image.fromarray(pixels), hash_size=8))


def nearest(hashes: list[str], others: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """For each of `others` the place of the closest of `hashes`, and how many bits differ.

    Ties go to the first place.
    """
    mine = np.array([int(one, 16) for one in hashes], np.uint64)
    theirs = np.array([int(one, 16) for one in others], np.uint64)
    places = np.zeros(len(theirs), np.int64)
    bits = np.full(len(theirs), BITS + 1, np.int64)
    for first in range(0, len(mine), _BLOCK):
        block = mine[first : first + _BLOCK]
        for start in range(0, len(theirs), _BLOCK):
            part = slice(start, start + _BLOCK)
            different = np.bitwise_count(theirs[part, None] ^ block)
            closest = different.argmin(axis=1)
            found = np.take_along_axis(different, closest[:, None], axis=1)[:, 0]
            better = found < bits[part]
            places[part] = np.where(better, first + closest, places[part])
            bits[part] = np.where(better, found, bits[part])
    return places, bits


def within(hashes: Sequence[str], most_bits: int) -> Iterator[tuple[int, int]]:
    """Pairs of places whose hashes differ in at most `most_bits` bits, the smaller place first.

    Rows of equal hashes are each paired with the first of them alone; so are rows near to these.
    """
    values, first = np.unique(np.array([int(one, 16) for one in hashes], np.uint64), True)
    codes: dict[int, int] = {int(value): int(row) for value, row in zip(values, first, strict=True)}
    for row, one in enumerate(hashes):
        before = codes[int(one, 16)]
        if before != row:
            yield before, row
    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK]
        for other in range(start, len(values), _BLOCK):
            different = np.bitwise_count(block[:, None] ^ values[other : other + _BLOCK])
            for a, b in np.argwhere(different <= most_bits).tolist():
                if start + a < other + b:
                    one, two = int(first[start + a]), int(first[other + b])
                    yield min(one, two), max(one, two)
