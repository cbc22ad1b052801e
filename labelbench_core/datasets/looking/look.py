"""A look at a data set before anything runs: what is there, what is not used, and what is wrong."""

import contextlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core import registry
from labelbench_core.datasets import (
    POOL,
    TEST,
    RawDataset,
    class_counts,
    split_order,
)
from labelbench_core.datasets.duplicates import perceptual_hashes
from labelbench_core.datasets.duplicates.leaks import find_leaks, find_near
from labelbench_core.datasets.files.left_out import CORRUPT
from labelbench_core.datasets.folders.listed_once import listed_once
from labelbench_core.datasets.folders.listing import INNER
from labelbench_core.datasets.looking.odd_classes import odd_classes
from labelbench_core.datasets.preparing.notes import leak_notes, left_out_notes, weight_range
from labelbench_core.datasets.preparing.raw_checks import (
    check_raw,
    check_rows,
    may_lack_classes,
    require_raw,
)
from labelbench_core.datasets.sheets.text_sheet import text_lengths
from labelbench_core.datasets.source_files.digests import Digests
from labelbench_core.datasets.source_files.looks import digests_record
from labelbench_core.datasets.source_files.reading import FileRecords, read_files
from labelbench_core.datasets.splits.drawn_before import drawn
from labelbench_core.datasets.splits.drawn_compared import compared
from labelbench_core.datasets.tables.beside_labels import described_beside
from labelbench_core.errors import InputError, listed, shown
from labelbench_core.storage.places import printable

MOST_CLASSES = 40
"""Most classes whose numbers are printed."""
MOST_SIZES = 5
MOST_OPENED = 20_000
"""Most files whose headers are opened; of more files, an evenly spread part."""
NEAR_BITS = 4
"""How many of the 64 bits of near-duplicates differ at most, where the entry does not say."""
MOST_BITS = 32
"""As in the catalogue's schema."""


@dataclass(frozen=True)
class Seen:
    """What a look found.

    Attributes
    ----------
    raw
        The data set, without what cannot be read.
    lines
        What was found, to print.
    broken
        Whether there is something that stops preparing it.
    corrupt
        Number of images that stop it because they cannot be read.
    """

    raw: RawDataset
    lines: list[str]
    broken: bool
    corrupt: int = 0


def look(
    name: str,
    entry: Mapping[str, Any],
    data_dir: Path,
    state: Path | None,
    *,
    prepared: Path | None = None,
    threads: int = 2,
) -> Seen:
    """Check a data set as preparing it would, and say all that was found.

    Parameters
    ----------
    name, entry
        Id and entry of the catalogue; variants of the pool are not made.
    data_dir
        Where sources look for files.
    state
        Folder that remembers what was read, which preparing uses, too. None: nothing is remembered.
    prepared
        Folder of the prepared data set, where drawn splits may be recorded: images in these stay
        there. None: no splits are recorded.

    Raises
    ------
    InputError
        If the source is not there, or not as it has to be.
    """
    source, options = entry["implementation"], registry.options_of(entry)
    component = registry.load("datasets", source)
    lines = [f"{name}: {source}"]
    problem, corrupt = "", 0
    listing = getattr(component, "source_files", None)
    with listed_once():
        asked = {"implementation": source, "options": options}
        raw = registry.build("datasets", asked, data_dir)
        # Rows that do not fit together, as a user's own source may give, cannot be examined.
        require_raw(asked, raw)
        check_rows(raw)
        try:
            registry.check("datasets", asked, data_dir)
        except InputError as error:
            problem = str(error)
        origin = None if listing is None else listing(data_dir, **options)
    near = entry.get("near_duplicates")
    if near is not None and (type(near) is not int or not 0 <= near <= MOST_BITS):
        told = f"near_duplicates: {shown(near)}"
        raise InputError(f"{told}; allowed: a whole number of bits from 0 to {MOST_BITS}")
    near = NEAR_BITS if near is None and perceptual_hashes.is_installed() else near
    if any(one.rows != "images" for one in raw.splits.values()):
        near = None
    digests = origin and Digests(origin.root, state and digests_record(state, origin.root))
    records = FileRecords(digests, state)

    def read(skip: bool) -> RawDataset:
        asked = replace(raw, skip_corrupt=skip)
        return read_files(asked, name, data_dir, records, threads=threads, near=near is not None)

    try:
        found = read(raw.skip_corrupt)
    except InputError as error:
        found = read(True)
        if not any(len(split.labels) for split in found.splits.values()):
            raise InputError(problem or str(error)) from error
        problem = str(error)
        corrupt = found.left_out.get(CORRUPT, {}).get("count", 0)
    recorded: list[str] = []
    try:
        recorded = compared(found, prepared) if prepared else []
        draw = drawn(found, prepared)
        found = found if draw is None else draw.raw
    except InputError as error:
        problem = problem or str(error)
    if not problem:
        try:
            check_raw(found, allow_missing_classes=may_lack_classes(component, options))
        except InputError as error:
            problem = str(error)
    known = registry.describe("datasets", source).options
    lines += _splits(found, _how_to_draw(found, known, options))
    lines += _told("recorded", recorded, "")
    lines += _classes(found) + _told("", list(_outer_classes(asked, raw, data_dir)), "")
    lines += _told("weights", list(_weights(found)), "")
    # What stops the preparation is told as wrong, not as left out.
    skipped = found.left_out.items()
    left_out = {reason: one for reason, one in skipped if raw.skip_corrupt or reason != CORRUPT}
    lines += _told("left out", [*left_out_notes({"left_out": left_out})], "nothing")
    lines += _told("images", list(_images(found, data_dir)), "")
    lines += _told("texts", list(text_lengths(found)), "")
    lines += _told("leaks", [*leak_notes({"leaks": find_leaks(found)})], "none")
    if near is not None:
        notes = [*leak_notes({"leaks": find_near(found, near)})]
        lines += _told("similar", notes, f"no near-duplicates across splits within {near} bits")
    elif all(one.rows == "images" for one in raw.splits.values()):
        lines += _told("similar", ["not searched for: needs `.venv/bin/pip install imagehash`"], "")
    lines += _told("wrong", problem.splitlines(), "nothing")
    return Seen(found, lines, bool(problem), corrupt)


