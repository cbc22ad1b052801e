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
from labelbench_core.errors import InputError
from labelbench_core.storage import files


def annotate_pool(
    dataset: PreparedDataset,
    entry: Mapping[str, Any],
    data_dir: Path,
    record: Path,
    arrays: Path,
) -> None:
    """Write what an annotator says of every row of the pool, and a record of how often it errs.

    Parameters
    ----------
    entry
        Of the catalogue, with its `id`.
    data_dir
        Where its files are looked for.
    record, arrays
        Files to write.

    Raises
    ------
    InputError
        If a row can belong to any number of classes, or the annotator cannot be used.
    """
    where = f"annotator {entry['id']!r} on data set {dataset.manifest['dataset']!r}"
    labels = dataset.labels(POOL)
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
    wrong = said != labels
    counts = np.bincount(labels, minlength=dataset.num_classes)
    of_class = np.bincount(labels, weights=wrong, minlength=dataset.num_classes)
    content = {
        "dataset": dataset.manifest["dataset"],
        "dataset_fingerprint": dataset.manifest["fingerprint"],
        "annotator": entry["id"],
        "made_by": made_by(entry),
        "num_rows": len(labels),
        "noise": float(wrong.mean()),
        "noise_by_class": of_class / np.maximum(counts, 1),
    }
    if (path := source_of(entry, data_dir)) is not None:
        content["source_sha256"] = files.sha256_file(path)
    write_annotations(record, arrays, said.astype(np.int64), content)


def made_by(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What of an entry decides the labels, as their record states it."""
    return {"implementation": entry["implementation"], "options": entry.get("options") or {}}


def source_of(entry: Mapping[str, Any], data_dir: Path) -> Path | None:
    """The file that an annotator's labels come from, whether or not it is there; None for none."""
    component = registry.load("annotators", entry["implementation"])
    if not hasattr(component, "source"):
        return None
    return component.source(data_dir, **(entry.get("options") or {}))
