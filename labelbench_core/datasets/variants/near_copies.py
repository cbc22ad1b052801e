"""Near-copies of images: what a pool holds where the same scene was taken twice."""

from collections.abc import Mapping

import numpy as np

from labelbench_core.errors import InputError
from labelbench_core.seeds import rng_for

LARGEST_SHIFT = 1 / 16  # of the image's side, and at least a pixel
DARKEST, BRIGHTEST = 0.9, 1.1


def number_of_copies(size: int, asked: Mapping[str, float]) -> int:
    """How many copies a pool of `size` images gets.

    Parameters
    ----------
    asked
        `share` of the pool, or `count`.

    Raises
    ------
    InputError
        Unless it is at least one and at most one of each image.
    """
    if "count" in asked:
        count = int(asked["count"])
        if count > size:
            raise InputError(
                f"near_copies: count: {count}; the pool has {size} images, each copied once at "
                f"most; allowed: 1 to {size}"
            )
        return count
    count = round(asked["share"] * size)
    if not count:
        raise InputError(
            f"near_copies: share: {asked['share']:g}; of a pool of {size} images that is none; "
            f"allowed: at least {1 / size:g}"
        )
    return count


def copied_rows(size: int, source: str, count: int) -> np.ndarray:
    """The rows, in random order, of which copies are made; more copies begin with the same."""
    return rng_for("near-copies", source).permutation(size)[:count]


def near_copies(images: np.ndarray, numbers: np.ndarray, source: str) -> np.ndarray:
    """Each image shifted by a few pixels, its edge repeated, and a little darker or brighter.

    Parameters
    ----------
    images
        (N, H, W, 3) uint8.
    numbers
        (N,) int64, one for each image, which alone decides its change: its row in the source.
    source
        The component that the images come from.

    Returns
    -------
    numpy.ndarray
        (N, H, W, 3) uint8: shifted by up to a sixteenth of the side (at least one pixel) along each
        axis, never by nothing, and times 0.9 to 1.1.
    """
    height, width = images.shape[1:3]
    most = [max(1, round(LARGEST_SHIFT * side)) for side in (height, width)]
    changed = np.empty_like(images)
    for row, number in enumerate(numbers.tolist()):
        rng = rng_for("near-copy", source, number)
        down, right = (int(rng.integers(-one, one + 1)) for one in most)
        if down == right == 0:
            right = 1
        shifted = images[row][np.clip(np.arange(height) - down, 0, height - 1)]
        shifted = shifted[:, np.clip(np.arange(width) - right, 0, width - 1)]
        brightness = rng.uniform(DARKEST, BRIGHTEST)
        changed[row] = np.rint(np.clip(shifted * brightness, 0, 255)).astype(np.uint8)
    return changed
