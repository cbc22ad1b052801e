"""Embedding a whole prepared data set: resumable, checked, same bytes however interrupted."""

from __future__ import annotations

import importlib.metadata
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from labelbench_core import files, store
from labelbench_core.backbones import Backbone
from labelbench_core.datasets import PreparedDataset
from labelbench_core.devices import choose_device, device_name
from labelbench_core.embeddings.features import (
    FeatureExtractor,
    choose_batch_size,
    choose_precision,
)
from labelbench_core.embeddings.journal import Journal
from labelbench_core.embeddings.statistics import column_statistics
from labelbench_core.errors import InputError
from labelbench_core.progress import Progress

log = logging.getLogger(__name__)
DTYPE = "float16"
MOST_BLOCK_ROWS = 4096
AHEAD = 2


@dataclass(frozen=True)
class View:
    """One way to look at every image of some splits.

    Attributes
    ----------
    change
        (images (B, H, W, 3) uint8, their row numbers) → images of the same kind.
    splits
        Names, or None for all.
    """

    change: Callable[[np.ndarray, np.ndarray], np.ndarray]
    splits: tuple[str, ...] | None = None


VIEWS = {"clean": View(lambda images, rows: images)}


@dataclass(frozen=True)
class Task:
    """One batch: `rows` of a split, in block `block` of the array `{split}-{view}`."""

    split: str
    view: str
    block: int
    rows: range
    closes_block: bool

    @property
    def array(self) -> str:
        """Name of the array that gets the features."""
        return f"{self.split}-{self.view}"


def extract_embeddings(
    dataset: PreparedDataset,
    backbone: Backbone,
    backbone_id: str,
    arrays: Path,
    manifest_path: Path,
    *,
    threads: int = 1,
    precision: str = "auto",
    batch_size: int | None = None,
) -> dict[str, Any]:
    """Embed every split of `dataset`; write the arrays, then the manifest, and return it.

    Does nothing if they are there, whole, and were made with the same settings. Interrupted, it
    goes on at the first missing block of the sibling folder `{arrays}.partial`.

    Parameters
    ----------
    backbone_id
        For messages and the manifest.
    arrays, manifest_path
        A folder and a JSON file.
    threads
        For torch on the CPU, and for decoding.
    precision
        "auto", "float32", "float16" or "bfloat16"; see `FeatureExtractor`.
    batch_size
        Default: by the size of the images. The last bits of the features may depend on it.

    Raises
    ------
    InputError
        If a feature is not finite or too large for float16, or if the disk is full.
    """
    torch.set_num_threads(threads)
    device = choose_device()
    settings = {
        "backbone": backbone_id,
        "batch_size": batch_size or choose_batch_size(backbone.input_size),
        "dataset": dataset.manifest["dataset"],
        "dataset_fingerprint": dataset.manifest["fingerprint"],
        "dtype": DTYPE,
        "layer": backbone.layer,
        "num_features": backbone.num_features,
        "precision": choose_precision(precision, device),
        "preprocessing": backbone.preprocessing(),
        "weights_sha256": backbone.weights_sha256,
    }
    fingerprint = files.sha256_bytes(files.canonical_json(settings).encode())
    existing = _finished(arrays, manifest_path, fingerprint)
    if existing is not None:
        log.info("%s: made with the same settings already", arrays)
        return existing
    dataset.verify()
    shapes = _array_shapes(dataset, backbone.num_features)
    aside = arrays.with_name(arrays.name + ".partial")
    # What may change the last bits without being a setting: a resumed run must not mix two of them.
    machine = {"device": device_name(device), "torch": torch.__version__}
    journal = Journal(aside, {**settings, "machine": machine}, shapes)
    extractor = FeatureExtractor(backbone, device, settings["precision"])
    with Progress(
        f"embedding {settings['dataset']} with {backbone_id}",
        sum(shape[0][0] for shape in shapes.values()),
        "images",
        done=_rows_done(journal, shapes),
    ) as progress:
        _embed_missing(dataset, extractor, journal, settings, progress, threads)
    manifest = _manifest(settings, journal, shapes, aside, fingerprint)
    journal.close()
    manifest_path.unlink(missing_ok=True)
    shutil.rmtree(arrays, ignore_errors=True)
    os.replace(aside, arrays)
    files.write_json(manifest_path, manifest)
    return manifest


def _embed_missing(
    dataset: PreparedDataset,
    extractor: FeatureExtractor,
    journal: Journal,
    settings: dict[str, Any],
    progress: Progress,
    threads: int,
) -> None:
    """Embed what the journal lacks, block by block; images are read while others are embedded."""
    tasks = [
        task
        for name, (shape, _, block_rows) in journal.arrays.items()
        for task in _tasks(name, shape[0], block_rows, settings["batch_size"])
        if (task.array, task.block) not in journal.finished
    ]
    images = {split: dataset.images(split, threads=threads) for split in {t.split for t in tasks}}

    def read(task: Task) -> np.ndarray:
        rows = np.arange(task.rows.start, task.rows.stop)
        return VIEWS[task.view].change(images[task.split].batch(rows), rows)

    collected: list[np.ndarray] = []
    for task, batch in _read_ahead(tasks, read):
        features = extractor(batch)
        collected.append(_as_half(features, task, settings))
        progress.update(len(batch))
        if task.closes_block:
            journal.write(task.array, task.block, np.concatenate(collected))
            collected = []


