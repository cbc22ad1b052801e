"""Source → prepared data set: arrays, manifest, checks. Equal content gives equal bytes."""

import importlib.metadata
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core import files, registry, store
from labelbench_core.datasets import POOL, RawDataset, RawSplit, listing_sha256
from labelbench_core.errors import InputError
from labelbench_core.result_files import write_record
from labelbench_core.seeds import rng_for

FULL_SPLITS = ("val", "test")


def prepare_dataset(
    dataset: str,
    source: str,
    options: Mapping[str, Any],
    data_dir: Path,
    arrays: Path,
    manifest_path: Path,
    pool_size: int | None = None,
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
        Keep a random part of the pool, of this size; a smaller part is in every larger one.

    Raises
    ------
    InputError
        Naming the data set and the file, split or class at fault.
    """
    try:
        raw = registry.load("datasets", source).load(data_dir, **options)
        if pool_size is not None:
            raw = with_part_of_pool(raw, source, pool_size)
        check_raw(raw, allow_missing_classes=bool(options.get("allow_missing_classes", False)))
    except InputError as error:
        raise InputError(f"data set {dataset}: {error}") from error
    aside = arrays.with_name(arrays.name + ".partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    written = {}
    for split, entry in raw.splits.items():
        written[f"{split}-labels"] = store.write_array(aside / f"{split}-labels", entry.labels)
        if entry.images is not None:
            written[f"{split}-images"] = store.write_array(aside / f"{split}-images", entry.images)
        else:
            listed = list(zip(entry.files, entry.file_sha256, strict=True))
            files.write_json(aside / f"{split}-files.json", listed)
    splits = {split: describe_split(entry, raw) for split, entry in raw.splits.items()}
    content = {"class_names": raw.class_names, "splits": splits}
    manifest = {
        "dataset": dataset,
        "source": source,
        "options": dict(options),
        "pool_size": pool_size,
        "root": raw.root,
        "num_classes": len(raw.class_names),
        "arrays": written,
        "fingerprint": files.sha256_bytes(files.canonical_json(content).encode()),
        "versions": {name: importlib.metadata.version(name) for name in ("numpy", "zarr")},
        **content,
    }
    manifest_path.unlink(missing_ok=True)
    shutil.rmtree(arrays, ignore_errors=True)
    os.replace(aside, arrays)
    return write_record(manifest_path, "data set", manifest)


def with_part_of_pool(raw: RawDataset, source: str, size: int) -> RawDataset:
    """`raw` with `size` rows of its pool, in their order; `InputError` if there are fewer."""
    available = len(raw.splits[POOL].labels)
    if size > available:
        raise InputError(f"pool_size: {size}; allowed: at most {available}")
    rows = np.sort(rng_for("part-of-pool", source).permutation(available)[:size])
    return replace(raw, splits={**raw.splits, POOL: raw.splits[POOL].take(rows)})


def describe_split(entry: RawSplit, raw: RawDataset) -> dict[str, Any]:
    """A split's part of the manifest: sizes and content hashes."""
    described = {
        "num_rows": len(entry.labels),
        "labels_sha256": files.sha256_arrays({"labels": entry.labels}),
        "class_counts": np.bincount(entry.labels, minlength=len(raw.class_names)).tolist(),
    }
    if entry.images is not None:
        return described | {
            "storage": "array",
            "images_sha256": files.sha256_arrays({"images": entry.images}),
        }
    listed = list(zip(entry.files, entry.file_sha256, strict=True))
    return described | {
        "storage": "files",
        "image_size": raw.image_size,
        "files_sha256": listing_sha256(listed),
    }


def check_raw(raw: RawDataset, *, allow_missing_classes: bool) -> None:
    """`InputError` unless shapes, types, labels and classes are as the other stages expect."""
    if "pool" not in raw.splits or "test" not in raw.splits:
        raise InputError(f"needs the splits pool and test; has {', '.join(raw.splits) or 'none'}")
    num_classes = len(raw.class_names)
    if num_classes < 2 or len(set(raw.class_names)) != num_classes:
        raise InputError(f"needs at least two classes with different names; has {raw.class_names}")
    for split, entry in raw.splits.items():
        labels = entry.labels
        if labels.ndim != 1 or labels.dtype != np.int64 or not len(labels):
            raise InputError(
                f"split {split}: labels are {labels.dtype} {labels.shape}, not int64 (N,)"
            )
        if labels.min() < 0 or labels.max() >= num_classes:
            raise InputError(
                f"split {split}: labels {labels.min()}..{labels.max()} for {num_classes} classes"
            )
        _check_images(split, entry)
        counts = np.bincount(labels, minlength=num_classes)
        missing = [raw.class_names[label] for label in np.flatnonzero(counts == 0)]
        required = split == "pool" or (split in FULL_SPLITS and not allow_missing_classes)
        if missing and required:
            raise InputError(
                f"split {split} has no image of class {missing[0]} ({len(missing)} classes missing)"
            )


def _check_images(split: str, entry: RawSplit) -> None:
    """`InputError` unless a split has either images or files, one for each label."""
    if entry.images is not None:
        shape, dtype = entry.images.shape, entry.images.dtype
        if len(shape) != 4 or shape[3] != 3 or dtype != np.uint8 or shape[0] != len(entry.labels):
            raise InputError(f"split {split}: images are {dtype} {shape}, not uint8 (N, H, W, 3)")
    elif entry.files is None or len(entry.files) != len(entry.labels):
        raise InputError(f"split {split}: needs one image or one file for each label")
