"""Embeddings that nobody computed: points like a network's, and the manifests that rounds read."""

from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.storage.records import write_record


class Mixture:
    """Overlapping classes whose spectrum decays, like embeddings of a pretrained network.

    Parameters
    ----------
    dims, classes
        Numbers of dimensions and of classes of the points.
    separation
        Distance of the classes' centres, in standard deviations within a class.
    """

    def __init__(self, dims: int, classes: int, separation: float) -> None:
        rng = np.random.default_rng(0)
        rank = dims // 2
        self.classes = classes
        self.spectrum = np.arange(1, rank + 1, dtype=np.float32) ** -0.6
        self.basis = np.linalg.qr(rng.standard_normal((dims, rank)))[0].astype(np.float32)
        drawn = rng.standard_normal((classes, rank), dtype=np.float32)
        self.centers = np.float32(separation) * self.spectrum * drawn

    def points(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """(n,) labels and (n, dims) float32 points, in half of the dimensions of the space."""
        labels = rng.integers(0, self.classes, count)
        noise = rng.standard_normal((count, len(self.spectrum)), dtype=np.float32)
        rows = 8 * (self.centers[labels] + self.spectrum * noise) @ self.basis.T
        return labels, rows + np.float32(0.3)


def write_manifests(
    folder: Path,
    ids: dict[str, str],
    classes: int,
    labels: dict[str, dict[str, Any]],
    clean: dict[str, dict[str, Any]],
    statistics: dict[str, Any],
) -> tuple[Path, Path]:
    """Manifests of a data set and of its embeddings, in `dataset/` and `embeddings/`.

    Parameters
    ----------
    ids
        `dataset`, `dataset_fingerprint` and `backbone`.
    labels, clean
        Split → entry of its array of labels, of embeddings.
    statistics
        `mean` and `std` of the pool's embeddings.
    """
    rows = {split: entry["shape"][0] for split, entry in labels.items()}
    dataset, embeddings = (folder / one / "manifest.json" for one in ("dataset", "embeddings"))
    write_record(
        dataset,
        "data set",
        {
            "dataset": ids["dataset"],
            "num_classes": classes,
            "class_names": [str(number) for number in range(classes)],
            "splits": {split: {"num_rows": n, "storage": "array"} for split, n in rows.items()},
            "arrays": {f"{split}-labels": entry for split, entry in labels.items()},
            "fingerprint": ids["dataset_fingerprint"],
        },
    )
    write_record(
        embeddings,
        "embeddings",
        {
            **ids,
            "weights_sha256": "none",
            "splits": {
                split: {"num_rows": n, "views": {"clean": clean[split]}}
                for split, n in rows.items()
            },
            "statistics": statistics,
            "fingerprint": "some",
        },
    )
    return dataset, embeddings
