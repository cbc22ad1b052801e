"""Embedding the rows of a prepared data set: resumable, checked, same bytes if interrupted."""

from __future__ import annotations

import functools
import importlib.metadata
import logging
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from labelbench_core.backbones import Backbone, GivenEmbeddings, TextBackbone
from labelbench_core.compute.devices import choose_device, device_name, prepare_cpu
from labelbench_core.compute.precision import embedding_precision
from labelbench_core.datasets import PreparedDataset, SplitRows
from labelbench_core.embeddings.encoders import Encoder, encoder_of
from labelbench_core.embeddings.journal import Journal
from labelbench_core.embeddings.kept import KeptBlocks, batches_of, keys_of
from labelbench_core.embeddings.kept_batches import KeptBatches
from labelbench_core.embeddings.kept_rows import KeptRows, RowByRow
from labelbench_core.errors import InputError
from labelbench_core.progress import Progress
from labelbench_core.provenance import installed
from labelbench_core.storage import files, store
from labelbench_core.storage.records import read_record, write_record

log = logging.getLogger(__name__)
DTYPE = "float16"
MOST_BLOCK_ROWS = 4096
AHEAD = 2
COMPUTING = (
    "numpy",
    "onnxruntime",
    "open_clip_torch",
    "pillow",
    "timm",
    "torchvision",
    "transformers",
    "tokenizers",
)
"""Packages other than torch that decode, preprocess or embed images and texts."""


@dataclass(frozen=True)
class View:
    """One view of every row of a split, stored as one array.

    Attributes
    ----------
    split, name
        Where the manifest lists it.
    array
        Name of the array.
    prepare
        (uint8 images (B, H, W, 3) on the device, first_row=number of the first) → the network's
        input; the images are consecutive rows of the split. For texts: (B texts, first_row) → a
        `TextView`. None: rows as they are.
    """

    split: str
    name: str
    array: str
    prepare: Callable[..., Any] | None = None


@dataclass(frozen=True)
class PlannedBatch:
    """One batch: `rows` of a split, in block `block` of the arrays of its `views`."""

    split: str
    views: tuple[View, ...]
    block: int
    rows: range
    closes_block: bool


