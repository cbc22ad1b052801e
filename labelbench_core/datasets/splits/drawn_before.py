"""Drawn splits are remembered: a row that is in one of them never moves when rows are added.

What was drawn lies in `drawn-splits.json` beside a prepared data set's manifest, by the content of
each row and by the name of each group: a renamed image is the same one, and rows of one content
are drawn together. If it is deleted, or the options of the draw change, all splits are drawn again.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.datasets import DRAWN_FILE, RawDataset, RawSplit
from labelbench_core.datasets.duplicates.leaks import content_keys
from labelbench_core.datasets.duplicates.perceptual_hashes import within
from labelbench_core.datasets.splits.dividing import joined, of_one_content, parts_of, row_names
from labelbench_core.datasets.splits.drawing import Draw, drawn_splits
from labelbench_core.errors import InputError, damaged
from labelbench_core.storage.places import printable
from labelbench_core.storage.records import read_record, write_record

KIND = "drawn splits"


@dataclass(frozen=True)
class Drawn:
    """A draw that was made.

    Attributes
    ----------
    raw
        The data set with its splits.
    described
        What was asked for and what was reached, for the manifest.
    files, groups
        Split → SHA-256 of files, or of other rows; split → names of groups, both sorted.
    """

    raw: RawDataset
    described: dict[str, Any]
    files: Mapping[str, Sequence[str]]
    groups: Mapping[str, Sequence[str]]

    def write(self, folder: Path) -> dict[str, Any]:
        """Write the draw to `folder`; return `described`, with the size of the file.

        By the size, a plan sees that the file is lost or cut.
        """
        content = {"draw": self.described["draw"], "files": self.files, "groups": self.groups}
        write_record(folder / DRAWN_FILE, KIND, content)
        return {**self.described, "bytes": (folder / DRAWN_FILE).stat().st_size}


def drawn(raw: RawDataset, folder: Path | None) -> Drawn | None:
    """The splits of a data set whose files were read; None where none are drawn.

    Parameters
    ----------
    raw
        Divided by the names of its rows (`dividing`), with the hash of each file.
    folder
        Where an earlier draw may be remembered; None: nowhere.

    Raises
    ------
    InputError
        If that record is damaged, or a split lacks a class.
    """
    draw = raw.draw
    if draw is None:
        return None
    whole = _whole(raw, draw)
    files, digests = row_names(whole), content_keys(whole)
    names, units = draw.names, [draw.unit_of[name] for name in files]
    is_group = [unit != name for unit, name in zip(units, files, strict=True)]
    known_files, known_groups = _remembered(folder, draw)
    known = np.array([known_files.get(digest, -1) for digest in digests], np.int64)
    for row, (unit, group) in enumerate(zip(units, is_group, strict=True)):
        if group and known[row] < 0:
            known[row] = known_groups.get(unit, -1)
    alike = of_one_content(digests)
    if draw.near_bits is not None:
        alike = itertools.chain(alike, within(whole.near_hashes or [], draw.near_bits))
    units = joined(units, alike)
    try:
        place = drawn_splits(draw, whole.labels, units, raw.class_names, known)
    except InputError as error:
        memory = f"{folder}/{DRAWN_FILE}"
        anew = f"; or delete {memory} to have all splits drawn again" if known_files else ""
        raise InputError(f"{error}{anew}") from error
    files_of: list[set[str]] = [set() for _ in names]
    groups_of: list[set[str]] = [set() for _ in names]
    for digest, split in known_files.items():
        files_of[split].add(digest)
    for group, split in known_groups.items():
        groups_of[split].add(group)
    for name, digest, group, split in zip(files, digests, is_group, place.tolist(), strict=True):
        files_of[split].add(digest)
        if group and draw.unit_of[name] not in known_groups:
            groups_of[split].add(draw.unit_of[name])
    counts = np.bincount(place, minlength=len(names)).tolist()
    described = {
        "draw": draw.described(),
        "reached": {one: count / len(place) for one, count in zip(names, counts, strict=True)},
        "known": int((known >= 0).sum()),
        "new": int((known < 0).sum()),
    }
    note = ". ".join(filter(None, (raw.splits_note, _note(draw, described))))
    splits = raw.splits | parts_of(whole, place, names)
    return Drawn(
        replace(raw, splits=splits, splits_note=note),
        described,
        {name: sorted(found) for name, found in zip(names, files_of, strict=True)},
        {name: sorted(found) for name, found in zip(names, groups_of, strict=True)},
    )


def _whole(raw: RawDataset, draw: Draw) -> RawSplit:
    """The rows of all splits that are drawn, in the source's order."""
    parts = [raw.splits[name] for name in draw.names if name in raw.splits]

    def together(field: str) -> list[str] | None:
        values = [getattr(part, field) for part in parts]
        return None if values[0] is None else [one for value in values for one in value]

    def joined_arrays(field: str) -> np.ndarray | None:
        arrays = [getattr(part, field) for part in parts if getattr(part, field) is not None]
        return np.concatenate(arrays) if arrays else None

    whole = RawSplit(
        np.concatenate([part.labels for part in parts]),
        images=joined_arrays("images"),
        texts=together("texts"),
        embeddings=joined_arrays("embeddings"),
        files=together("files"),
        file_sha256=together("file_sha256"),
        near_hashes=together("near_hashes"),
        groups=joined_arrays("groups"),
        weights=joined_arrays("weights"),
        # Of files, a variant may have numbered the pool alone.
        source_rows=None if parts[0].files is not None else joined_arrays("source_rows"),
    )
    row_of = {name: row for row, name in enumerate(row_names(whole))}
    rows = [row_of[name] for name in draw.unit_of if name in row_of]
    return whole.take(np.array(rows, np.int64))


def read_drawn(folder: Path) -> dict[str, Any] | None:
    """What was recorded of a draw in `folder`; None if nothing was.

    Raises
    ------
    InputError
        If the record is damaged.
    """
    path = folder / DRAWN_FILE
    if not path.exists():
        return None
    try:
        return read_record(path, KIND)
    except InputError as error:
        then = "draw all splits anew, or restore it"
        raise damaged(printable(path), "damaged", then=then) from error


def _remembered(folder: Path | None, draw: Draw) -> tuple[dict[str, int], dict[str, int]]:
    """SHA-256 of a file → place of its split, name of a group → place; empty for another draw."""
    record = None if folder is None else read_drawn(folder)
    if record is None or record["draw"] != draw.described():
        return {}, {}
    place = {split: number for number, split in enumerate(draw.names)}
    by_kind = [
        {one: place[split] for split, found in record[key].items() for one in found}
        for key in ("files", "groups")
    ]
    return by_kind[0], by_kind[1]


def _note(draw: Draw, described: Mapping[str, Any]) -> str:
    """What was drawn and reached, in one sentence without its full stop."""
    asked = [f"{share:.3g} of every class for {name}" for name, share in draw.shares.items()]
    asked += [f"{size:,} {draw.row}s for {name}" for name, size in draw.sizes.items()]
    together = [f"together by {draw.by}"] if draw.by else []
    if draw.near_bits is not None:
        together.append("near-duplicates together")
    reached = ", ".join(f"{name} {share:.1%}" for name, share in described["reached"].items())
    told = f"Drawn by seed {draw.seed}: {' and '.join(asked)}"
    told += f", {', '.join(together)}" if together else ""
    if described["known"]:
        told += f"; {described['known']:,} {draw.row}s stay where they were, "
        told += f"{described['new']:,} are new"
    return f"{told}; reached: {reached}"
