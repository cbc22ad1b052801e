"""SVHN: 73,257 + 26,032 colour images of 32 x 32 pixels, the digits of house numbers.

Netzer et al., "Reading Digits in Natural Images with Unsupervised Feature Learning", NIPS 2011
workshop. Read from the official files `train_32x32.mat` and `test_32x32.mat` in the folder `svhn`
of the data directory; downloaded by torchvision where there is none. The third official file, of
easier extra images, is not used.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np

from labelbench_core.datasets import (
    RawDataset,
    RawSplit,
    Source,
)
from labelbench_core.datasets.file_formats.matlab import read_variable
from labelbench_core.datasets.official_files import fetching
from labelbench_core.datasets.official_files.original import (
    numpy_halves,
    original_sizes,
    with_original_splits,
)
from labelbench_core.errors import InputError

INFO = {
    "summary": "SVHN, cropped digits (format 2), official files",
    "license": "for non-commercial use",
    "paper": "http://ufldl.stanford.edu/housenumbers/nips2011_housenumbers.pdf",
    "num_classes": 10,
}

FOLDER = "svhn"
FILES = {"pool": "train_32x32.mat", "test": "test_32x32.mat"}
SIZES = {"pool": 73_257, "test": 26_032}
MD5 = {
    "train_32x32.mat": ("e26dedcc434d2e4c54c9b2d4a06d8373",),
    "test_32x32.mat": ("eb5a983be6a315427106f1b164d9cef3",),
}
LEAST_BYTES = {"train_32x32.mat": 182_040_794, "test_32x32.mat": 64_275_384}
ZERO = 10  # what the files call the digit 0


def check(
    data_dir: Path,
    *,
    download: bool = True,
    splits: Literal["official", "labelbench"] = "official",
) -> dict[str, int]:
    """Sizes of the splits; `InputError` if files are truncated, or missing without `download`."""
    folder = data_dir / FOLDER
    if folder.exists() or not download:
        fetching.check_sizes(folder, LEAST_BYTES, _mend(folder))
    return original_sizes(SIZES, numpy_halves) if splits == "labelbench" else dict(SIZES)


def source_files(data_dir: Path, **_options: Any) -> Source | None:
    """The official files; None if their folder is missing."""
    return fetching.source_files(data_dir / FOLDER, MD5)


def pool_labels(data_dir: Path, **_options: Any) -> tuple[np.ndarray, list[str]] | None:
    """(N,) labels of the pool and the classes' names; None where the file is still missing."""
    path = data_dir / FOLDER / FILES["pool"]
    return (_labels(path), _class_names()) if path.is_file() else None


def load(
    data_dir: Path,
    *,
    download: bool = True,
    splits: Literal["official", "labelbench"] = "official",
) -> RawDataset:
    """All splits in official order, or in LabelBench's; the label of the digit 0 is 0.

    Parameters
    ----------
    data_dir
        Holds (or will hold) the folder `svhn`.
    download
        Whether to fetch the official files where there are none. Default: ours.
    splits
        "official": pool and test; "labelbench": one half of the official test set is validation,
        the other test, as in LabelBench (arXiv 2306.09910). Default: ours.
    """
    folder = data_dir / FOLDER
    if download and not folder.exists():
        fetching.fetch(folder, _download, FOLDER, _mend(folder))
    check(data_dir, download=False)
    official = {}
    for split, name in FILES.items():
        fetching.check_md5(folder / name, MD5[name], _mend(folder))
        images = np.ascontiguousarray(_variable(folder / name, "X").transpose(3, 0, 1, 2))
        official[split] = RawSplit(_labels(folder / name), images)
    raw = RawDataset(class_names=_class_names(), splits=official)
    return with_original_splits(raw, numpy_halves) if splits == "labelbench" else raw


def _class_names() -> list[str]:
    return [str(digit) for digit in range(10)]


def _labels(path: Path) -> np.ndarray:
    """(N,) int64."""
    return _variable(path, "y").reshape(-1).astype(np.int64) % ZERO


def _variable(path: Path, name: str) -> np.ndarray:
    """An array of a MATLAB file: `X` (32, 32, 3, N) uint8, `y` (N, 1) from 1 to 10."""
    try:
        return read_variable(path, name)
    except InputError as error:
        raise InputError(f"{path}: {error}; {_mend(path.parent)}") from error


def _download(root: Path) -> None:
    """Fetch the official files into `root / FOLDER`."""
    import torchvision

    (root / FOLDER).mkdir()
    for split in ("train", "test"):
        torchvision.datasets.SVHN(str(root / FOLDER), split=split, download=True)


def _mend(folder: Path) -> str:
    """What the user can do about missing or damaged files."""
    return (
        f"put {' and '.join(FILES.values())} of http://ufldl.stanford.edu/housenumbers into "
        f"{folder}, or delete {folder} and run again with internet to have them downloaded"
    )
