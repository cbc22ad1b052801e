"""Folders that `save_to_disk` of Hugging Face's package datasets writes, read by pyarrow alone."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from labelbench_core.errors import InputError, did_you_mean, listed, shown
from labelbench_core.storage.files import read_json
from labelbench_core.storage.places import printable

SPLITS, STATE, INFO_FILE = "dataset_dict.json", "state.json", "dataset_info.json"
BYTES = ("binary", "large_binary")
"""Types of columns of bytes, as features and Arrow call them."""


def is_single(folder: Path) -> bool:
    """Whether a folder is that of a `Dataset` alone, a single split, not of a `DatasetDict`."""
    return (folder / STATE).is_file() and not (folder / SPLITS).is_file()


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
    named = state.get("_data_files") if isinstance(state, dict) else None
    entries = named if isinstance(named, list) else []
    names = [str(one["filename"]) for one in entries if isinstance(one, dict) and "filename" in one]
    if not names or len(names) != len(entries):
        told = f"{printable(folder / STATE)}: _data_files: {shown(named)}"
        raise InputError(f"{told}; allowed: names of files, as `save_to_disk` writes them")
    if state.get("_indices_data_files") or state.get("_indices_files"):
        raise InputError(
            f"{printable(folder)}: rows are chosen by indices; allowed: what `save_to_disk` writes "
            "after `flatten_indices()`"
        )
    tables = [folder / name for name in names]
    files = [folder / STATE, folder / INFO_FILE, *tables]
    absent = next((file for file in files if not file.is_file()), None)
    if absent is not None:
        raise InputError(f"{printable(absent)}: file not found")
    return files


def class_names(folder: Path, column: str) -> list[str] | None:
    """The names of the classes of a column of a split; None unless it is a `ClassLabel`."""
    feature = _features(folder).get(column) or {}
    return list(feature["names"]) if feature.get("_type") == "ClassLabel" else None


def image_columns(folder: Path) -> list[str]:
    """The columns of a split that hold images: of the feature `Image`, or else of bytes."""
    features = _features(folder)
    images = [name for name, one in features.items() if one.get("_type") == "Image"]
    return images or [name for name, one in features.items() if one.get("dtype") in BYTES]


def splits_in(folder: Path) -> list[Path]:
    """The folders of all splits in a folder: itself, where it is a single split."""
    return [folder] if is_single(folder) else [folder / name for name in saved_splits(folder)]


def feature_names(folder: Path) -> list[str]:
    """The names of all columns of the splits in a folder; of splits that are damaged, none."""
    found: dict[str, None] = {}
    with contextlib.suppress(InputError):
        for split in splits_in(folder):
            with contextlib.suppress(InputError):
                found |= dict.fromkeys(_features(split))
    return list(found)


def holds_images(folder: Path) -> bool:
    """Whether a split in a folder has columns of images; splits that are damaged have none."""
    with contextlib.suppress(InputError):
        for split in splits_in(folder):
            with contextlib.suppress(InputError):
                if image_columns(split):
                    return True
    return False


def _features(folder: Path) -> dict[str, Any]:
    """Column of a split → what datasets calls its feature."""
    found = read_json(folder / INFO_FILE)
    features = found.get("features") if isinstance(found, dict) else None
    if not isinstance(features, dict):
        return {}
    return {name: one for name, one in features.items() if isinstance(one, dict)}


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
    values: dict[str, list[Any]] = {name: [] for name in columns.values()}
    for path in _tables(folder):
        with _opened(path) as stream:
            table = stream.read_all()
            _require(path, table.column_names, columns)
            for name, found in values.items():
                found += table.column(name).to_pylist()
    return values


def check_images(folder: Path, option: str, column: str) -> None:
    """`InputError` unless a column of a split holds images in all its tables.

    `option` is what names the column.
    """
    for path in _tables(folder):
        with _opened(path) as stream:
            _require(path, stream.schema.names, {option: column})
            kind = stream.schema.field(column).type
        parts = {part.name: str(part.type) for part in kind} if kind.num_fields else {}
        if str(kind) not in BYTES and parts.get("bytes") not in BYTES:
            told = f"{option}: {shown(column)}: {printable(path)} has no images there, but {kind}"
            raise InputError(f"{told}; allowed: a column of the feature `Image`, or of bytes")


def read_images(folder: Path, column: str) -> Iterator[tuple[bytes | None, str | None]]:
    """Content of each image of a split, in order, and the path that was saved with it.

    Where there is no content, the image is in the file of that path. One image at a time is held.
    """
    for path in _tables(folder):
        with _opened(path) as stream:
            for batch in stream:
                for cell in batch.column(column):
                    value = cell.as_py()
                    if isinstance(value, dict):
                        yield value["bytes"], value.get("path")
                    else:
                        yield value, None


def image_paths(folder: Path, column: str) -> Iterator[str]:
    """The paths of the images of a split that are in files of their own; no image is read."""
    for path in _tables(folder):
        with _opened(path) as stream:
            for batch in stream:
                cells = batch.column(column)
                if not cells.type.num_fields or not cells.field("bytes").null_count:
                    continue
                held = cells.field("bytes").is_valid().to_pylist()
                for is_held, name in zip(held, cells.field("path").to_pylist(), strict=True):
                    if not is_held and name is not None:
                        yield name


def _tables(folder: Path) -> list[Path]:
    """The files of a split that hold its rows, in order."""
    return split_files(folder)[2:]


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The record batches of a table; `InputError` where they cannot be read."""
    try:
        import pyarrow  # pyright: ignore[reportMissingImports]  # need not be installed
    except ImportError as error:
        raise InputError(
            f"{printable(path.parent)}: reading Arrow needs the package pyarrow, which is not "
            "installed; install it (the extra `arrow`)"
        ) from error
    try:
        with pyarrow.memory_map(str(path)) as source:
            yield pyarrow.ipc.open_stream(source)
    except (pyarrow.ArrowException, OSError) as error:
        told = " ".join(str(error).split())
        raise InputError(f"{printable(path)}: not a readable Arrow file ({told})") from error


def _require(path: Path, names: Sequence[str], columns: Mapping[str, str]) -> None:
    for option, name in columns.items():
        if name not in names:
            raise InputError(
                f"{option}: {shown(name)}: {printable(path)} has no such column"
                f"{did_you_mean(name, names)}; allowed: {listed(names)}"
            )
