"""CIFAR-100: 50,000 + 10,000 colour images of 32 x 32 pixels in 100 (fine) classes.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009. Read from the official
folder `cifar-100-python` in the data directory; downloaded by torchvision where there is none.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np

from labelbench_core.datasets import RawDataset, Source
from labelbench_core.datasets.official_files import cifar_batches

INFO = {
    "summary": "CIFAR-100, official python version, fine labels",
    "license": "none stated by its authors",
    "paper": "https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf",
    "num_classes": 100,
}

LAYOUT = cifar_batches.Layout(
    folder="cifar-100-python",
    pool={"train": 50_000},
    test={"test": 10_000},
    meta="meta",
    names_key=b"fine_label_names",
    labels_key=b"fine_labels",
    torchvision_class="CIFAR100",
    md5={
        "train": "16019d7e3df5f24257cddd939b257f8d",
        "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
        "meta": "7973b15100ade9c7d40fb424638fde48",
    },
)


def check(
    data_dir: Path,
    *,
    download: bool = True,
    splits: Literal["official", "labelbench"] = "official",
) -> dict[str, int]:
    """Sizes of the splits; `InputError` if files are truncated, or missing without `download`."""
    return cifar_batches.check(LAYOUT, data_dir, download=download, splits=splits)


def source_files(data_dir: Path, **_options: Any) -> Source | None:
    """The official files; None if their folder is missing."""
    return cifar_batches.source_files(LAYOUT, data_dir)


def pool_labels(data_dir: Path, **_options: Any) -> tuple[np.ndarray, list[str]] | None:
    """(N,) labels of the pool and the classes' names; None if the official folder is missing."""
    return cifar_batches.pool_labels(LAYOUT, data_dir)


def load(
    data_dir: Path,
    *,
    download: bool = True,
    splits: Literal["official", "labelbench"] = "official",
) -> RawDataset:
    """All splits in official order, or in LabelBench's.

    Parameters
    ----------
    data_dir
        Holds (or will hold) the official folder.
    download
        Whether to fetch the official archive where there is none. Default: ours.
    splits
        "official": pool and test; "labelbench": one half of the official test set is validation,
        the other test, as in LabelBench (arXiv 2306.09910). Default: ours.
    """
    return cifar_batches.load(LAYOUT, data_dir, download=download, splits=splits)
