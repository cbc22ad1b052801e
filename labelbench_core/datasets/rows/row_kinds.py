"""What the rows of a data set are, where they need not be images, and which keys apply to them."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from labelbench_core import registry
from labelbench_core.errors import InputError, shown
from labelbench_core.registry.info import IMAGES

OF_IMAGES = ("near_copies", "near_duplicates")
"""Keys of an entry that apply to images only."""
LARGEST = float(np.finfo(np.float16).max)
SMALLEST = float(np.finfo(np.float16).tiny)


def rows_of(implementation: str) -> str:
    """What the rows of a component of `datasets` are: one of `registry.info.ROWS`."""
    return registry.describe("datasets", implementation).info["rows"]


def image_key_errors(entry: Mapping[str, Any], rows: str) -> Iterator[str]:
    """A line for each key of an entry that does not apply to its `rows`."""
    for key in OF_IMAGES:
        if rows != IMAGES and entry.get(key) is not None:
            yield f"{key}: {shown(entry[key])}; rows are {rows}; allowed with images only"


def check_embeddings(
    where: str,
    embeddings: np.ndarray,
    count: int | None = None,
    width: tuple[int, str] | None = None,
) -> None:
    """`InputError`, one line, unless an array can be used as the embeddings of a split.

    Read in blocks, so that it may be larger than memory.

    Parameters
    ----------
    where
        What the array is called in messages.
    embeddings
        To be (N, D) numbers, with N and D at least 1.
    count
        Number of labels, which N has to be; None: any.
    width
        D of another split, and how that is called; None: any.
    """
    shape, dtype = embeddings.shape, embeddings.dtype
    if dtype.kind not in "iuf":
        raise InputError(f"{where}: values are {dtype}; allowed: numbers (floats or integers)")
    if embeddings.ndim != 2:
        told = f"{where}: has the shape {shape}"
        raise InputError(f"{told}; allowed: (N, D), one row of features for each example")
    if not embeddings.size:
        raise InputError(
            f"{where}: is empty, of shape {shape}; allowed: at least one row and column"
        )
    if count is not None and shape[0] != count:
        raise InputError(f"{where}: {shape[0]} rows, but {count} labels; allowed: one for each")
    if width is not None and shape[1] != width[0]:
        told = f"{where}: {shape[1]} features; those of {width[1]} have {width[0]}"
        raise InputError(f"{told}; allowed: the same in all splits")
    most, per_block = 0.0, max(1, (1 << 24) // shape[1])
    for first in range(0, shape[0], per_block):
        block = np.asarray(embeddings[first : first + per_block])
        with np.errstate(invalid="ignore"):
            bad = ~(np.abs(block.astype(np.float64, copy=False)) <= LARGEST)
        if bad.any():
            row, column = map(int, np.argwhere(bad)[0])
            raise InputError(
                f"{where}: row {first + row}, feature {column}: {block[row, column]}; allowed: "
                f"finite numbers between -{LARGEST:g} and {LARGEST:g}, as embeddings are kept in "
                "float16"
            )
        most = max(most, float(np.abs(block).max()))
    if most < SMALLEST:
        raise InputError(
            f"{where}: no value is further from 0 than {most:g}; embeddings are kept in float16, "
            f"which needs values above {SMALLEST:.1g}; allowed: features multiplied by a constant"
        )
