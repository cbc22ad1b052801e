"""Data sets: one file per source; here what they return and how a prepared one is read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from labelbench_core import files, store
from labelbench_core.errors import InputError
from labelbench_core.framing import SHORTEST, Framing

POOL = "pool"
TEST = "test"
VAL = "val"
OTHER_FILES = "source-files.json"
"""Listing of the source's files that are in no split, as where a part of the pool is kept."""


@dataclass(frozen=True)
class RawSplit:
    """One split as its source gives it: images in memory, or files that stay where they are.

    Attributes
    ----------
    labels
        (N,) int64, from 0.
    images
        (N, H, W, 3) uint8, or None for files.
    files
        N paths relative to the data set's root, or None for arrays.
    file_sha256
        SHA-256 of the content of each file; None for arrays, and until `prepare` has read them.
    near_hashes
        Perceptual hash of each image, as hexadecimal digits, where `prepare` was asked for them.
    """

    labels: np.ndarray
    images: np.ndarray | None = None
    files: list[str] | None = None
    file_sha256: list[str] | None = None
    near_hashes: list[str] | None = None

    def take(self, rows: np.ndarray) -> RawSplit:
        """The rows alone, in that order."""
        return RawSplit(
            self.labels[rows],
            None if self.images is None else self.images[rows],
            None if self.files is None else [self.files[row] for row in rows],
            None if self.file_sha256 is None else [self.file_sha256[row] for row in rows],
            None if self.near_hashes is None else [self.near_hashes[row] for row in rows],
        )


@dataclass(frozen=True)
class RawDataset:
    """A data set as its source gives it.

    Attributes
    ----------
    class_names
        Of the labels 0, 1, …
    splits
        "pool" and "test", optionally "val"; every other name is a shifted split.
    root
        Folder, within the data directory, that the files are relative to; None for arrays.
    image_size
        Height and width to which files are decoded, in pixels; None for arrays.
    ground
        What shows where an image file is transparent: "white" or "black".
    skip_corrupt
        Leave out files that cannot be decoded; otherwise they are an error.
    left_out
        What of the source is not taken, for the manifest: reason → ``{"count", "examples"}``.
    """

    class_names: list[str]
    splits: dict[str, RawSplit]
    root: str | None = None
    image_size: int | None = None
    ground: str = "white"
    skip_corrupt: bool = False
    left_out: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """The files that a data set is made from; a component's `source_files` lists them.

    Attributes
    ----------
    root
        Folder that the files are relative to.
    files
        Names of the files, sorted.
    md5
        Name → allowed MD5 sums of official files, whose content is fixed. Empty where content is
        the user's: then the manifest says what it was.
    """

    root: Path
    files: list[str]
    md5: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Images(Protocol):
    """Random access to the images of one split."""

    def __len__(self) -> int: ...

    def batch(self, indices: np.ndarray) -> np.ndarray:
        """The images `indices` as uint8 (B, H, W, 3), in that order."""

    def contents(self, rows: range) -> str:
        """A hash over all that the images `rows`, and their order, depend on."""


class ArrayImages:
    """Images of a Zarr array."""

    def __init__(self, rows: store.RowBlocks) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def batch(self, indices: np.ndarray) -> np.ndarray:
        """The images `indices` as uint8 (B, H, W, 3), in that order."""
        return self._rows.take(indices)

    def contents(self, rows: range) -> str:
        """A hash over all that the images `rows`, and their order, depend on."""
        images = self._rows.take(np.arange(rows.start, rows.stop))
        return hashlib.sha256(images.data).hexdigest()


class PreparedDataset:
    """A data set as `prepare` wrote it, in a folder with `manifest.json` and `arrays/`.

    Attributes
    ----------
    manifest
        The content of `manifest.json`.
    num_classes, class_names, splits
        As there; "pool" comes first.
    """

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder, self.manifest = folder, manifest
        self.num_classes: int = manifest["num_classes"]
        self.class_names: list[str] = manifest["class_names"]
        self.splits = sorted(manifest["splits"], key=split_order)

    def labels(self, split: str) -> np.ndarray:
        """(N,) int64 labels of `split`."""
        self._require(split)
        return store.open_rows(self.folder / "arrays" / f"{split}-labels").load()

    def images(self, split: str, *, threads: int = 4, framing: Framing = SHORTEST) -> Images:
        """The images of `split`.

        Files are decoded by `threads` threads, and become squares by `framing`, a backbone's.
        Arrays come as they are, square or not: to frame them is left to the backbone.
        """
        self._require(split)
        entry = self.manifest["splits"][split]
        if entry["storage"] == "array":
            return ArrayImages(store.open_rows(self.folder / "arrays" / f"{split}-images"))
        from labelbench_core.datasets._decoding import FileImages

        listed = files.read_json(self.folder / "arrays" / f"{split}-files.json")
        root = data_directory() / self.manifest["root"]
        return FileImages(
            root,
            listed,
            entry["image_size"],
            ground=entry["ground"],
            framing=framing,
            prepared=self.folder,
            threads=threads,
        )

    def verify(self) -> None:
        """Hash all arrays; `InputError` names the first file that is not as the manifest says."""
        for name, entry in self.manifest["arrays"].items():
            store.check_blocks(self.folder / "arrays" / name, entry["blocks"])

    def _require(self, split: str) -> None:
        """`InputError` unless there is such a split."""
        if split not in self.manifest["splits"]:
            raise InputError(
                f"{self.folder}: no split {split!r}; there are: {', '.join(self.splits)}"
            )


def data_directory() -> Path:
    """Where sources look for files: the environment variable LABELBENCH_DATA, else `data`."""
    return Path(os.environ.get("LABELBENCH_DATA", "data"))


def open_dataset(folder: str | Path) -> PreparedDataset:
    """Open the prepared data set in `folder`; `InputError` if it is missing or damaged."""
    folder = Path(folder)
    manifest = files.read_json(folder / "manifest.json")
    missing = {"num_classes", "class_names", "splits", "arrays", "fingerprint"} - set(manifest)
    if missing:
        raise InputError(
            f"{folder / 'manifest.json'}: lacks {', '.join(sorted(missing))}; delete it to have it "
            "made again"
        )
    return PreparedDataset(folder, manifest)


def split_order(split: str) -> tuple[int, str]:
    """pool, val, test, then the shifted splits by name."""
    known = [POOL, VAL, TEST]
    return (known.index(split) if split in known else len(known), split)
