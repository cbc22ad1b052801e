"""The classifier made from class names, on disk: its arrays, and what it was made for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.errors import damaged, shown
from labelbench_core.storage import files
from labelbench_core.storage.records import check_values

ABOUT = "about"
ARRAYS = ("weights", "scale")
MADE_BY = "build_zero_shot_head"


def write_head(path: Path, head: Mapping[str, np.ndarray], made_for: Mapping[str, Any]) -> None:
    """Write `weights` and `scale`, and as text what they are made for and their SHA-256."""
    about = {**made_for, "arrays_sha256": files.sha256_arrays(head)}
    files.write_npz(path, **head, **{ABOUT: np.array(files.canonical_json(about))})


def read_head(path: Path, expected: Mapping[str, Any], num_classes: int) -> dict[str, np.ndarray]:
    """`weights`, (D, C) float32, and `scale`, float32, that `write_head` wrote.

    Parameters
    ----------
    expected
        What it must be made for: `dataset`, `dataset_fingerprint`, `backbone`.

    Raises
    ------
    InputError
        If the file is missing or damaged, or of another data set or backbone.
    """
    found = files.read_npz(path, MADE_BY)
    absent = {*ARRAYS, ABOUT} - set(found)
    if absent:
        raise damaged(path, f"{', '.join(sorted(absent))} is missing")
    about: files.Json = files.parse_json(str(found[ABOUT]).encode(), path)
    if not isinstance(about, dict):
        raise damaged(path, f"{ABOUT} is {shown(about)}, not an object")
    check_values(path, about, expected)
    head = {name: found[name] for name in ARRAYS}
    if files.sha256_arrays(head) != about.get("arrays_sha256"):
        raise damaged(path, "content does not match its SHA-256 (arrays_sha256)")
    weights, scale = head["weights"], head["scale"]
    if weights.ndim != 2 or weights.shape[1] != num_classes or scale.shape:
        shapes = f"weights {weights.shape} and scale {scale.shape}"
        raise damaged(path, f"has {shapes}, not (D, {num_classes}) and ()")
    return head
