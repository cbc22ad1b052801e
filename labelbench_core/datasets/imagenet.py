"""ImageNet-1k: 1,281,167 + 50,000 photographs in 1,000 classes (ILSVRC 2012).

Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge", IJCV 2015. Read from
`train/WNID/*.JPEG` and `val/WNID/*.JPEG`, or the flat `val/ILSVRC2012_val_*.JPEG` with labels
beside it, as the archives unpack or as Kaggle lays them out. Classes are sorted by WordNet id, as
torchvision and timm number them. Images stay in their files. Nothing is downloaded: users have to
accept its terms themselves.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from labelbench_core.compute.threads import ordered_map
from labelbench_core.datasets import (
    RawDataset,
    RawSplit,
    Source,
)
from labelbench_core.datasets.files.left_out import NO_IMAGE, LeftOut
from labelbench_core.datasets.official_files import ilsvrc
from labelbench_core.datasets.official_files.original import (
    original_sizes,
    torch_quarter,
    with_original_splits,
)
from labelbench_core.errors import InputError
from labelbench_core.registry.options import Pixels
from labelbench_core.storage.places import is_folder, printable

INFO: dict[str, Any] = {
    "summary": "ImageNet-1k (ILSVRC 2012), from its folders",
    "license": "for non-commercial research; its terms have to be accepted",
    "paper": "https://arxiv.org/abs/1409.0575",
    "in_files": True,
    "num_classes": 1000,
    "sizes": {"pool": 1_281_167, "test": 50_000},
    "sizes_by": {"splits": {"labelbench": {"val": 12_500, "test": 37_500}}},
}

SIZES: dict[str, int] = INFO["sizes"]
NUM_CLASSES: int = INFO["num_classes"]
KAGGLE = "ILSVRC/Data/CLS-LOC"
WNID = re.compile(r"n\d{8}")
THREADS = 16
"""Threads that list folders: on a network file system, each folder is a round trip."""


def check(
    data_dir: Path,
    *,
    folder: str = "imagenet",
    splits: Literal["official", "labelbench"] = "official",
    names: Literal["wordnet", "openai"] = "wordnet",
    image_size: int = 256,
    corrupt: Literal["error", "skip"] = "error",
) -> dict[str, int]:
    """Sizes of the splits; `InputError` unless folders, labels and names are there.

    Class folders are counted, images are not.
    """
    root, base = _places(data_dir, folder)
    wnids = _class_folders(root / base / "train")
    if _is_flat(root / base / "val"):
        ilsvrc.validation_labels(root, wnids)
    else:
        _require_equal(root / base / "val", _class_folders(root / base / "val"), wnids)
    if names == "wordnet":  # the others are in a package, which with conda only jobs have
        ilsvrc.wordnet_names(root, wnids)
    return original_sizes(SIZES, torch_quarter) if splits == "labelbench" else dict(SIZES)


def load(
    data_dir: Path,
    *,
    folder: str = "imagenet",
    splits: Literal["official", "labelbench"] = "official",
    names: Literal["wordnet", "openai"] = "wordnet",
    image_size: Pixels = 256,
    corrupt: Literal["error", "skip"] = "error",
) -> RawDataset:
    """The index of all images, sorted by split, class and file name; none is opened.

    Parameters
    ----------
    data_dir
        `folder` is relative to it.
    folder
        Folder with `train` and `val`, or with Kaggle's `ILSVRC`. Default: ours.
    splits
        "official": `train` is the pool and `val` the test split; "labelbench": a quarter of `val`
        is validation, the rest test, as in LabelBench (arXiv 2306.09910). Default: ours.
    names
        Class names, which zero-shot classifiers use: the first word of each class in WordNet
        ("wordnet"), or those of OpenAI's CLIP ("openai", from the package open_clip). Default:
        ours.
    image_size
        Side, in pixels, of the squares that images are turned into, in the way of the backbone's
        `resize_mode` (by default, the central square). Default: ours.
    corrupt
        What happens to files that cannot be read or decoded: "error" stops and names them; "skip"
        leaves them out, counted and named. Default: ours.
    """
    root, base = _places(data_dir, folder)
    wnids, official, left_out = _index(root, base)
    for split, entry in official.items():
        if len(entry.labels) != SIZES[split]:
            raise InputError(
                f"{printable(root)}: {len(entry.labels):,} images in "
                f"{'train' if split == 'pool' else 'val'}/, officially {SIZES[split]:,}; unpack "
                "the archive again, or use `image-folder` for a part of ImageNet"
            )
    raw = RawDataset(
        class_names=_class_names(root, wnids, names),
        splits=official,
        root=folder,
        image_size=image_size,
        skip_corrupt=corrupt == "skip",
        left_out=left_out.described(),
    )
    return with_original_splits(raw, torch_quarter) if splits == "labelbench" else raw


def source_files(data_dir: Path, *, folder: str = "imagenet", **_options: Any) -> Source | None:
    """All images, and the files that say labels and names; None if the folder is not there."""
    root = Path(data_dir, folder)
    if not folder or not is_folder(root) or not any(root.iterdir()):
        return None
    _, official, _ = _index(*_places(data_dir, folder))
    images = [name for entry in official.values() for name in entry.files or []]
    return Source(root, sorted([*images, *ilsvrc.side_files(root)]))


def pool_labels(
    data_dir: Path,
    *,
    folder: str = "imagenet",
    names: Literal["wordnet", "openai"] = "wordnet",
    corrupt: Literal["error", "skip"] = "error",
    **_options: Any,
) -> tuple[np.ndarray, list[str]] | None:
    """(N,) labels of the pool and the classes' names, by listing (for `variants`).

    None where files may still be left out, when they are read.
    """
    if corrupt == "skip":
        return None
    root, base = _places(data_dir, folder)
    train = _list_classes(root, f"{base}train", _class_folders(root / base / "train"), LeftOut())
    wnids = list(train)
    return _labels([len(images) for images in train.values()]), _class_names(root, wnids, names)


def _places(data_dir: Path, folder: str) -> tuple[Path, str]:
    """The data set's folder, and what stands before `train` and `val` in it: "" or Kaggle's."""
    root = Path(data_dir, folder)
    for base in ("", f"{KAGGLE}/"):
        if is_folder(root / base / "train") and is_folder(root / base / "val"):
            return root, base
    missing = "val" if is_folder(root / "train") else "train"
    raise InputError(
        f"{printable(root / missing)}: no such folder; download ImageNet yourself, after accepting "
        "its terms, from https://image-net.org/download-images (ILSVRC 2012: "
        "ILSVRC2012_img_train.tar, ILSVRC2012_img_val.tar, ILSVRC2012_devkit_t12.tar.gz) or "
        f"Kaggle's imagenet-object-localization-challenge, and unpack it so that {printable(root)} "
        "has train/WNID/*.JPEG and val/ (relative paths start at LABELBENCH_DATA)"
    )


def _class_folders(folder: Path) -> list[str]:
    """WordNet ids of the class folders, sorted; `InputError` unless there are all thousand."""
    with os.scandir(folder) as entries:
        found = sorted(one.name for one in entries if WNID.fullmatch(one.name) and one.is_dir())
    if len(found) != NUM_CLASSES:
        raise InputError(
            f"{printable(folder)}: {len(found)} class folders (such as n01440764), expected "
            f"{NUM_CLASSES}; unpack the archive there, and each class's archive in it into a folder"
        )
    return found


def _is_flat(folder: Path) -> bool:
    """Whether validation images lie in no class folders."""
    with os.scandir(folder) as entries:
        return any(ilsvrc.FLAT.fullmatch(one.name) for one in entries)


def _require_equal(folder: Path, found: Sequence[str], wnids: Sequence[str]) -> None:
    if different := sorted({*found} ^ {*wnids}):
        raise InputError(
            f"{printable(folder)}: its classes are not those of train/; {different[0]}, for one, "
            "is in one of them alone"
        )


def _class_names(root: Path, wnids: Sequence[str], names: str) -> list[str]:
    if names == "openai":
        return ilsvrc.openai_names(wnids)
    return ilsvrc.wordnet_names(root, wnids)


def _index(root: Path, base: str) -> tuple[list[str], dict[str, RawSplit], LeftOut]:
    """WordNet ids of the classes, pool and test by class and name, and what is left out."""
    left_out = LeftOut()
    wnids = _class_folders(root / base / "train")
    train = _list_classes(root, f"{base}train", wnids, left_out)
    if _is_flat(root / base / "val"):
        val = _list_flat(root, f"{base}val", wnids, left_out)
    else:
        _require_equal(root / base / "val", _class_folders(root / base / "val"), wnids)
        val = _list_classes(root, f"{base}val", wnids, left_out)
    splits = {}
    for split, classes in (("pool", train), ("test", val)):
        labels = _labels([len(images) for images in classes.values()])
        splits[split] = RawSplit(labels, files=[one for some in classes.values() for one in some])
    return wnids, splits, left_out


def _labels(counts: Sequence[int]) -> np.ndarray:
    return np.repeat(np.arange(len(counts), dtype=np.int64), counts)


def _list_classes(
    root: Path, folder: str, wnids: Sequence[str], left_out: LeftOut
) -> dict[str, list[str]]:
    """WordNet id → paths of its images, sorted; folders are listed in threads."""
    classes = {}
    paths = [f"{folder}/{wnid}" for wnid in wnids]
    listed = ordered_map(lambda path: _images(root, path), paths, THREADS)
    for wnid, (images, others) in zip(wnids, listed, strict=True):
        for other in others:
            left_out.add(NO_IMAGE, other)
        classes[wnid] = images
    return classes


def _list_flat(
    root: Path, folder: str, wnids: Sequence[str], left_out: LeftOut
) -> dict[str, list[str]]:
    """WordNet id → paths of its images, sorted, of images that lie in one folder."""
    labels = ilsvrc.validation_labels(root, wnids)
    images, others = _images(root, folder)
    for other in others:
        left_out.add(NO_IMAGE, other)
    classes: dict[str, list[str]] = {wnid: [] for wnid in wnids}
    for path in images:
        wnid = labels.get(path.rpartition("/")[2])
        if wnid not in classes:
            raise InputError(
                f"{printable(root / path)}: nothing says which class of train/ it belongs to"
            )
        classes[wnid].append(path)
    return classes


def _images(root: Path, folder: str) -> tuple[list[str], list[str]]:
    """Paths of the images in a folder, and of all else, sorted."""
    try:
        with os.scandir(root / folder) as entries:
            found = sorted(one.name for one in entries)
    except OSError as error:
        raise InputError(
            f"{printable(root / folder)}: cannot be listed ({error.strerror})"
        ) from error
    images = [f"{folder}/{name}" for name in found if name.lower().endswith(".jpeg")]
    others = [f"{folder}/{name}" for name in found if not name.lower().endswith(".jpeg")]
    return images, others
