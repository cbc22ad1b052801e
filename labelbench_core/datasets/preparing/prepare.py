"""Source → prepared data set: arrays, manifest, checks. Equal content gives equal bytes."""

import importlib.metadata
import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np

from labelbench_core import registry
from labelbench_core.datasets import (
    BOTH,
    OTHER_FILES,
    POOL,
    VAL,
    RawDataset,
    RawSplit,
    Source,
    class_counts,
    listing_sha256,
)
from labelbench_core.datasets.duplicates import perceptual_hashes
from labelbench_core.datasets.duplicates.leaks import find_leaks, find_near, refuse_leaks
from labelbench_core.datasets.files.stored_listing import write_listing
from labelbench_core.datasets.folders.listed_once import listed_once
from labelbench_core.datasets.preparing.notes import leak_notes, left_out_notes
from labelbench_core.datasets.preparing.raw_checks import (
    check_raw,
    may_lack_classes,
    require_raw,
    since_corrupt,
)
from labelbench_core.datasets.rows.needed_rows import NeededRows, shortages
from labelbench_core.datasets.rows.row_kinds import image_key_errors
from labelbench_core.datasets.rows.text_rows import stored_texts
from labelbench_core.datasets.source_files.digests import Digests, contents_sha256
from labelbench_core.datasets.source_files.looks import SourceLook, digests_record, now, write_look
from labelbench_core.datasets.source_files.reading import FileRecords, read_files
from labelbench_core.datasets.splits.drawn_before import drawn
from labelbench_core.datasets.tables.beside_labels import (
    arrays_beside,
    described_beside,
)
from labelbench_core.datasets.variants.variant import Variant, with_source_rows
from labelbench_core.errors import InputError, raise_all
from labelbench_core.registry.info import IMAGES
from labelbench_core.storage import files, store
from labelbench_core.storage.places import printable
from labelbench_core.storage.records import write_record

log = logging.getLogger(__name__)


