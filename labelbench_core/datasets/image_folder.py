"""Your own images: `folder/{split}/{class}/*.jpg`, also .jpeg, .png and .webp.

Splits are called `pool` or `train`, `test`, optionally `val`; every other folder is a test split
under distribution shift. Images are listed, never copied, and decoded when they are embedded.
"""

import hashlib
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from labelbench_core.datasets import RawDataset, RawSplit
from labelbench_core.errors import InputError
from labelbench_core.options import Pixels

INFO = {
    "summary": "your own images in folders, one folder a class",
    "license": "your own",
    "paper": "",
}

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
SPLIT_NAME = re.compile(r"[a-z0-9-]+")


def check(
    data_dir: Path,
    *,
    folder: str = "",
    image_size: int = 256,
    allow_missing_classes: bool = False,
) -> dict[str, int]:
    """Sizes of the splits, by listing folders; `InputError` if a split or a class is missing."""
    listed = _list_files(_root(data_dir, folder), allow_missing_classes)
    return {split: sum(map(len, classes.values())) for split, classes in listed.items()}


def load(
    data_dir: Path,
    *,
    folder: str = "",
    image_size: Pixels = 256,
    allow_missing_classes: bool = False,
) -> RawDataset:
    """The index of all images, sorted by split, class and file name, with a hash of each file.

    Parameters
    ----------
    data_dir
        `folder` is relative to it.
    folder
        Holds one folder a split.
    image_size
        Images are cut to their central square and resized to this many pixels.
    allow_missing_classes
        Accept that val and test lack classes (the pool never may).
    """
    root = _root(data_dir, folder)
    listed = _list_files(root, allow_missing_classes)
    class_names = sorted(listed["pool"])
    splits, contents = {}, {}
    for split, classes in listed.items():
        paths = [path for name in class_names for path in classes.get(name, [])]
        counts = [len(classes.get(name, [])) for name in class_names]
        labels = np.repeat(np.arange(len(class_names), dtype=np.int64), counts)
        relative = [os.path.relpath(path, root) for path in paths]
        with ThreadPoolExecutor(max_workers=min(16, 2 * (os.cpu_count() or 1))) as pool:
            contents[split] = list(pool.map(_hash_image, paths))
        splits[split] = RawSplit(labels, files=relative, file_sha256=contents[split])
    return RawDataset(class_names=class_names, splits=splits, root=folder, image_size=image_size)


def _root(data_dir: Path, folder: str) -> Path:
    """The data set's folder; `InputError` if it is not there."""
    root = Path(data_dir, folder)
    if not folder or not root.is_dir():
        raise InputError(
            f"image folder: folder: {folder!r}: {root} is no folder; give one that holds "
            "pool/CLASS/*.jpg and test/CLASS/*.jpg (LABELBENCH_DATA says what it is relative to)"
        )
    return root


def _list_files(root: Path, allow_missing_classes: bool) -> dict[str, dict[str, list[str]]]:
    """Split → class → sorted paths; `InputError` naming what is missing."""
    listed: dict[str, dict[str, list[str]]] = {}
    for name in _folders(root):
        split = "pool" if name == "train" else name
        if split in listed:
            raise InputError(f"{root}: has both pool/ and train/; they mean the same: keep one")
        if not SPLIT_NAME.fullmatch(split):
            raise InputError(f"{root / name}: a split's name may have only a-z, 0-9 and -")
        listed[split] = {label: _images(root / name / label) for label in _folders(root / name)}
    for split in ("pool", "test"):
        if split not in listed:
            raise InputError(f"{root}: no folder {split}/{' or train/' if split == 'pool' else ''}")
    everything = sorted({label for classes in listed.values() for label in classes})
    for split, classes in listed.items():
        required = split == "pool" or (split in ("val", "test") and not allow_missing_classes)
        missing = [label for label in everything if not classes.get(label)]
        if missing and required:
            advice = "" if split == "pool" else "; `allow_missing_classes: true` accepts that"
            raise InputError(
                f"{root}: split {split} has no image of class {missing[0]} "
                f"({len(missing)} classes missing){advice}"
            )
    return {split: listed[split] for split in sorted(listed)}


def _folders(path: Path) -> list[str]:
    """Names of the folders in `path`, sorted, hidden ones left out."""
    with os.scandir(path) as entries:
        return sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))


def _images(path: Path) -> list[str]:
    """Paths of the images in `path`, sorted by name."""
    with os.scandir(path) as entries:
        return sorted(
            e.path
            for e in entries
            if e.name.lower().endswith(SUFFIXES) and not e.name.startswith(".")
        )


def _hash_image(path: str) -> str:
    """SHA-256 of an image file; `InputError` if it is empty or no image at all."""
    from PIL import Image, UnidentifiedImageError

    try:
        with open(path, "rb") as handle:
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
            handle.seek(0)
            with Image.open(handle):
                return digest
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: not a readable image ({error}); replace or remove it") from error
