"""Mosaics of four images of another data set: each shows one to four classes.

Multi-label classification with known ground truth: labels say which classes occur among the four
images. Every image of the source is in one mosaic at most, and those of pool and test stay apart.
"""

from pathlib import Path
from typing import Literal

import numpy as np

from labelbench_core.datasets import RawDataset, RawSplit, Source, cifar10, digits, fashion_mnist
from labelbench_core.errors import InputError
from labelbench_core.seeds import rng_for

INFO = {
    "summary": "2 x 2 mosaics of images of a data set; labels: which classes occur",
    "license": "the source's",
    "paper": "",
    "num_classes": 10,
    "multilabel": True,
}

SIDE = 2  # images in a row of a mosaic
SOURCES = {"cifar-10": cifar10, "digits": digits, "fashion-mnist": fashion_mnist}


def check(
    data_dir: Path, *, source: Literal["cifar-10", "digits", "fashion-mnist"] = "cifar-10"
) -> dict[str, int]:
    """Sizes of the splits, by the source's; `InputError` where its files are wrong."""
    sizes = SOURCES[source].check(data_dir)
    return {split: size // SIDE**2 for split, size in sizes.items()}


def source_files(data_dir: Path, *, source: str = "cifar-10") -> Source | None:
    """The files of the source, if it has any."""
    listing = getattr(SOURCES[source], "source_files", None)
    return None if listing is None else listing(data_dir)


def pool_labels(data_dir: Path, *, source: str = "cifar-10") -> tuple[np.ndarray, list[str]] | None:
    """(N, C) uint8 labels of the pool and the classes' names; None where files are missing."""
    known = SOURCES[source].pool_labels(data_dir)
    if known is None:
        return None
    labels, names = known
    return occurring(labels[tiles(len(labels), source, "pool")], len(names)), names


def load(
    data_dir: Path, *, source: Literal["cifar-10", "digits", "fashion-mnist"] = "cifar-10"
) -> RawDataset:
    """All splits of the source as mosaics of twice its height and width.

    Parameters
    ----------
    data_dir
        Where the source looks for its files.
    source
        Data set of the images. Default: ours.
    """
    raw = SOURCES[source].load(data_dir)
    return RawDataset(
        class_names=raw.class_names,
        splits={name: _mosaics(split, raw, source, name) for name, split in raw.splits.items()},
        splits_note=f"Each image is a mosaic of {SIDE**2} images of {source}",
    )


def _mosaics(split: RawSplit, raw: RawDataset, source: str, name: str) -> RawSplit:
    if split.images is None:
        raise InputError(f"source: {source!r}; allowed: a data set that is kept in memory")
    rows = tiles(len(split.labels), source, name)
    height, width = split.images.shape[1:3]
    images = split.images[rows].reshape(-1, SIDE, SIDE, height, width, 3)
    images = images.transpose(0, 1, 3, 2, 4, 5).reshape(-1, SIDE * height, SIDE * width, 3)
    labels = occurring(split.labels[rows], len(raw.class_names))
    return RawSplit(labels, np.ascontiguousarray(images))


def tiles(count: int, source: str, split: str) -> np.ndarray:
    """(count // 4, 4) int64: the images of each mosaic, row by row from its upper left."""
    order = rng_for("mosaics", source, split).permutation(count)
    return order[: count - count % SIDE**2].reshape(-1, SIDE**2)


def occurring(classes: np.ndarray, num_classes: int) -> np.ndarray:
    """(N, C) uint8: 1 for the classes that occur in each of the (N, 4) rows."""
    labels = np.zeros((len(classes), num_classes), np.uint8)
    labels[np.arange(len(classes))[:, None], classes] = 1
    return labels
