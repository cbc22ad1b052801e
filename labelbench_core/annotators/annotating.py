"""A pool labelled by an annotator: once for a data set, and measured against the truth."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core import registry
from labelbench_core.annotators import Truth
from labelbench_core.annotators.annotations import write_annotations
from labelbench_core.compute.values import check_labels
from labelbench_core.datasets import POOL, PreparedDataset
from labelbench_core.datasets.labels.unlabeled import unknown
from labelbench_core.errors import InputError
from labelbench_core.storage import files


def annotate_pool(
    dataset: PreparedDataset,
    entry: Mapping[str, Any],
    data_dir: Path,
    record: Path,
    arrays: Path,
) -> None:
    """Write an annotator's label of every row of the pool, and a record with its error rate.

    Where the pool has no labels of its own, the record has no error rate.

    Parameters
    ----------
    entry
        Entry of the catalogue, with its `id`.
    data_dir
        Where the annotator's files are looked for.
    record, arrays
        Files to write.

    Raises
    ------
    InputError
        If a row can belong to any number of classes, or the annotator cannot be used.
    """
    where = f"annotator {entry['id']!r} on data set {dataset.manifest['dataset']!r}"
    is_labeled = dataset.has_labels(POOL)
    num_rows = dataset.manifest["splits"][POOL]["num_rows"]
    labels = dataset.labels(POOL) if is_labeled else unknown(num_rows)
    if labels.ndim > 1:
        raise InputError(
            f"{where}: a row can belong to any number of classes; allowed: the annotator exact"
        )
    # A copy: what an annotator does to it is no longer the truth.
    truth = Truth(dataset.manifest["dataset"], labels.copy(), dataset.class_names, data_dir)
    try:
        said = registry.build("annotators", entry, truth)
        check_labels(said, dataset.num_classes)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    if said.shape != labels.shape:
        raise InputError(f"{where}: labels of shape {said.shape}; allowed: {labels.shape}")
    content = {
        "dataset": dataset.manifest["dataset"],
        "dataset_fingerprint": dataset.manifest["fingerprint"],
        "annotator": entry["id"],
        "made_by": made_by(entry),
        "num_rows": len(labels),
        **(_noise(said, labels, dataset.num_classes) if is_labeled else {}),
    }
    if (path := source_of(entry, data_dir)) is not None:
        content["source_sha256"] = files.sha256_file(path)
    write_annotations(record, arrays, said.astype(np.int64), content)


def _noise(said: np.ndarray, labels: np.ndarray, num_classes: int) -> dict[str, Any]:
    """The share of wrong labels, over all rows and by class."""
    wrong = said != labels
    counts = np.bincount(labels, minlength=num_classes)
    of_class = np.bincount(labels, weights=wrong, minlength=num_classes)
    return {"noise": float(wrong.mean()), "noise_by_class": of_class / np.maximum(counts, 1)}


def made_by(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The part of an entry that decides the labels, as their record states it."""
    return {"implementation": entry["implementation"], "options": entry.get("options") or {}}


def source_of(entry: Mapping[str, Any], data_dir: Path) -> Path | None:
    """The file that an annotator's labels come from, whether or not it is there; None for none."""
    component = registry.load("annotators", entry["implementation"])
    if not hasattr(component, "source"):
        return None
    return component.source(data_dir, **(entry.get("options") or {}))
