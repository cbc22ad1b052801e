"""An annotator's labels of a pool, on disk: a record, and the labels beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.datasets import POOL, PreparedDataset
from labelbench_core.errors import InputError, damaged
from labelbench_core.storage import files
from labelbench_core.storage.records import read_record, write_record

KIND, MADE_BY = "annotations", "annotate"


@dataclass(frozen=True)
class Annotations:
    """Labels of all rows of a pool as an annotator gives them.

    Attributes
    ----------
    annotator
        Its id.
    labels
        (N,) int64.
    sha256
        SHA-256 of the file that holds them.
    """

    annotator: str
    labels: np.ndarray = field(repr=False)
    sha256: str = ""

    @property
    def ids(self) -> dict[str, str]:
        """The ids in the records of results that are made with these labels."""
        return {"annotator": self.annotator, "annotations_sha256": self.sha256}


def write_annotations(
    record: Path, arrays: Path, labels: np.ndarray, content: Mapping[str, Any]
) -> None:
    """Write labels, then the record with `content` and the labels' SHA-256."""
    digest = files.write_npz(arrays, labels=labels)
    write_record(record, KIND, {**content, "arrays_sha256": digest})


def read_annotations(
    record: Path, expected: Mapping[str, Any], num_rows: int, num_classes: int
) -> Annotations:
    """The labels beside `record`.

    Parameters
    ----------
    expected
        What the record must say: `dataset`, `dataset_fingerprint`, `annotator`.
    num_rows, num_classes
        Numbers of rows and classes of the data set's pool.

    Raises
    ------
    InputError
        If a file is missing or damaged, or of another data set or annotator.
    """
    content = read_record(record, KIND, expected)
    arrays = arrays_of(record)
    with files.reading(arrays, MADE_BY):
        digest = files.sha256_file(arrays)
    if digest != content["arrays_sha256"]:
        raise damaged(
            arrays, f"content does not match its SHA-256 (arrays_sha256 in {record.name})"
        )
    labels = files.read_npz(arrays, MADE_BY).get("labels")
    if labels is None or (labels.dtype, labels.shape) != (np.dtype(np.int64), (num_rows,)):
        shape = None if labels is None else (labels.dtype, labels.shape)
        raise damaged(arrays, f"labels are {shape}, not int64 of {num_rows} rows")
    if num_rows and not (labels.min() >= 0 and labels.max() < num_classes):
        raise damaged(arrays, f"labels are not all from 0 to {num_classes - 1}")
    return Annotations(content["annotator"], labels, digest)


def arrays_of(record: Path) -> Path:
    """The file with the labels that a record describes."""
    return record.with_name("labels.npz")


def open_annotations(
    settings: Mapping[str, Any], dataset: PreparedDataset, record: Path | None
) -> Annotations | None:
    """The labels by the annotator that a job's settings name; None for the exact one.

    Raises
    ------
    InputError
        If a file is missing or damaged, or of another data set or annotator.
    """
    annotator = settings.get("annotator")
    if annotator is None:
        return None
    if record is None:
        told = f"annotator {annotator!r}: --annotations is not given"
        raise InputError(f"{told}; allowed: the record that the rule {MADE_BY} writes")
    expected = {
        "dataset": settings["dataset"],
        "dataset_fingerprint": dataset.manifest["fingerprint"],
        "annotator": annotator,
    }
    num_rows = dataset.manifest["splits"][POOL]["num_rows"]
    return read_annotations(record, expected, num_rows, dataset.num_classes)
