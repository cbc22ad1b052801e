"""CIFAR-10: 50,000 + 10,000 colour images of 32 x 32 pixels in 10 classes.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009. Read from the official
folder `cifar-10-batches-py` in the data directory; downloaded by torchvision where there is none.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np

from labelbench_core.datasets import RawDataset, Source
from labelbench_core.datasets.official_files import cifar_batches

INFO = {
    "summary": "CIFAR-10, official python version",
    "license": "none stated by its authors",
    "paper": "https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf",
    "num_classes": 10,
}

LAYOUT = cifar_batches.Layout(
    folder="cifar-10-batches-py",
    pool={f"data_batch_{number}": 10_000 for number in range(1, 6)},
    test={"test_batch": 10_000},
    meta="batches.meta",
    names_key=b"label_names",
    labels_key=b"labels",
    torchvision_class="CIFAR10",
    md5={
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
        "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
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