def embed(
    dataset: PreparedDataset,
    backbone: Backbone | TextBackbone | GivenEmbeddings,
    backbone_id: str,
    views: Sequence[View],
    arrays: Path,
    manifest_path: Path,
    *,
    options: Mapping[str, Any] | None = None,
    describe: Callable[[Path], dict[str, Any]] | None = None,
    code: str = "",
    threads: int = 1,
    precision: str = "auto",
    batch_size: int | None = None,
) -> dict[str, Any]:
    """Embed rows in all `views`; write the arrays, then the manifest, and return the latter.

    The manifest's `flops` are those of all passes, however often the extraction was interrupted.

    Does nothing if arrays and manifest are complete and were made with the same settings. An
    interrupted extraction continues at the first missing block of the sibling folder
    `{arrays}.partial`. Blocks and batches all of whose rows were embedded before, in that order and
    with the same settings, are reused from the hidden sibling folder `.{arrays}.kept` (`kept`,
    `kept_batches`), and single images of files wherever they stand now (`kept_rows`).

    Parameters
    ----------
    backbone_id
        For messages and the manifest.
    views
        Views of a split are made together, so that every row is read once.
    arrays, manifest_path
        A folder and a JSON file.
    options
        What the views depend on besides data set and backbone; part of the manifest.
    describe
        Called with the folder of the finished arrays; returns what else the manifest says.
    code
        Hash of the code that computes: an extraction begun by other code is not continued.
    threads
        For torch on the CPU, and for decoding.
    precision
        "auto", "float32", "float16" or "bfloat16"; see `FeatureExtractor`.
    batch_size
        Default: the encoder's. The last bits of the features may depend on it.

    Raises
    ------
    InputError
        If a feature is not finite or too large for float16, or if the disk is full.
    """
    prepare_cpu(threads)
    device = choose_device()
    encoder = encoder_of(backbone, dataset)
    settings = {
        "backbone": backbone_id,
        "batch_size": batch_size or encoder.batch_size,
        "dataset": dataset.manifest["dataset"],
        "dataset_fingerprint": dataset.manifest["fingerprint"],
        "dtype": DTYPE,
        "layer": backbone.layer,
        "num_features": encoder.num_features,
        "precision": embedding_precision(precision, device),
        "weights_sha256": backbone.weights_sha256,
        **encoder.settings,
        **(options or {}),
    }
    fingerprint = files.sha256_bytes(files.canonical_json(settings).encode())
    existing = _finished(arrays, manifest_path, fingerprint)
    if existing is not None:
        log.info("%s: already made with the same settings", arrays)
        return existing
    dataset.verify()
    shapes = _array_shapes(dataset, views, encoder.num_features)
    aside = arrays.with_name(arrays.name + ".partial")
    # Not settings, but they may change the last bits: a resumed run must not mix two of them.
    machine = {
        "code": code,
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "device": device_name(device),
        "torch": torch.__version__,
        "versions": installed(COMPUTING),
    }
    journal = Journal(aside, {**settings, "machine": machine}, shapes)
    rows = {
        split: encoder.rows(dataset, split, threads) for split in {view.split for view in views}
    }
    splits = {view.array: view.split for view in views}
    keys = keys_of({**settings, "machine": machine}, journal.arrays, splits, rows)
    of_rows = {**settings, "dataset_fingerprint": None, "machine": machine}
    kept = KeptBlocks(arrays.with_name(f".{arrays.name}.kept"), keys.blocks)
    kept.fill(journal)
    noted = arrays.with_name(f".{arrays.name}.batches.json")
    earlier = KeptBatches(noted, kept.folder, keys.batches)
    known = KeptRows(
        arrays.with_name(f".{arrays.name}.rows.npz"),
        kept.folder,
        files.sha256_bytes(files.canonical_json(of_rows).encode()),
        settings["batch_size"],
    )
    encoder.start(device, settings["precision"])
    with Progress(
        f"embedding {settings['dataset']} with {backbone_id}",
        sum(shape[0][0] for shape in shapes.values()),
        dataset.rows,
        done=_rows_done(journal, shapes),
    ) as progress:
        _embed_missing(views, rows, encoder, journal, kept, earlier, known, settings, progress)
    manifest = {
        **settings,
        **_described(views, journal),
        **(describe(aside) if describe else {}),
        "fingerprint": fingerprint,
        "flops": encoder.flops(rows, Counter(view.split for view in views)),
        "versions": {name: importlib.metadata.version(name) for name in ("numpy", "torch", "zarr")},
    }
    journal.close()
    manifest_path.unlink(missing_ok=True)
    shutil.rmtree(arrays, ignore_errors=True)
    os.replace(aside, arrays)
    manifest = write_record(manifest_path, "embeddings", manifest)
    kept.drop_others()
    earlier.note(journal.arrays, kept)
    if all(view.prepare is None for view in views):
        known.note(journal.arrays, kept, {view.array: rows[view.split] for view in views})
    return manifest


def _embed_missing(
    views: Sequence[View],
    rows: Mapping[str, SplitRows],
    encoder: Encoder,
    journal: Journal,
    kept: KeptBlocks,
    earlier: KeptBatches,
    known: KeptRows,
    settings: dict[str, Any],
    progress: Progress,
) -> None:
    """Embed the blocks missing from the journal; rows are read while others are embedded."""
    tasks = list(_tasks(views, journal, settings["batch_size"]))
    by_row = _row_by_row(tasks, rows, encoder, earlier, known, settings["batch_size"])

    def read(task: PlannedBatch) -> tuple[list[np.ndarray | None], Any]:
        made = [earlier.get(view.array, task.rows) for view in task.views]
        if all(one is not None for one in made):
            return made, None
        if task.split in by_row and by_row[task.split].plans(task.rows):
            return made, None
        return [None] * len(made), rows[task.split].batch(
            np.arange(task.rows.start, task.rows.stop)
        )

    collected: dict[str, list[np.ndarray]] = {}
    for task, (made, batch) in _read_ahead(tasks, read):
        for view, features in zip(task.views, made, strict=True):
            if features is None and batch is None:
                features = by_row[task.split].of(task.rows)
                if features is None:
                    batch = rows[task.split].batch(np.arange(task.rows.start, task.rows.stop))
            if features is None:
                prepare = view.prepare and functools.partial(
                    view.prepare, first_row=task.rows.start
                )
                features = _as_half(encoder.encode(batch, prepare), view, task, settings)
            collected.setdefault(view.array, []).append(features)
            progress.update(len(task.rows))
        if task.closes_block:
            for array, parts in collected.items():
                journal.write(array, task.block, np.concatenate(parts))
                kept.keep(journal, array, task.block)
            collected = {}