def prepare_dataset(
    dataset: str,
    source: str,
    options: Mapping[str, Any],
    data_dir: Path,
    arrays: Path,
    manifest_path: Path,
    pool_size: int | None = None,
    state: Path | None = None,
    *,
    duplicates: Literal["warn", "error"] = "warn",
    near_duplicates: int | None = None,
    merge_classes: int | None = None,
    long_tail: Mapping[str, float] | None = None,
    near_copies: Mapping[str, float] | None = None,
    weights_for: str = BOTH,
    needed: Sequence[NeededRows] = (),
    threads: int = 1,
) -> dict[str, Any]:
    """Load a data set from its source, check it and write it; its manifest.

    Parameters
    ----------
    dataset
        Its id, for messages and the manifest.
    source, options
        The component in `labelbench_core.datasets` and its options.
    data_dir
        Where sources look for files.
    arrays, manifest_path
        What is written; the manifest comes last.
    pool_size
        Keep a random part of the pool, of this size; every larger part contains every smaller one.
    state
        Folder where hashes of the source's files are remembered and the look at it is noted: state
        of this machine (`looks`). None: nowhere.
    duplicates
        What to do if images of identical content are in two splits or under two classes: name them
        in manifest, log and report, or stop.
    near_duplicates
        Also name images of different splits whose perceptual hashes differ in at most this many of
        their 64 bits. None: no such check.
    merge_classes, long_tail, near_copies
        What is changed about classes and pool: see `variants.Variant`. None: nothing.
    weights_for
        What weights of rows, if there are any, are for: one of `WEIGHTS_FOR`.
    needed
        What the experiment needs of the splits: with fewer rows, it stops.
    threads
        Threads that read and decode files.

    Raises
    ------
    InputError
        Naming the data set and the file, split or class at fault.
    """
    variant = Variant(merge_classes, long_tail, near_copies, pool_size)
    of_images = {"near_copies": near_copies, "near_duplicates": near_duplicates}
    try:
        component = registry.load("datasets", source)
        looked = now()
        # Listed before it is read: later files count as a change.
        with listed_once():
            origin = source_files(component, data_dir, options)
            asked = {"implementation": source, "options": options}
            raw = registry.build("datasets", asked, data_dir)
        require_raw(asked, raw)
        digests = origin and Digests(origin.root, state and digests_record(state, origin.root))
        for rows in {split.rows for split in raw.splits.values()}:
            raise_all(image_key_errors(of_images, rows))
        near = near_duplicates is not None or (raw.draw and raw.draw.near_bits) is not None
        near_version = perceptual_hashes.version() if near else {}
        if variant.changes_anything() and POOL in raw.splits:
            raw = replace(raw, splits={**raw.splits, POOL: with_source_rows(raw.splits[POOL])})
        # Unless contents decide which rows there are: what the variant leaves out is not decoded.
        at_once = not raw.skip_corrupt and raw.draw is None
        if at_once:
            raw = variant.made_of(raw, source)
        raw = read_files(
            raw,
            dataset,
            data_dir,
            FileRecords(digests, state),
            threads=threads,
            near=near,
        )
        contents = source_contents(origin, raw, digests)
        draw = drawn(raw, manifest_path.parent)
        raw = raw if draw is None else draw.raw
        check_raw(raw, allow_missing_classes=may_lack_classes(component, options))
        if not at_once:
            raw = _variant_of_whole(raw, source, variant)
        _check_needed(raw, needed)
        if duplicates == "error":
            refuse_leaks(raw)
        leaks = find_leaks(raw)
        if near_duplicates is not None:
            leaks += find_near(raw, near_duplicates)
    except InputError as error:
        raise InputError(f"data set {dataset}: {error}") from error
    except OSError as error:
        if error.filename is None:
            raise
        told = f"{printable(error.filename)}: cannot be read ({error.strerror})"
        raise InputError(f"data set {dataset}: {told}") from error
    aside = arrays.with_name(arrays.name + ".partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    written, listings = {}, {}
    for split, entry in raw.splits.items():
        if entry.has_labels:
            written[f"{split}-labels"] = store.write_array(aside / f"{split}-labels", entry.labels)
        stored = stored_rows(entry)
        for name, array in (arrays_beside(entry) | stored).items():
            written[f"{split}-{name}"] = store.write_array(aside / f"{split}-{name}", array)
        if not stored:
            listed = entry.listed_files()
            listings[split] = write_listing(aside / f"{split}-files.json", listed)
        if entry.source_rows is not None:
            name = f"{split}-source-rows"
            written[name] = store.write_array(aside / name, entry.source_rows)
    _write_other_files(aside / OTHER_FILES, raw, contents)
    splits = {split: describe_split(entry, raw) for split, entry in raw.splits.items()}
    if raw.near_copies:
        splits[POOL]["near_copies"] = raw.near_copies
    content = {"class_names": raw.class_names, "splits": splits}
    if raw.group_names:
        content["group_names"] = list(raw.group_names)
    if weights_for != BOTH and any(entry.weights is not None for entry in raw.splits.values()):
        content["weights_for"] = weights_for
    manifest = {
        "dataset": dataset,
        "source": source,
        "options": dict(options),
        "source_files": contents and {"count": len(contents), "sha256": contents_sha256(contents)},
        "pool_size": pool_size,
        **variant.stored(),
        **({"splits_note": raw.splits_note} if raw.splits_note else {}),
        **({} if draw is None else {"drawn": draw.write(manifest_path.parent)}),
        "root": raw.root,
        "num_classes": len(raw.class_names),
        "arrays": written,
        **({"listings": listings} if listings else {}),
        "fingerprint": files.sha256_bytes(files.canonical_json(content).encode()),
        "versions": {name: importlib.metadata.version(name) for name in ("numpy", "zarr")}
        | near_version,
        "left_out": raw.left_out,
        "leaks": leaks,
        **content,
    }
    for note in (*leak_notes(manifest), *left_out_notes(manifest)):
        log.warning("data set %s: %s", dataset, note)
    if draw is not None:
        log.info("data set %s: %s", dataset, raw.splits_note)
    manifest_path.unlink(missing_ok=True)
    shutil.rmtree(arrays, ignore_errors=True)
    os.replace(aside, arrays)
    manifest = write_record(manifest_path, "data set", manifest)
    if state is not None and origin is not None and contents is not None:
        root = os.path.realpath(origin.root)
        write_look(
            state, dataset, SourceLook(root, len(contents), contents_sha256(contents), looked)
        )
    return manifest


def source_files(
    component: ModuleType, data_dir: Path, options: Mapping[str, Any]
) -> Source | None:
    """The files that a component reads; None if it lists none, or if they are out of reach."""
    listing = getattr(component, "source_files", None)
    return None if listing is None else listing(data_dir, **options)


def source_contents(
    source: Source | None, raw: RawDataset, digests: Digests | None
) -> dict[str, str] | None:
    """Name → SHA-256 of all files of a source; None if it lists none, or if they are official.

    Files that cannot be read do not belong to it, as in `since_prepared.look_at`: images among them
    are named as left out, or were an error before.
    """
    if source is None or digests is None or source.md5:
        return None
    known = {}
    for entry in raw.splits.values():
        known |= dict(entry.listed_files())
    known = {name: known[name] for name in source.files if name in known}
    unread: dict[str, OSError] = {}
    others = [name for name in source.files if name not in known]
    contents = known | digests.of(others, refused=unread)
    if unread:
        told = "treated as missing, because it cannot be read: %s (%d in all)"
        log.warning(told, printable(min(unread)), len(unread))
    return contents


def _write_other_files(path: Path, raw: RawDataset, contents: Mapping[str, str] | None) -> None:
    """List the files of the source that are in no split, if there are any."""
    used = {name for entry in raw.splits.values() for name in entry.files or []}
    others = sorted((name, digest) for name, digest in (contents or {}).items() if name not in used)
    if others:
        write_listing(path, others)


def describe_split(entry: RawSplit, raw: RawDataset) -> dict[str, Any]:
    """A split's part of the manifest: sizes and content hashes."""
    described: dict[str, Any] = {"num_rows": len(entry.labels)}
    if entry.has_labels:
        described["labels_sha256"] = files.sha256_arrays({"labels": entry.labels})
        described["class_counts"] = class_counts(entry.labels, len(raw.class_names)).tolist()
    described |= described_beside(entry)
    if stored := stored_rows(entry):
        storage = "array" if entry.rows == IMAGES else entry.rows
        sha256 = files.sha256_arrays(stored)
        return described | {"storage": storage, f"{entry.rows}_sha256": sha256}
    return described | {
        "storage": "files",
        "image_size": raw.image_size,
        "ground": raw.ground,
        "files_sha256": listing_sha256(entry.listed_files()),
    }


def stored_rows(entry: RawSplit) -> dict[str, np.ndarray]:
    """The arrays that a split's rows are kept as; none for files, which stay where they are."""
    if entry.embeddings is not None:
        return {"embeddings": entry.embeddings}
    if entry.texts is not None:
        return stored_texts(entry.texts)
    return {} if entry.images is None else {IMAGES: entry.images}


def _variant_of_whole(raw: RawDataset, source: str, variant: Variant) -> RawDataset:
    """The variant, made after corrupt files were left out, so that too few may remain."""
    try:
        return variant.made_of(raw, source)
    except InputError as error:
        raise InputError(f"{error}{since_corrupt(raw)}") from error


def _check_needed(raw: RawDataset, needed: Sequence[NeededRows]) -> None:
    """`InputError` for splits with fewer rows than are needed, though there were enough files."""
    sizes = {split: len(entry.labels) for split, entry in raw.splits.items()}
    lines = list(shortages(needed, {VAL: 0, **sizes}))
    if lines:
        why = ""
        if raw.draw is not None:
            reached = ", ".join(f"{split} {count}" for split, count in sizes.items())
            why = f"; {raw.draw.row}s that are alike are drawn together, which gave {reached}"
        raise InputError("\n".join(f"{line}{why}{since_corrupt(raw)}" for line in lines))