def _tasks(array: str, num_rows: int, block_rows: int, batch_size: int) -> Iterator[Task]:
    """The batches of an array.

    They start anew in every block, so that no number depends on where an extraction was resumed.
    """
    split, _, view = array.rpartition("-")
    for block, first in enumerate(range(0, num_rows, block_rows)):
        last = min(first + block_rows, num_rows)
        for start in range(first, last, batch_size):
            stop = min(start + batch_size, last)
            yield Task(split, view, block, range(start, stop), stop == last)


def _read_ahead(
    tasks: list[Task], read: Callable[[Task], np.ndarray]
) -> Iterator[tuple[Task, np.ndarray]]:
    """(task, what `read` gives for it), in order, read by a thread up to `AHEAD` tasks before."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = [pool.submit(read, task) for task in tasks[:AHEAD]]
        try:
            for number, task in enumerate(tasks):
                batch = waiting.pop(0).result()
                if number + AHEAD < len(tasks):
                    waiting.append(pool.submit(read, tasks[number + AHEAD]))
                yield task, batch
        finally:
            for future in waiting:
                future.cancel()


def _as_half(features: np.ndarray, task: Task, settings: dict[str, Any]) -> np.ndarray:
    """`features` as float16; `InputError` names the first row where that is impossible."""
    with np.errstate(over="ignore"):
        half = features.astype(np.float16)
    good = np.isfinite(half).all(axis=1)
    if good.all():
        return half
    row = int(np.flatnonzero(~good)[0])
    finite = np.isfinite(features[row]).all()
    problem = (
        f"a feature of {np.abs(features[row]).max():.3g} does not fit float16 (at most 65504)"
        if finite
        else "a feature is NaN or infinite"
    )
    raise InputError(
        f"data set {settings['dataset']}, backbone {settings['backbone']}, split {task.split}, "
        f"row {task.rows.start + row}: {problem}; check the image and the weights"
        + ("" if finite else f", or try another precision than {settings['precision']}")
    )


def _array_shapes(
    dataset: PreparedDataset, num_features: int
) -> dict[str, tuple[tuple[int, int], str, int]]:
    """Array name → (shape, dtype, rows of a block), for every split and its views."""
    shapes = {}
    for split in dataset.splits:
        num_rows = dataset.manifest["splits"][split]["num_rows"]
        per_block = store.rows_per_block(2 * num_features, num_rows)
        for name, view in VIEWS.items():
            if view.splits is None or split in view.splits:
                shape = (num_rows, num_features)
                shapes[f"{split}-{name}"] = (shape, DTYPE, min(per_block, MOST_BLOCK_ROWS))
    return shapes


def _rows_done(journal: Journal, shapes: dict[str, tuple[tuple[int, int], str, int]]) -> int:
    """Rows in the blocks that an earlier run finished."""
    return sum(
        min(shapes[array][2], shapes[array][0][0] - block * shapes[array][2])
        for array, block in journal.finished
    )


def _finished(arrays: Path, manifest_path: Path, fingerprint: str) -> dict[str, Any] | None:
    """The manifest of a finished, whole extraction with the same settings, else None."""
    if not (arrays.is_dir() and manifest_path.is_file()):
        return None
    try:
        manifest = files.read_json(manifest_path)
        if manifest.get("fingerprint") != fingerprint:
            return None
        for split, entry in manifest["splits"].items():
            for view, described in entry["views"].items():
                store.check_blocks(arrays / f"{split}-{view}", described["blocks"])
    except InputError as error:
        log.warning("%s; made again", error)
        return None
    return manifest


def _manifest(
    settings: dict[str, Any],
    journal: Journal,
    shapes: dict[str, tuple[tuple[int, int], str, int]],
    folder: Path,
    fingerprint: str,
) -> dict[str, Any]:
    """What the embeddings are, without dates, paths or anything of this machine."""
    splits: dict[str, Any] = {}
    for name, (shape, dtype, _) in shapes.items():
        split, _, view = name.rpartition("-")
        entry = splits.setdefault(split, {"num_rows": shape[0], "views": {}})
        entry["views"][view] = {
            "array": name,
            "shape": list(shape),
            "dtype": dtype,
            "blocks": journal.blocks(name),
        }
    mean, std = column_statistics(store.open_rows(folder / "pool-clean"))
    return {
        **settings,
        "splits": splits,
        "statistics": {"mean": mean, "std": std},
        "fingerprint": fingerprint,
        "versions": {name: importlib.metadata.version(name) for name in ("numpy", "torch", "zarr")},
    }
