"""Splits drawn before a data set is prepared, where the contents of its files are known here.

Files of one content are drawn together, near-duplicates where that is asked for, and images that
are in a split stay there: only contents tell the sizes. A look at the data set (`--check`), and a
preparation that was interrupted, leave the hashes of all files on this machine.
"""

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labelbench_core import registry
from labelbench_core.datasets import RawDataset, RawSplit
from labelbench_core.datasets.source_files.digests import Digests, Status
from labelbench_core.datasets.source_files.looks import digests_record
from labelbench_core.datasets.splits.drawn_before import drawn
from labelbench_core.errors import InputError

DRAW_OPTIONS = "labelbench_core.datasets.splits.draw_options:options"
MOST_FILES = 10_000
"""A source of more files is counted by names: asking for the status of each takes too long."""


@dataclass(frozen=True)
class Remembered:
    """Where what is known of a data set is kept.

    Attributes
    ----------
    dataset
        Its id.
    state
        Folder of what this machine knows of files.
    folder
        Folder of the prepared data set, in which an earlier draw may be.
    """

    dataset: str
    state: Path
    folder: Path


def drawn_ahead(
    entry: Mapping[str, Any], data_dir: Path, sizes: Mapping[str, int], remembered: Remembered
) -> RawDataset | None:
    """The data set as its preparation will draw it, but for its variant; no image is read.

    None where no split is drawn, or where the content of a file is not known. Rows of tables and
    arrays are there as soon as the source is read.

    Parameters
    ----------
    entry
        Entry of the catalogue.
    sizes
        Sizes of the splits, as far as the names of the files tell.

    Raises
    ------
    InputError
        As in its preparation: if a split lacks a class, or what was drawn before is damaged.
    """
    if sum(sizes.values()) > MOST_FILES:
        return None
    source, options = entry["implementation"], registry.options_of(entry)
    if not _may_draw(source):
        return None
    raw = registry.build("datasets", {"implementation": source, "options": options}, data_dir)
    if raw.draw is None:
        return None
    if any(split.files is None for split in raw.splits.values()):
        found = drawn(raw, remembered.folder)
        return None if found is None else found.raw
    root = data_dir / (raw.root or "")
    record = digests_record(remembered.state, root)
    if not record.is_file():
        return None
    digests = Digests(root, record)
    splits: dict[str, RawSplit] = {}
    for name, split in raw.splits.items():
        found = _known_digests(digests, split.files or [])
        if found is None:
            return None
        splits[name] = replace(split, file_sha256=found)
    if raw.draw.near_bits is not None or raw.skip_corrupt:
        known = _with_contents(replace(raw, splits=splits), remembered)
        if known is None:
            return None
        splits = known
    found = drawn(replace(raw, splits=splits), remembered.folder)
    return None if found is None else found.raw


def _may_draw(source: str) -> bool:
    """Whether a source can have splits drawn; reading one that cannot would cost every plan."""
    component = registry.describe("datasets", source)
    is_ours = component.module.startswith("labelbench_core.datasets.")
    return not is_ours or component.info.get("options_of") == DRAW_OPTIONS


def _known_digests(digests: Digests, names: list[str]) -> list[str] | None:
    """The SHA-256 of each file; None if one is not known."""
    found = [
        digests.known(name, status) if isinstance(status, Status) else None
        for name, status in zip(names, digests.statuses(names), strict=True)
    ]
    known = [one for one in found if one is not None]
    return known if len(known) == len(found) else None


def _with_contents(raw: RawDataset, remembered: Remembered) -> dict[str, RawSplit] | None:
    """Splits with the perceptual hashes of their images, as far as the draw needs these.

    None if an image was not decoded yet, or with other packages than there are here.
    """
    is_near = raw.draw is not None and raw.draw.near_bits is not None
    try:
        from labelbench_core.datasets.source_files import checking

        record = checking.contents_record(remembered.state, remembered.dataset, raw.image_size or 0)
        contents = checking.Contents(record, checking.near_key(raw.ground) if is_near else "")
    except (ImportError, importlib.metadata.PackageNotFoundError, InputError):
        return None
    splits: dict[str, RawSplit] = {}
    for name, split in raw.splits.items():
        hashes: list[str] = []
        for sha256 in split.file_sha256 or ():
            found = contents.get(sha256, near=is_near)
            if found is None:
                return None
            hashes.append(found[1] or "")
        splits[name] = replace(split, near_hashes=hashes if is_near else None)
    return splits
