"""Folders that `save_to_disk` of Hugging Face's package datasets writes, read by pyarrow alone."""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from labelbench_core.errors import InputError, did_you_mean, listed, shown
from labelbench_core.storage.files import read_json
from labelbench_core.storage.places import printable

SPLITS, STATE, INFO_FILE = "dataset_dict.json", "state.json", "dataset_info.json"


def saved_splits(folder: Path) -> list[str]:
    """The names of the splits in a folder; `InputError` if it is not that of a `DatasetDict`."""
    if not (folder / SPLITS).is_file():
        told = f"{printable(folder)}: has no {SPLITS}"
        if (folder / STATE).is_file():
            told += ", but is a single split"
        raise InputError(f"{told}; allowed: what `save_to_disk` of a DatasetDict writes")
    found = read_json(folder / SPLITS)
    names = found.get("splits") if isinstance(found, dict) else None
    if not isinstance(names, list) or not names:
        raise InputError(f"{printable(folder / SPLITS)}: splits: {shown(names)}; allowed: names")
    return names


def split_files(folder: Path) -> list[Path]:
    """The files of a split that are read: what describes it, and its tables in order.

    Raises
    ------
    InputError
        If one is missing, or rows are chosen by indices, as old versions of datasets write them.
    """
    state = read_json(folder / STATE)
    if state.get("_indices_data_files") or state.get("_indices_files"):
        raise InputError(
            f"{printable(folder)}: rows are chosen by indices; allowed: what `save_to_disk` writes "
            "after `flatten_indices()`"
        )
    tables = [folder / one["filename"] for one in state["_data_files"]]
    files = [folder / STATE, folder / INFO_FILE, *tables]
    absent = next((file for file in files if not file.is_file()), None)
    if absent is not None:
        raise InputError(f"{printable(absent)}: file not found")
    return files


def class_names(folder: Path, column: str) -> list[str] | None:
    """The names of the classes of a column of a split; None unless it is a `ClassLabel`."""
    features = read_json(folder / INFO_FILE).get("features") or {}
    feature = features.get(column) or {}
    return list(feature["names"]) if feature.get("_type") == "ClassLabel" else None


def feature_names(folder: Path) -> list[str]:
    """The names of all columns of the splits in a folder; of splits that are damaged, none."""
    found: dict[str, None] = {}
    with contextlib.suppress(InputError):
        for split in saved_splits(folder):
            with contextlib.suppress(InputError):
                found |= dict.fromkeys(read_json(folder / split / INFO_FILE).get("features") or {})
    return list(found)


def read_split(folder: Path, columns: Mapping[str, str]) -> dict[str, list[Any]]:
    """Columns of a split, as Python values.

    Parameters
    ----------
    columns
        The option that names a column → its name.

    Raises
    ------
    InputError
        If pyarrow is not installed, a file is damaged, or a column is missing.
    """
    try:
        import pyarrow  # pyright: ignore[reportMissingImports]  # need not be installed
    except ImportError as error:
        raise InputError(
            f"{printable(folder)}: reading Arrow needs the package pyarrow, which is not "
            "installed; install it (the extra `arrow`)"
        ) from error
    values: dict[str, list[Any]] = {name: [] for name in columns.values()}
    for path in split_files(folder)[2:]:
        try:
            with pyarrow.memory_map(str(path)) as source:
                table = pyarrow.ipc.open_stream(source).read_all()
                _require(path, table.column_names, columns)
                for name, found in values.items():
                    found += table.column(name).to_pylist()
        except (pyarrow.ArrowException, OSError) as error:
            told = " ".join(str(error).split())
            raise InputError(f"{printable(path)}: not a readable Arrow file ({told})") from error
    return values


def _require(path: Path, names: Sequence[str], columns: Mapping[str, str]) -> None:
    for option, name in columns.items():
        if name not in names:
            raise InputError(
                f"{option}: {shown(name)}: {printable(path)} has no such column"
                f"{did_you_mean(name, names)}; allowed: {listed(names)}"
            )
