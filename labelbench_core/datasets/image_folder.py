"""Your own images: `folder/{split}/{class}/*.jpg`, or any other format that Pillow reads.

Splits are called `pool` or `train`, `test`, optionally `val`; every other folder is a test split
under distribution shift. Images are listed, never copied, and decoded when they are embedded.
Everything else (other files, sub-folders of classes, hidden files) is counted and named. A folder
without splits, `folder/{class}/*.jpg`, is divided by the option `test_share`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from labelbench_core.datasets import RawDataset, RawSplit, Source
from labelbench_core.datasets._listing import Listing, list_images
from labelbench_core.datasets.names import printable
from labelbench_core.errors import InputError
from labelbench_core.registry.options import Pixels, ShareBelow1

INFO = {
    "summary": "your own images in folders, one folder per class",
    "license": "your own",
    "paper": "",
    "required": ["folder"],
    "in_files": True,
}


def check(
    data_dir: Path,
    *,
    folder: str = "",
    image_size: int = 256,
    allow_missing_classes: bool = False,
    corrupt: Literal["error", "skip"] = "error",
    ground: Literal["white", "black"] = "white",
    test_share: float = 0.0,
    leave_out: Sequence[str] | None = None,
) -> dict[str, int]:
    """Sizes of the splits, by listing folders; `InputError` if a split or a class is missing."""
    root = _root(data_dir, folder)
    listing = list_images(
        root,
        allow_missing_classes=allow_missing_classes,
        test_share=test_share,
        leave_out=leave_out or (),
    )
    if listing.broken_links and corrupt == "error":
        links = listing.broken_links
        raise InputError(
            f"{printable(root / links[0])}: a broken link ({len(links)} in all); fix or remove it, "
            "or leave such images out with the option `corrupt: skip`"
        )
    return {split: sum(map(len, classes.values())) for split, classes in listing.splits.items()}


def load(
    data_dir: Path,
    *,
    folder: str = "",
    image_size: Pixels = 256,
    allow_missing_classes: bool = False,
    corrupt: Literal["error", "skip"] = "error",
    ground: Literal["white", "black"] = "white",
    test_share: ShareBelow1 = 0.0,
    leave_out: Sequence[str] | None = None,
) -> RawDataset:
    """The index of all images, sorted by split, class and file name; none is opened.

    Parameters
    ----------
    data_dir
        `folder` is relative to it.
    folder
        Folder with one sub-folder per split, relative to the data directory. Default: ours.
    image_size
        Side, in pixels, of the squares that images are turned into, in the way of the backbone's
        `resize_mode` (by default, the central square). Default: ours.
    allow_missing_classes
        Whether `val` and `test` may lack classes; the pool never may. Default: ours.
    corrupt
        What happens to files that cannot be read or decoded: "error" stops and names them; "skip"
        leaves them out, counted and named. Default: ours.
    ground
        Background colour of transparent parts of an image. Default: ours.
    test_share
        Above 0: `folder` has one sub-folder per class and no splits; this share of each class,
        drawn by the hashes of the images' paths, is the test split. Default: ours.
    leave_out
        Names of class folders that are not used; null: none. Default: ours.
    """
    listing = list_images(
        _root(data_dir, folder),
        allow_missing_classes=allow_missing_classes,
        test_share=test_share,
        leave_out=leave_out or (),
    )
    return RawDataset(
        class_names=listing.class_names,
        splits={split: _index(listing, split) for split in listing.splits},
        root=folder,
        image_size=image_size,
        ground=ground,
        skip_corrupt=corrupt == "skip",
        left_out=listing.left_out.described(),
    )


def source_files(
    data_dir: Path,
    *,
    folder: str = "",
    allow_missing_classes: bool = False,
    test_share: float = 0.0,
    leave_out: Sequence[str] | None = None,
    **_options: Any,
) -> Source | None:
    """All images; None if the folder is missing or empty (for example, not mounted)."""
    root = Path(data_dir, folder)
    if not folder or not root.is_dir() or not any(root.iterdir()):
        return None
    splits = list_images(
        root,
        allow_missing_classes=allow_missing_classes,
        test_share=test_share,
        leave_out=leave_out or (),
    ).splits
    paths = [path for classes in splits.values() for images in classes.values() for path in images]
    return Source(root, sorted(paths))


def pool_labels(
    data_dir: Path,
    *,
    folder: str = "",
    allow_missing_classes: bool = False,
    corrupt: Literal["error", "skip"] = "error",
    test_share: float = 0.0,
    leave_out: Sequence[str] | None = None,
    **_options: Any,
) -> tuple[np.ndarray, list[str]] | None:
    """(N,) labels of the pool and the classes' names, by listing (for `variants`).

    None where files may still be left out, when they are read.
    """
    if corrupt == "skip":
        return None
    listing = list_images(
        _root(data_dir, folder),
        allow_missing_classes=allow_missing_classes,
        test_share=test_share,
        leave_out=leave_out or (),
    )
    return _index(listing, "pool").labels, listing.class_names


def _index(listing: Listing, split: str) -> RawSplit:
    """Labels and paths of a split, class by class."""
    classes = [listing.splits[split].get(name, []) for name in listing.class_names]
    labels = np.repeat(np.arange(len(classes), dtype=np.int64), [len(paths) for paths in classes])
    return RawSplit(labels, files=[path for paths in classes for path in paths])


def _root(data_dir: Path, folder: str) -> Path:
    """The data set's folder; `InputError` if it is not there."""
    root = Path(data_dir, folder)
    wrong = f"{folder!r}: {printable(root)} is not a folder" if folder else "missing"
    if not folder or not root.is_dir():
        raise InputError(
            f"image folder: folder: {wrong}; allowed: a folder with pool/CLASS/*.jpg and "
            "test/CLASS/*.jpg, or CLASS/*.jpg with the option `test_share` (relative paths "
            "start at LABELBENCH_DATA)"
        )
    return root
