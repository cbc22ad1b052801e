"""Data sets, one file per source; here, what they return and how a prepared one is read."""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labelbench_core.datasets.files.stored_listing import StoredListing, read_listing
from labelbench_core.datasets.images.framing import SHORTEST, Framing
from labelbench_core.datasets.rows.split_rows import Images, StoredRows
from labelbench_core.datasets.rows.split_rows import SplitRows as SplitRows
from labelbench_core.errors import InputError, damaged, shown
from labelbench_core.registry.info import IMAGES, ROWS
from labelbench_core.storage import store
from labelbench_core.storage.records import read_record

if TYPE_CHECKING:
    from labelbench_core.datasets.rows.text_rows import TextRows
    from labelbench_core.datasets.splits.drawing import Draw

POOL = "pool"
TEST = "test"
VAL = "val"
BOTH, EVALUATION, TRAINING = WEIGHTS_FOR = ("both", "evaluation", "training")
"""What weights of rows can be used for."""
OTHER_FILES = "source-files.json"
"""Listing of the source's files that are in no split, as when only a part of the pool is kept."""
DRAWN_FILE = "drawn-splits.json"
"""What is remembered of splits that were drawn, beside the manifest: see `drawn_before`."""


@dataclass(frozen=True)
class RawSplit:
    """One split as its source gives it: images in memory, files that stay where they are, or rows.

    Attributes
    ----------
    labels
        (N,) int64, from 0; where a row can belong to any number of classes, (N, C) uint8 of 0 and
        1. A pool without labels: all -1.
    images
        (N, H, W, 3) uint8, or None for files.
    files
        N paths relative to the data set's root, or None for arrays.
    embeddings
        (N, D) float16 or float32, where rows are embeddings, not images.
    texts
        N texts, none of them blank, where rows are texts, not images.
    file_sha256
        SHA-256 of the content of each file; None for arrays, and until `prepare` has read them.
    near_hashes
        Perceptual hash of each image, as hexadecimal digits, where `prepare` was asked for them.
    source_rows
        (N,) int64: which row of the source's split each row comes from; where splits were drawn,
        which row of the source's pool. None: not kept.
    groups
        (N,) int64 places in the data set's `group_names`, -1 for a row of no group; None where the
        split has no groups.
    weights
        (N,) float32 weight of each row, above 0 and finite; None: 1 each.
    """

    labels: np.ndarray
    images: np.ndarray | None = None
    files: list[str] | None = None
    file_sha256: list[str] | None = None
    near_hashes: list[str] | None = None
    source_rows: np.ndarray | None = None
    groups: np.ndarray | None = None
    embeddings: np.ndarray | None = None
    texts: list[str] | None = None
    weights: np.ndarray | None = None

    @property
    def has_labels(self) -> bool:
        """Whether its rows have labels."""
        return self.labels.ndim > 1 or not (self.labels == -1).all()

    @property
    def rows(self) -> str:
        """What its rows are: one of `registry.info.ROWS`."""
        if self.texts is not None:
            return "texts"
        return IMAGES if self.embeddings is None else "embeddings"

    @property
    def row(self) -> str:
        """What one of its rows is called."""
        return self.rows.removesuffix("s")

    def listed_files(self) -> list[tuple[str, str]]:
        """(path, SHA-256 of the content) of each file, once `prepare` has read them."""
        return list(zip(self.files or (), self.file_sha256 or (), strict=True))

    def take(self, rows: np.ndarray) -> "RawSplit":
        """The split with these rows alone, in that order."""
        return RawSplit(
            self.labels[rows],
            None if self.images is None else self.images[rows],
            None if self.files is None else [self.files[row] for row in rows],
            None if self.file_sha256 is None else [self.file_sha256[row] for row in rows],
            None if self.near_hashes is None else [self.near_hashes[row] for row in rows],
            None if self.source_rows is None else self.source_rows[rows],
            None if self.groups is None else self.groups[rows],
            None if self.embeddings is None else self.embeddings[rows],
            None if self.texts is None else [self.texts[row] for row in rows],
            None if self.weights is None else self.weights[rows],
        )