def _row_by_row(
    tasks: Sequence[PlannedBatch],
    rows: Mapping[str, SplitRows],
    encoder: Encoder,
    earlier: KeptBatches,
    known: KeptRows,
    batch_size: int,
) -> dict[str, RowByRow]:
    """Split → what reuses single rows, where all its views are of rows as they are."""
    found: dict[str, RowByRow] = {}
    for split in dict.fromkeys(task.split for task in tasks):
        own = [task for task in tasks if task.split == split]
        if any(view.prepare is not None for view in own[0].views):
            continue
        full = [
            task.rows
            for task in own
            if len(task.rows) == batch_size and not earlier.has(task.views[0].array, task.rows)
        ]
        found[split] = RowByRow(
            known, rows[split], lambda batch: encoder.encode(batch, None), batch_size
        )
        found[split].plan(full)
    return found


def _tasks(views: Sequence[View], journal: Journal, batch_size: int) -> Iterator[PlannedBatch]:
    """The batches of all blocks that some view lacks.

    They start again in every block, so that no number depends on where an extraction was resumed.
    """
    for split in dict.fromkeys(view.split for view in views):
        own = [view for view in views if view.split == split]
        (num_rows, _), _, block_rows = journal.arrays[own[0].array]
        for block, first in enumerate(range(0, num_rows, block_rows)):
            missing = tuple(view for view in own if (view.array, block) not in journal.finished)
            last = min(first + block_rows, num_rows)
            for part in batches_of(range(first, last), batch_size) if missing else ():
                yield PlannedBatch(split, missing, block, part, part.stop == last)


def _read_ahead(
    tasks: list[PlannedBatch], read: Callable[[PlannedBatch], Any]
) -> Iterator[tuple[PlannedBatch, Any]]:
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


def _as_half(
    features: np.ndarray, view: View, task: PlannedBatch, settings: dict[str, Any]
) -> np.ndarray:
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
        f"row {task.rows.start + row}, view {view.name}: {problem}; check the row and the weights"
        + ("" if finite else f", or try another precision than {settings['precision']}")
    )


def _array_shapes(
    dataset: PreparedDataset, views: Sequence[View], num_features: int
) -> dict[str, tuple[tuple[int, int], str, int]]:
    """Array name → (shape, dtype, rows of a block)."""
    shapes = {}
    for view in views:
        num_rows = dataset.manifest["splits"][view.split]["num_rows"]
        per_block = store.rows_per_block(2 * num_features, num_rows)
        shape = (num_rows, num_features)
        shapes[view.array] = (shape, DTYPE, min(per_block, MOST_BLOCK_ROWS))
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
        manifest = read_record(manifest_path, "embeddings")
        if manifest["fingerprint"] != fingerprint:
            return None
        for split in manifest["splits"].values():
            for view in split["views"].values():
                store.check_array(arrays / view["array"], view)
    except InputError as error:
        log.warning("%s; made again", error)
        return None
    return manifest


def _described(views: Sequence[View], journal: Journal) -> dict[str, Any]:
    """A manifest's description of finished arrays: no dates, paths or facts of this machine."""
    splits: dict[str, Any] = {}
    for view in views:
        shape, dtype, _ = journal.arrays[view.array]
        entry = splits.setdefault(view.split, {"num_rows": shape[0], "views": {}})
        entry["views"][view.name] = {
            "array": view.array,
            "shape": list(shape),
            "dtype": dtype,
            "blocks": journal.blocks(view.array),
        }
    return {"splits": splits}
