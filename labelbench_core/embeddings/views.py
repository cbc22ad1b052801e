"""Reading embeddings of a data set, and embedded views of its pool; nothing here imports torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.errors import damaged
from labelbench_core.storage.records import check_values, read_record
from labelbench_core.storage.store import RowBlocks, verify

KINDS = ("weak", "strong")
CLEAN = "clean"


def open_embeddings(
    manifest_path: Path, expected: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, RowBlocks]]:
    """Embeddings of a data set, checked against the manifest of `extract_embeddings`.

    Parameters
    ----------
    expected
        What the manifest must say: `dataset`, `dataset_fingerprint`, `backbone`.

    Returns
    -------
    The manifest, and split → (N, D) float16, on disk.

    Raises
    ------
    InputError
        If a file is missing or damaged, or of another data set or backbone.
    """
    manifest = read_record(manifest_path, "embeddings", expected)
    record = manifest_path.with_name(".checked.json")
    embeddings = {}
    for split, described in manifest["splits"].items():
        if CLEAN not in described["views"]:
            raise damaged(manifest_path, f"splits.{split}.views.{CLEAN} is missing")
        array = manifest_path.parent / "arrays" / f"{split}-{CLEAN}"
        embeddings[split] = verify(array, described["views"][CLEAN], record)
    return manifest, embeddings


def pool_statistics(manifest_path: Path, manifest: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """`mean` and `std`, (D,) float64, of the pool's embeddings; `InputError` if they are absent."""
    statistics = manifest.get("statistics")
    if not isinstance(statistics, dict) or not {"mean", "std"} <= set(statistics):
        raise damaged(manifest_path, "statistics are missing")
    return {name: np.array(statistics[name], np.float64) for name in ("mean", "std")}


def open_views(
    manifest_path: Path, clean: RowBlocks, expected: Mapping[str, Any]
) -> dict[str, list[RowBlocks]]:
    """The draws of every kind of view, checked against the manifest of `extract_views`.

    Parameters
    ----------
    clean
        (N, D) the pool's clean embeddings by the same backbone: the only draw of a kind that is not
        random.
    expected
        What the manifest must say: `dataset_fingerprint`, `backbone`, `weights_sha256`, and the id
        of the `augmentation`.

    Returns
    -------
    "weak" and "strong" → arrays (N, D) float16, on disk.

    Raises
    ------
    InputError
        If an array is missing or damaged, or of another data set, backbone or augmentation.
    """
    folder = manifest_path.parent
    manifest = read_record(manifest_path, "embeddings")
    augmentation = manifest.get("augmentation")
    made_by = augmentation.get("id") if isinstance(augmentation, dict) else None
    check_values(manifest_path, {**manifest, "augmentation": made_by}, expected)
    pool = manifest["splits"].get("pool", {"views": {}})["views"]
    views: dict[str, list[RowBlocks]] = {}
    for kind in KINDS:
        if kind not in manifest:
            raise damaged(manifest_path, f"{kind} is missing")
        if manifest[kind] == CLEAN:
            views[kind] = [clean]
            continue
        views[kind] = []
        for array in manifest[kind]:
            rows = verify(folder / "arrays" / array, pool[array], folder / ".checked.json")
            if rows.shape != clean.shape:
                raise damaged(
                    manifest_path,
                    f"{array} has the shape {rows.shape}, the clean embeddings {clean.shape}: "
                    "views and embeddings must be of the same data set and backbone",
                )
            views[kind].append(rows)
    return views
