"""A prepared data set of random images whose classes differ in brightness."""

from pathlib import Path

import numpy as np

from labelbench_core.datasets import PreparedDataset, RawDataset, RawSplit, open_dataset
from labelbench_core.datasets.preparing.prepare import describe_split
from labelbench_core.seeds import rng_for
from labelbench_core.storage import files, store
from labelbench_core.storage.records import write_record

CLASSES = 10


def random_dataset(folder: Path, rows: int, side: int) -> PreparedDataset:
    """`rows` images in the pool and a tenth of them in the test split, `side` pixels square.

    The brightness tells the class: a network that is trained on noise alone ends by predicting one
    class, which counts as diverged and is tried again.
    """
    rng = rng_for("check-gpu")
    sizes = {"pool": rows, "test": max(CLASSES, rows // 10)}
    splits = {
        name: _noise(rng, np.arange(count, dtype=np.int64) % CLASSES, side)
        for name, count in sizes.items()
    }
    raw = RawDataset([f"class {number}" for number in range(CLASSES)], splits)
    written = {}
    for name, split in splits.items():
        for part, array in (("labels", split.labels), ("images", split.images)):
            written[f"{name}-{part}"] = store.write_array(folder / f"arrays/{name}-{part}", array)
    content = {
        "class_names": raw.class_names,
        "splits": {name: describe_split(split, raw) for name, split in splits.items()},
    }
    manifest = {
        "dataset": "random",
        "root": None,
        "num_classes": CLASSES,
        "arrays": written,
        "fingerprint": files.sha256_bytes(files.canonical_json(content).encode()),
        **content,
    }
    write_record(folder / "manifest.json", "data set", manifest)
    return open_dataset(folder)


def _noise(rng: np.random.Generator, labels: np.ndarray, side: int) -> RawSplit:
    """Images of noise, the later the class the brighter."""
    noise = rng.integers(0, 256 - 16 * CLASSES, (len(labels), side, side, 3), dtype=np.uint8)
    return RawSplit(labels, noise + (16 * labels).astype(np.uint8)[:, None, None, None])
