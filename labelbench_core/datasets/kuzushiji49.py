"""Kuzushiji-49: 232,365 + 38,547 grey images of 28 x 28 pixels, 49 cursive Japanese characters.

Clanuwat et al., "Deep Learning for Classical Japanese Literature", 2018. Classes are imbalanced.
Read from the four official NumPy files in the folder `kuzushiji-49` of the data directory. Their
authors publish no checksums: the files' sizes and shapes are checked.
"""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.datasets import (
    RawDataset,
    RawSplit,
    Source,
)
from labelbench_core.datasets.official_files import fetching
from labelbench_core.errors import InputError

INFO: dict[str, Any] = {
    "summary": "Kuzushiji-49, cursive Japanese characters, official NumPy files",
    "license": "CC BY-SA 4.0",
    "paper": "https://arxiv.org/abs/1812.01718",
    "num_classes": 49,
    "sizes": {"pool": 232_365, "test": 38_547},
}

FOLDER = "kuzushiji-49"
PREFIX = {"pool": "k49-train", "test": "k49-test"}
SIZES: dict[str, int] = INFO["sizes"]
CLASS_NAMES = tuple(
    "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわゐゑをんゝ"
)
"""Names of the labels 0 to 48: hiragana in their usual order, and the iteration mark."""


def check(data_dir: Path) -> dict[str, int]:
    """Sizes of the splits; `InputError` if a file is missing or empty."""
    folder = data_dir / FOLDER
    fetching.check_sizes(folder, dict.fromkeys(_names(), 1), _mend(folder))
    return dict(SIZES)


def source_files(data_dir: Path) -> Source | None:
    """The source's files that are there; None if their folder is missing."""
    folder = data_dir / FOLDER
    if not folder.is_dir():
        return None
    return Source(folder, sorted(name for name in _names() if (folder / name).is_file()))


def pool_labels(data_dir: Path) -> tuple[np.ndarray, list[str]] | None:
    """(N,) labels of the pool and the classes' names; None where the file is missing."""
    path = data_dir / FOLDER / f"{PREFIX['pool']}-labels.npz"
    return (_array(path).astype(np.int64), list(CLASS_NAMES)) if path.is_file() else None


def load(data_dir: Path) -> RawDataset:
    """Both splits in official order, the grey value in all three channels.

    Parameters
    ----------
    data_dir
        Holds the folder `kuzushiji-49`.
    """
    check(data_dir)
    splits = {}
    for split, prefix in PREFIX.items():
        path = data_dir / FOLDER / f"{prefix}-imgs.npz"
        images = _array(path)
        labels = _array(path.with_name(f"{prefix}-labels.npz")).astype(np.int64)
        expected = (SIZES[split], 28, 28)
        if images.shape != expected or images.dtype != np.uint8 or len(labels) != len(images):
            raise InputError(
                f"{path}: {images.dtype} {images.shape} with {len(labels)} labels, expected uint8 "
                f"{expected}; {_mend(path.parent)}"
            )
        splits[split] = RawSplit(labels, np.repeat(images[..., None], 3, axis=-1))
    return RawDataset(class_names=list(CLASS_NAMES), splits=splits)


def _names() -> list[str]:
    return [f"{prefix}-{kind}.npz" for prefix in PREFIX.values() for kind in ("imgs", "labels")]


def _array(path: Path) -> np.ndarray:
    """The array of an official file; `InputError` if it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as content:
            return content["arr_0"]
    except (OSError, ValueError, KeyError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: not a whole NumPy file ({error}); {_mend(path.parent)}"
        ) from error


def _mend(folder: Path) -> str:
    """What the user can do about missing or damaged files."""
    return (
        f"put {', '.join(_names())} of https://github.com/rois-codh/kmnist (Kuzushiji-49, NumPy "
        f"format) into {folder}"
    )