def _told(what: str, notes: Sequence[str], otherwise: str) -> list[str]:
    """`what` in the first column, and the notes beneath each other."""
    notes = list(notes) or ([otherwise] if otherwise else [])
    return [f"  {what if not place else '':<9} {note}" for place, note in enumerate(notes)]


def _how_to_draw(raw: RawDataset, known: Collection[str], options: Mapping[str, Any]) -> str:
    """What to say of a data set without a test; "" if it has one, or none is wanted.

    `known` are the options that its source has.
    """
    if TEST in raw.splits or options.get("test_share") is not None:
        return ""
    told = "no test: results are those on the pool, in which labels are bought"
    if "test_share" in known and raw.splits[POOL].has_labels:
        told += "; the option `test_share: 0.2` draws a fifth of every class"
    return told


def _splits(raw: RawDataset, more: str) -> list[str]:
    total = sum(len(entry.labels) for entry in raw.splits.values())
    sizes = [
        f"{split} {len(raw.splits[split].labels):,} ({len(raw.splits[split].labels) / total:.1%})"
        for split in sorted(raw.splits, key=split_order)
    ]
    note = [f"{raw.splits_note}."] if raw.splits_note else []
    return _told("splits", [", ".join(sizes), *note, *filter(None, [more])], "")


def _classes(raw: RawDataset) -> list[str]:
    order = sorted((s for s in raw.splits if raw.splits[s].has_labels), key=split_order)
    counts = {
        split: class_counts(raw.splits[split].labels, len(raw.class_names)) for split in order
    }
    shown = [
        printable(name)
        + (": " if order else "")
        + ", ".join(f"{split} {counts[split][label]:,}" for split in order)
        for label, name in enumerate(raw.class_names[:MOST_CLASSES])
    ]
    more = len(raw.class_names) - len(shown)
    shown += [f"and {more:,} more"] if more else []
    shown += odd_classes(raw.class_names)
    labels = raw.splits[POOL].labels
    if labels.ndim > 1 and (labels.sum(axis=1) == 1).all():
        shown += [
            "every row of the pool has exactly one class: if no row can have several, give labels "
            "as one column of classes, as `argmax(axis=1)` of these"
        ]
    without = [f"{split} has no labels" for split in raw.splits if split not in order]
    return _told("classes", [f"{len(raw.class_names):,}", *without, *shown], "")


def _outer_classes(asked: Mapping[str, Any], raw: RawDataset, data_dir: Path) -> Iterator[str]:
    """The classes that folders above those of the images would be, where none was asked for."""
    options = asked["options"]
    if asked["implementation"] != "image-folder" or options.get("nested", "auto") != "auto":
        return
    if INNER not in raw.splits_note.lower():
        return
    # There may be one folder above all.
    with contextlib.suppress(InputError):
        outer = {**asked, "options": {**options, "nested": "outer"}}
        names = registry.build("datasets", outer, data_dir).class_names
        if names != raw.class_names:
            told = "with --options '{nested: outer}' there would be"
            told += f" {len(names):,} other classes"
            yield f"{told}: {listed([printable(one) for one in names])}"


def _weights(raw: RawDataset) -> Iterator[str]:
    """Range and sum of the weights of each split that has some."""
    for split in sorted(raw.splits, key=split_order):
        entry = raw.splits[split]
        if entry.weights is not None:
            yield weight_range(split, {"num_rows": len(entry.labels), **described_beside(entry)})


def _images(raw: RawDataset, data_dir: Path) -> Iterator[str]:
    """Sizes, formats and modes of images, and how many are turned by their EXIF data."""
    arrays = [one.images for one in raw.splits.values() if one.images is not None]
    if arrays:
        yield ", ".join(sorted({f"{one.shape[2]} x {one.shape[1]} pixels" for one in arrays}))
        return
    names = [name for entry in raw.splits.values() for name in entry.files or []]
    if not names:
        return
    from labelbench_core.datasets.images.image_headers import read_header

    step = -(-len(names) // MOST_OPENED)
    headers = [read_header(data_dir / (raw.root or "") / name) for name in names[::step]]
    of = f" (of {len(headers):,} examined)" if step > 1 else ""
    sides = np.array([(one.width, one.height) for one in headers])
    least, most = sides.min(axis=0).tolist(), sides.max(axis=0).tolist()
    sizes = Counter((one.width, one.height) for one in headers).most_common(MOST_SIZES)
    told = ", ".join(f"{width} x {height}: {count:,}" for (width, height), count in sizes)
    yield f"{least[0]} to {most[0]} wide, {least[1]} to {most[1]} high{of}; most often {told}"
    for what in ("format", "mode"):
        kinds = Counter(getattr(one, what) for one in headers).most_common()
        yield f"{what}s: " + ", ".join(f"{kind} {count:,}" for kind, count in kinds)
    if turned := sum(one.turned for one in headers):
        yield f"turned upright by their EXIF data: {turned:,}"
