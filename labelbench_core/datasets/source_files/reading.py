"""A data set's files read and checked: their hashes, and which of them are left out."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from labelbench_core.datasets import RawDataset
from labelbench_core.datasets.duplicates.perceptual_hashes import perceptual_hash
from labelbench_core.datasets.files.left_out import CORRUPT, LeftOut
from labelbench_core.datasets.source_files.digests import Digests

FRAMES = "but for their first frame or page"


@dataclass(frozen=True)
class FileRecords:
    """Where this machine remembers what it knows about a data set's files.

    Attributes
    ----------
    digests
        Hashes of the files under the data set's root.
    folder
        Where decoded contents are remembered; None: nowhere.
    """

    digests: Digests | None = None
    folder: Path | None = None


def read_files(
    raw: RawDataset,
    dataset: str,
    data_dir: Path,
    records: FileRecords,
    *,
    threads: int = 1,
    near: bool = False,
) -> RawDataset:
    """Check all files of a data set; images in memory are left as they are.

    Parameters
    ----------
    raw
        As its source gave it.
    dataset
        Its id.
    data_dir
        The data set's root is relative to it.
    records
        What is known, and added to.
    threads
        Threads that read and decode.
    near
        Compute perceptual hashes, too.

    Returns
    -------
    RawDataset
        With the hash of each file; files that cannot be used are left out and counted where
        `skip_corrupt` allows that.

    Raises
    ------
    InputError
        Naming all files that cannot be used.
    """
    if all(entry.files is None for entry in raw.splits.values()):
        return _with_near_hashes(raw) if near else raw
    # Pillow is needed only here: data sets in memory do without it.
    from labelbench_core.datasets.source_files import checking

    root = data_dir / (raw.root or "")
    listed = [
        (split, row, name)
        for split, entry in raw.splits.items()
        for row, name in enumerate(entry.files or [])
    ]
    size = raw.image_size or 0
    record = None
    if records.folder is not None:
        record = checking.contents_record(records.folder, dataset, size)
        checking.forget_other_decoders(record, dataset)
    checked = checking.check_files(
        root,
        [name for _, _, name in listed],
        size,
        ground=raw.ground,
        threads=threads,
        digests=records.digests,
        contents=checking.Contents(record, checking.near_key(raw.ground) if near else ""),
        near=near,
    )
    broken = [
        (name, one.problem)
        for (_, _, name), one in zip(listed, checked, strict=True)
        if one.problem
    ]
    if broken and not raw.skip_corrupt:
        raise checking.broken_files(root, broken, len(listed), raw.where)
    left_out = LeftOut()
    splits = dict(raw.splits)
    found = iter(checked)
    for split, entry in raw.splits.items():
        if entry.files is None:
            continue
        results = [next(found) for _ in entry.files]
        for name, one in zip(entry.files, results, strict=True):
            if one.problem:
                left_out.add(CORRUPT, name, note=one.problem)
            elif one.several_frames:
                left_out.add(FRAMES, name)
        rows = np.array([row for row, one in enumerate(results) if not one.problem], np.int64)
        read = replace(
            entry,
            file_sha256=[one.sha256 for one in results],
            near_hashes=[one.near or "" for one in results] if near else None,
        )
        splits[split] = read if len(rows) == len(results) else read.take(rows)
    described = {**raw.left_out, **left_out.described()}
    return replace(raw, splits=splits, left_out=described)


def _with_near_hashes(raw: RawDataset) -> RawDataset:
    """A data set in memory with the perceptual hash of each image."""
    splits = {
        split: replace(entry, near_hashes=[perceptual_hash(image) for image in entry.images])
        for split, entry in raw.splits.items()
    }
    return replace(raw, splits=splits)