@dataclass(frozen=True)
class RawDataset:
    """A data set as its source gives it.

    Attributes
    ----------
    class_names
        Names of the classes 0, 1, …
    splits
        "pool", and perhaps "test" and "val"; every other name is a shifted split.
    root
        Folder, within the data directory, that the files are relative to; None for arrays.
    image_size
        Height and width to which files are decoded, in pixels; None for arrays.
    ground
        Background of transparent parts of image files: "white" or "black".
    skip_corrupt
        Leave out files that cannot be decoded; otherwise they are an error.
    left_out
        What of the source is left out, for the manifest: reason → ``{"count", "examples"}``.
    splits_note
        What the splits are, in words, where they are not the official ones: for manifest and
        report.
    near_copies
        Rows at the pool's end that are near-copies of others (`variants`).
    group_names
        Names of the groups 0, 1, …; empty where no split has groups.
    draw
        How splits were drawn that the source does not have itself; None: it has them.
    where
        A file → what names it, such as `all.csv: line 7`; None where folders do.
    """

    class_names: list[str]
    splits: dict[str, RawSplit]
    root: str | None = None
    image_size: int | None = None
    ground: str = "white"
    skip_corrupt: bool = False
    left_out: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    splits_note: str = ""
    near_copies: int = 0
    group_names: Sequence[str] = ()
    draw: "Draw | None" = None
    where: Callable[[str], str] | None = field(default=None, compare=False)


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


class PreparedDataset:
    """A data set as `prepare` wrote it, in a folder with `manifest.json` and `arrays/`.

    Attributes
    ----------
    manifest
        The content of `manifest.json`.
    num_classes, class_names, splits
        As there; "pool" comes first.
    rows
        What its rows are: one of `registry.info.ROWS`.
    weights_for
        What its rows' weights are for: one of `WEIGHTS_FOR`.
    """

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder, self.manifest = folder, manifest
        self.num_classes: int = manifest["num_classes"]
        self.class_names: list[str] = manifest["class_names"]
        self.splits = sorted(manifest["splits"], key=split_order)
        storage = manifest["splits"][self.splits[0]]["storage"]
        self.rows: str = storage if storage in ROWS else IMAGES
        self.weights_for: str = manifest.get("weights_for", BOTH)
        self._verified: set[str] = set()
        self._hidden: frozenset[str] = frozenset()

    def has_labels(self, split: str) -> bool:
        """Whether `split` has labels; a pool may have none."""
        self._require(split)
        return f"{split}-labels" in self.manifest["arrays"]

    def labels(self, split: str) -> np.ndarray:
        """(N,) int64 labels of `split`, or (N, C) uint8; `RuntimeError` where they are hidden."""
        if not self.has_labels(split):
            raise InputError(f"{self.folder}: {split} has no labels; allowed: an annotator's")
        if split in self._hidden:
            raise RuntimeError(f"labels of {split!r}: hidden; the annotator sells them")
        return self._array(f"{split}-labels").load()

    def without_labels(self, split: str) -> "PreparedDataset":
        """The same data set for those who may not see the labels of `split`."""
        blind = PreparedDataset(self.folder, self.manifest)
        blind._verified, blind._hidden = self._verified, self._hidden | {split}
        return blind

    def groups(self, split: str) -> np.ndarray | None:
        """(N,) int64 groups of `split`, -1 for a row of no group; None if it has no groups."""
        self._require(split)
        if "groups_sha256" not in self.manifest["splits"][split]:
            return None
        return self._array(f"{split}-groups").load()

    def evaluation_weights(self, split: str) -> np.ndarray | None:
        """As `weights`, where these are for metrics; None: each row counts as one there."""
        return self.weights(split) if self.weights_for in (BOTH, EVALUATION) else None

    def training_weights(self, split: str) -> np.ndarray | None:
        """As `weights`, where these are for training; None: each row counts as one there."""
        return self.weights(split) if self.weights_for in (BOTH, TRAINING) else None

    def weights(self, split: str) -> np.ndarray | None:
        """(N,) float32 weights of the rows of `split`; None where it has none."""
        self._require(split)
        if "weights" not in self.manifest["splits"][split]:
            return None
        return self._array(f"{split}-weights").load()

    def source_rows(self, split: str) -> np.ndarray | None:
        """(N,) int64 rows of the source's split that these are; None: they are all, in order.

        Where splits of rows that are not files were drawn: rows of the source's pool.
        """
        name = f"{split}-source-rows"
        return self._array(name).load() if name in self.manifest["arrays"] else None

    def images(self, split: str, *, threads: int = 4, framing: Framing = SHORTEST) -> Images:
        """The images of `split`.

        Files are decoded by `threads` threads, and made square by a backbone's `framing`. Arrays
        are returned as they are, square or not: the backbone frames them.
        """
        self._require(split, IMAGES)
        entry = self.manifest["splits"][split]
        if entry["storage"] == "array":
            return StoredRows(self._array(f"{split}-images"))
        from labelbench_core.datasets.images.decoding import FileImages

        listed = self.listing(split)
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

    def embeddings(self, split: str) -> StoredRows:
        """The embeddings of `split`, where rows are embeddings."""
        self._require(split, "embeddings")
        return StoredRows(self._array(f"{split}-embeddings"))

    def texts(self, split: str) -> "TextRows":
        """The texts of `split`, where rows are texts."""
        from labelbench_core.datasets.rows.text_rows import TextRows

        self._require(split, "texts")
        return TextRows(self._array(f"{split}-texts"), self._array(f"{split}-text-ends"))

    def verify(self) -> None:
        """Hash all arrays; `InputError` names the first file that is not as the manifest says."""
        for name, entry in self.manifest["arrays"].items():
            store.check_array(self.folder / "arrays" / name, entry)
            self._verified.add(name)
        for split, entry in self.manifest["splits"].items():
            if entry["storage"] == "files":
                self.listing(split)

    def verify_splits(self, splits: Iterable[str]) -> None:
        """Verify what will be read of these splits, labels and images included, before long work.

        As when they are read, blocks that did not change since the last check are not hashed again.
        """
        for split in splits:
            if self.has_labels(split):
                self._array(f"{split}-labels")
            for name, key in (("groups", "groups_sha256"), ("weights", "weights")):
                if key in self.manifest["splits"][split]:
                    self._array(f"{split}-{name}")
            storage = self.manifest["splits"][split]["storage"]
            if storage == "files":
                self.listing(split)
            else:
                self._array(f"{split}-{IMAGES if storage == 'array' else storage}")
            if storage == "texts":
                self._array(f"{split}-text-ends")

    def _array(self, name: str) -> store.RowBlocks:
        """An array, compared with the manifest when it is first opened; see `store.verify`."""
        path = self.folder / "arrays" / name
        if name in self._verified:
            return store.open_rows(path)
        described = self.manifest["arrays"].get(name)
        if described is None:
            raise damaged(self.folder / "manifest.json", f"arrays.{name} is missing")
        rows = store.verify(path, described, self.folder / ".checked.json")
        self._verified.add(name)
        return rows

    def listing(self, split: str) -> StoredListing:
        """Path and SHA-256 of each file of `split`, compared with the manifest."""
        path = self.folder / "arrays" / f"{split}-files.json"
        return read_listing(path, self.manifest.get("listings", {}).get(split))

    def _require(self, split: str, rows: str | None = None) -> None:
        """`InputError` unless there is such a split, of rows of that kind."""
        if rows is not None and rows != self.rows:
            raise InputError(f"{self.folder}: rows are {self.rows}; allowed here: {rows}")
        if split not in self.manifest["splits"]:
            told = f"{self.folder}: split: {shown(split)}"
            raise InputError(f"{told}; allowed: {', '.join(self.splits)}")


