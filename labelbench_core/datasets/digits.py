"""The handwritten digits of scikit-learn: 1,797 images of 8 x 8 pixels in 10 classes.

Alpaydin & Kaynak, "Optical Recognition of Handwritten Digits", UCI 1998. Nothing to download.
Split once and for all into 1,297 images of pool and 500 of test, every class in proportion.
"""

from pathlib import Path

import numpy as np

from labelbench_core.datasets import RawDataset, RawSplit
from labelbench_core.seeds import rng_for

INFO = {
    "summary": "scikit-learn's 8 x 8 digits, in the package: no download",
    "license": "CC BY 4.0",
    "paper": "https://doi.org/10.24432/C50P49",
    "num_classes": 10,
}

TEST_SIZE = 500
NUM_IMAGES = 1797
BRIGHTEST = 16.0


def check(data_dir: Path) -> dict[str, int]:
    """Sizes of the splits: always the same."""
    return {"pool": NUM_IMAGES - TEST_SIZE, "test": TEST_SIZE}


def pool_labels(data_dir: Path) -> tuple[np.ndarray, list[str]]:
    """(N,) labels of the pool and the classes' names."""
    raw = load(data_dir)
    return raw.splits["pool"].labels, raw.class_names


def load(data_dir: Path) -> RawDataset:
    """Both splits, in the order of scikit-learn; grey 0..16 becomes 0..255 in all channels."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    grey = np.rint(digits.images * (255.0 / BRIGHTEST)).astype(np.uint8)
    images = np.repeat(grey[..., None], 3, axis=-1)
    labels = digits.target.astype(np.int64)
    test = stratified_test(labels, TEST_SIZE)
    pool = np.setdiff1d(np.arange(len(labels)), test)
    return RawDataset(
        class_names=[str(name) for name in digits.target_names],
        splits={
            "pool": RawSplit(labels[pool], images[pool]),
            "test": RawSplit(labels[test], images[test]),
        },
    )


def stratified_test(labels: np.ndarray, size: int) -> np.ndarray:
    """Sorted indices of `size` test images, classes in proportion (largest remainders first)."""
    counts = np.bincount(labels)
    shares = counts * size / len(labels)
    quota = np.floor(shares).astype(np.int64)
    most_cut = np.argsort(quota - shares, kind="stable")[: size - quota.sum()]
    quota[most_cut] += 1
    rng = rng_for("split", "digits")
    chosen = [
        rng.choice(np.flatnonzero(labels == label), size=quota[label], replace=False)
        for label in range(len(counts))
    ]
    return np.sort(np.concatenate(chosen))
