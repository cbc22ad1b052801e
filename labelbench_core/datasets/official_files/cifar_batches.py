"""The official "python version" layout of CIFAR-10 and CIFAR-100: pickled batches with MD5 sums."""

import pickle
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.datasets import (
    RawDataset,
    RawSplit,
    Source,
)
from labelbench_core.datasets.official_files import fetching
from labelbench_core.datasets.official_files.original import (
    numpy_halves,
    original_sizes,
    with_original_splits,
)
from labelbench_core.errors import InputError

IMAGE_BYTES = 3 * 32 * 32


@dataclass(frozen=True)
class Layout:
    """Files of one of the two data sets.

    Attributes
    ----------
    folder
        Name of the official folder.
    pool, test
        Batch files of each split, in order; file name → number of images.
    meta
        File with the class names, under the key `names_key`.
    md5
        Official MD5 sum of each file.
    """

    folder: str
    pool: dict[str, int]
    test: dict[str, int]
    meta: str
    names_key: bytes
    labels_key: bytes
    torchvision_class: str
    md5: dict[str, str]


def check(
    layout: Layout, data_dir: Path, *, download: bool, splits: str = "official"
) -> dict[str, int]:
    """Sizes of the splits; `InputError` if a file is missing or truncated."""
    folder = data_dir / layout.folder
    if folder.exists() or not download:
        least = {
            name: count * IMAGE_BYTES for name, count in {**layout.pool, **layout.test}.items()
        }
        fetching.check_sizes(folder, {**least, layout.meta: 1}, _mend(layout, folder))
    sizes = {"pool": sum(layout.pool.values()), "test": sum(layout.test.values())}
    return original_sizes(sizes, numpy_halves) if splits == "labelbench" else sizes


def source_files(layout: Layout, data_dir: Path) -> Source | None:
    """The official files; None if their folder is missing."""
    md5 = {name: (value,) for name, value in layout.md5.items()}
    return fetching.source_files(data_dir / layout.folder, md5)


def pool_labels(layout: Layout, data_dir: Path) -> tuple[np.ndarray, list[str]] | None:
    """(N,) labels of the pool and the classes' names; None if the official folder is missing."""
    folder = data_dir / layout.folder
    if not folder.is_dir():
        return None
    for name in (layout.meta, *layout.pool):
        # Before unpickling: a pickle can run code.
        fetching.check_md5(folder / name, (layout.md5[name],), _mend(layout, folder))
    labels = [_unpickle(folder / name)[layout.labels_key] for name in layout.pool]
    return np.concatenate(labels).astype(np.int64), _class_names(layout, folder)


def load(layout: Layout, data_dir: Path, *, download: bool, splits: str = "official") -> RawDataset:
    """All splits, in official order or LabelBench's; every file must have its official MD5 sum."""
    folder = data_dir / layout.folder
    if download and not folder.exists():
        fetching.fetch(
            folder, lambda aside: _download(layout, aside), layout.folder, _mend(layout, folder)
        )
    check(layout, data_dir, download=False)
    for name, md5 in layout.md5.items():
        # Before unpickling: a pickle can run code.
        fetching.check_md5(folder / name, (md5,), _mend(layout, folder))
    official = {
        "pool": _read_split(folder, layout.pool, layout.labels_key),
        "test": _read_split(folder, layout.test, layout.labels_key),
    }
    raw = RawDataset(class_names=_class_names(layout, folder), splits=official)
    return with_original_splits(raw, numpy_halves) if splits == "labelbench" else raw


def _class_names(layout: Layout, folder: Path) -> list[str]:
    return [name.decode() for name in _unpickle(folder / layout.meta)[layout.names_key]]


def _read_split(folder: Path, batches: dict[str, int], labels_key: bytes) -> RawSplit:
    """Images as (N, 32, 32, 3) uint8 and their labels."""
    images, labels = [], []
    for name, count in batches.items():
        batch = _unpickle(folder / name)
        if batch[b"data"].shape != (count, IMAGE_BYTES) or len(batch[labels_key]) != count:
            raise InputError(
                f"{folder / name}: expected {count} images, found {batch[b'data'].shape}"
            )
        images.append(batch[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
        labels += batch[labels_key]
    return RawSplit(np.asarray(labels, dtype=np.int64), np.concatenate(images))


def _unpickle(path: Path) -> dict[bytes, Any]:
    """A batch written by Python 2."""
    with open(path, "rb") as handle, warnings.catch_warnings():
        # NumPy warns of `align=0` in dtypes that Python 2 pickled.
        warnings.simplefilter("ignore")
        return pickle.load(handle, encoding="bytes")


def _download(layout: Layout, root: Path) -> None:
    """Fetch and unpack the official archive under `root`."""
    import torchvision

    getattr(torchvision.datasets, layout.torchvision_class)(str(root), download=True)


def _mend(layout: Layout, folder: Path) -> str:
    """What the user can do about missing or damaged files."""
    return (
        f"unpack the official archive ({layout.folder}, python version, from "
        f"https://www.cs.toronto.edu/~kriz/cifar.html) so that {folder} is whole, or delete "
        f"{folder} and run again with internet to have it downloaded; the environment variable "
        "LABELBENCH_DATA names the folder of the data"
    )