def data_directory() -> Path:
    """The folder of the sources' files: the environment variable LABELBENCH_DATA, else `data`."""
    return Path(os.environ.get("LABELBENCH_DATA", "data"))


def open_dataset(folder: str | Path, dataset: str | None = None) -> PreparedDataset:
    """Open the prepared data set in `folder`; its arrays are verified when they are read.

    Parameters
    ----------
    dataset
        The id that it must have; None: any.

    Raises
    ------
    InputError
        If the manifest is missing, damaged or of another data set.
    """
    folder = Path(folder)
    expected = {} if dataset is None else {"dataset": dataset}
    return PreparedDataset(folder, read_record(folder / "manifest.json", "data set", expected))


def class_counts(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """(C,) int64: how many rows belong to each class, of (N,) classes or (N, C) of 0 and 1."""
    if labels.ndim > 1:
        return labels.sum(axis=0, dtype=np.int64)
    return np.bincount(labels, minlength=num_classes)


def listing_sha256(listed: Sequence[tuple[str, str]]) -> str | None:
    """SHA-256 over the files of a split, each its path and the SHA-256 of its content.

    None if that is not what `listed` holds.
    """
    try:
        lines = [f"{digest} {path}" for path, digest in listed]
        # Names are bytes to the system, not always UTF-8.
        text = "\n".join(lines).encode("utf-8", "surrogateescape")
        return hashlib.sha256(text).hexdigest()
    except (TypeError, ValueError):
        return None


def split_order(split: str) -> tuple[int, str]:
    """pool, val, test, then the shifted splits by name."""
    known = [POOL, VAL, TEST]
    return (known.index(split) if split in known else len(known), split)
