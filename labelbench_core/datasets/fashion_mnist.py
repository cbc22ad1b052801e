"""Fashion-MNIST: 60,000 + 10,000 grey images of 28 x 28 pixels in 10 classes of clothing.

Xiao, Rasul & Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
Algorithms", 2017. Read from the four IDX files: in the data directory, as torchvision lays them
out, or as Debian's package `dataset-fashion-mnist` installs them; else downloaded by torchvision.
"""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from labelbench_core.datasets import (
    RawDataset,
    RawSplit,
    Source,
)
from labelbench_core.datasets.official_files import fetching
from labelbench_core.errors import InputError

INFO = {
    "summary": "Fashion-MNIST, from Debian's package, a folder, or a download",
    "license": "MIT",
    "paper": "https://arxiv.org/abs/1708.07747",
    "num_classes": 10,
}

TORCHVISION_FOLDER = "FashionMNIST/raw"
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
PREFIX = {"pool": "train", "test": "t10k"}
SIZES = {"pool": 60_000, "test": 10_000}
# The authors' compressed files, and Debian's, which hold the same data compressed again.
MD5 = {
    "train-images-idx3-ubyte.gz": (
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "cf8536b0aa1a6ac5fa3f23001093305c",
    ),
    "train-labels-idx1-ubyte.gz": (
        "25c81989df183df01b3e8a0aad5dffbe",
        "10bea18fdb374794d4bb42e356e600c9",
    ),
    "t10k-images-idx3-ubyte.gz": (
        "bef4ecab320f06d8554ea6380940ec79",
        "f78720b4224f21cce2f2ccf2d7a94c9a",
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "bb300cfdad3c16e7a12a480ee83cd310",
        "0d30e22e447f3c33dab9ed536400ac01",
    ),
}
# Debian's sizes: the authors' files are a few bytes longer, since they name themselves.
LEAST_BYTES = {
    "train-images-idx3-ubyte.gz": 26_421_856,
    "train-labels-idx1-ubyte.gz": 29_491,
    "t10k-images-idx3-ubyte.gz": 4_422_079,
    "t10k-labels-idx1-ubyte.gz": 5_125,
}


def check(data_dir: Path, *, download: bool = True) -> dict[str, int]:
    """Sizes of the splits; `InputError` if files are truncated, or missing without `download`."""
    folder = _find(data_dir)
    if folder.exists() or not download:
        fetching.check_sizes(folder, LEAST_BYTES, _mend(folder))
    return dict(SIZES)


def source_files(data_dir: Path, *, download: bool = True) -> Source | None:
    """The official files in the first folder that exists; None if there is none."""
    return fetching.source_files(_find(data_dir), MD5)


def pool_labels(data_dir: Path, *, download: bool = True) -> tuple[np.ndarray, list[str]] | None:
    """(N,) labels of the pool and the classes' names; None where the files are still missing."""
    path = _find(data_dir) / f"{PREFIX['pool']}-labels-idx1-ubyte.gz"
    if not path.is_file():
        return None
    return read_idx(path).astype(np.int64), list(CLASS_NAMES)


def load(data_dir: Path, *, download: bool = True) -> RawDataset:
    """Both splits in official order, the grey value in all three channels.

    Parameters
    ----------
    data_dir
        Looked into first, for `FashionMNIST/raw` and `fashion-mnist`.
    download
        Whether to fetch the official files where there are none. Default: ours.
    """
    folder = _find(data_dir)
    if download and not folder.exists():
        fetching.fetch(folder, _download, TORCHVISION_FOLDER, _mend(folder))
    check(data_dir, download=False)
    for name, allowed in MD5.items():
        fetching.check_md5(folder / name, allowed, _mend(folder))
    splits = {}
    for split, prefix in PREFIX.items():
        images = read_idx(folder / f"{prefix}-images-idx3-ubyte.gz")
        labels = read_idx(folder / f"{prefix}-labels-idx1-ubyte.gz")
        splits[split] = RawSplit(labels.astype(np.int64), np.repeat(images[..., None], 3, axis=-1))
    return RawDataset(class_names=list(CLASS_NAMES), splits=splits)


def read_idx(path: Path) -> np.ndarray:
    """A gzip-compressed IDX file of bytes, any number of axes; `InputError` if it is damaged."""
    try:
        with gzip.open(path, "rb") as handle:
            raw = handle.read()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{path}: not a complete gzip file ({error}); {_mend(path.parent)}"
        ) from error
    if len(raw) < 4 or raw[:3] != b"\x00\x00\x08":
        raise InputError(f"{path}: not an IDX file of bytes; {_mend(path.parent)}")
    start = 4 + 4 * raw[3]
    shape = np.frombuffer(raw[4:start], ">i4").tolist()
    if len(raw) != start + math.prod(shape):
        raise InputError(
            f"{path}: {len(raw)} bytes do not match shape {shape}; {_mend(path.parent)}"
        )
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def _find(data_dir: Path) -> Path:
    """The first folder that exists; the one to download into if none does."""
    candidates = [data_dir / TORCHVISION_FOLDER, data_dir / "fashion-mnist", DEBIAN_FOLDER]
    return next((folder for folder in candidates if folder.exists()), candidates[0])


def _download(root: Path) -> None:
    """Fetch the official files under `root`."""
    import torchvision

    torchvision.datasets.FashionMNIST(str(root), download=True)


def _mend(folder: Path) -> str:
    """What the user can do about missing or damaged files."""
    return (
        f"apt-get install dataset-fashion-mnist (Debian), or put the four .gz files of "
        f"https://github.com/zalandoresearch/fashion-mnist into {folder}, or delete {folder} and "
        "run again with internet to have them downloaded"
    )
