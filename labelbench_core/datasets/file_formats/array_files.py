"""Arrays from files that people have: NumPy, Parquet, Zarr. Python objects are never unpickled."""

from __future__ import annotations

import contextlib
import json
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.datasets.file_formats._parquet import parquet_reader
from labelbench_core.datasets.files.names import below
from labelbench_core.errors import InputError, did_you_mean, listed, shown
from labelbench_core.storage.places import is_file, is_folder, printable

SUFFIXES = (".npy", ".npz", ".parquet", ".zarr")
FEWEST_FEATURES = 8
"""Columns with the same name but for a number: from so many on, they are taken for embeddings."""
_ENDS = "|".join(re.escape(suffix) for suffix in SUFFIXES)
_FILE_AND_NAME = re.compile(rf"(.*?(?:{_ENDS}))(?::(.+))?", re.IGNORECASE)
_UNPICKLED = (
    "Python objects are never unpickled: save plain numbers, and labels as text by `.astype(str)`"
)
_KINDS = {
    ".npy": "a whole file of numpy.save",
    ".npz": "a whole file of numpy.savez",
    ".parquet": "a whole Parquet file",
    ".zarr": "a whole folder of Zarr",
}
_OF_OBJECTS = "an array of Python objects"


@dataclass(frozen=True)
class ArrayPlace:
    """Where an array is.

    Attributes
    ----------
    path
        The file; a folder, if its name ends in `.zarr`.
    relative
        The same, relative to the data directory.
    name
        Name of the array within it, or of the column; None: it is not named.
    """

    path: Path
    relative: str
    name: str | None

    @property
    def suffix(self) -> str:
        """The end of the file's name, in lower case."""
        return self.path.suffix.lower()

    def __str__(self) -> str:
        return printable(self.path) + (f": {self.name}" if self.name else "")

    def named(self, name: str) -> ArrayPlace:
        """Another array of the same file."""
        return ArrayPlace(self.path, self.relative, name)


def place_of(data_dir: Path, option: str, value: str) -> ArrayPlace:
    """Read `FILE` or `FILE:ARRAY`; `InputError` unless such a file is in the data directory."""
    found = _FILE_AND_NAME.fullmatch(value)
    if found is None:
        told = f"options.{option}: {shown(value)}"
        raise InputError(f"{told}; allowed: FILE or FILE:ARRAY, of a file {listed(SUFFIXES)}")
    path = below(data_dir, option, found[1])
    is_there = is_folder(path) if path.suffix.lower() == ".zarr" else is_file(path)
    if not is_there:
        told = f"options.{option}: {shown(value)}: {printable(path)} is not there"
        raise InputError(
            f"{told}; allowed: an existing file (relative paths start at LABELBENCH_DATA)"
        )
    return ArrayPlace(path, found[1], found[2])


def files_of(place: ArrayPlace) -> list[str]:
    """All files that an array is in, relative to the data directory, sorted."""
    if not place.path.is_dir():
        return [place.relative]
    inside = (path for path in place.path.rglob("*") if path.is_file())
    return sorted(f"{place.relative}/{path.relative_to(place.path)}" for path in inside)


def read_array(
    place: ArrayPlace, usual: Sequence[str], *, alone: bool = False, dense: bool = False
) -> np.ndarray:
    """An array of numbers or text; from `.npy` it is mapped, not loaded.

    Parameters
    ----------
    usual
        Names that are looked for where `place` names none.
    alone
        Without such a name, take the array that is the only one of its file.
    dense
        Whether a row of nothing but zeros is an error where chunks are not there: Zarr reads those
        that are lost as zeros. It does not write chunks of zeros either, so that a row which has
        other values in other chunks may be right.

    Raises
    ------
    InputError
        One line, if the file cannot be read, lacks the array, or holds Python objects.
    """
    readers = {".npy": _from_npy, ".npz": _from_npz, ".parquet": _from_parquet}
    with _readable(place, place.suffix):
        if place.suffix == ".zarr":
            return _from_zarr(place, usual, alone, dense)
        return readers[place.suffix](place, usual, alone)


def shapes_in(path: Path) -> dict[str, tuple[tuple[int, ...], str]]:
    """Name → shape and type of each array of a file; "": one without a name.

    In Parquet, arrays are columns. Columns called alike but for a number (f0, f1, …) are one array
    of two dimensions, and so is a column of lists of numbers, if all are as long as the first.

    Raises
    ------
    InputError
        One line, if the file cannot be read or holds Python objects.
    """
    with _readable(printable(path), path.suffix.lower()):
        if path.suffix.lower() == ".parquet":
            return _columns_in(path)
        if path.suffix.lower() == ".npz":
            with _archive(path) as archive:
                arrays = ((name, _in_archive(path, archive, name)) for name in archive.files)
                return {name: (one.shape, str(one.dtype)) for name, one in arrays}
        if path.suffix.lower() == ".npy":
            node: Any = _mapped(path)
        else:
            import zarr

            node = zarr.open(str(path), mode="r")
            if isinstance(node, zarr.Group):
                return {name: (one.shape, str(one.dtype)) for name, one in node.arrays()}
        return {"": (node.shape, str(node.dtype))}


def _columns_in(path: Path) -> dict[str, tuple[tuple[int, ...], str]]:
    with parquet_reader(printable(path), "save the arrays as .npz") as parquet:
        file = parquet.ParquetFile(path)
        rows = file.metadata.num_rows
        first = next(file.iter_batches(1), None)
        found: dict[str, tuple[tuple[int, ...], str]] = {}
        alike: Counter[str] = Counter()
        for field in file.schema_arrow:
            kind = str(field.type)
            of_numbers = any(one in kind for one in ("float", "double", "halffloat", "int"))
            if "list" in kind and of_numbers and first is not None:
                values = first.column(field.name)[0].as_py() or []
                found[field.name] = (rows, len(values)), kind
            elif "list" not in kind:
                found[field.name] = (rows,), kind
                numbered = re.fullmatch(r"(.*?)[0-9]+", field.name)
                alike[numbered[1] if numbered and of_numbers else ""] += 1
        for prefix, count in alike.items():
            if prefix and count >= FEWEST_FEATURES:
                wide = {f"{prefix}*": ((rows, count), "numbers")}
                found = {k: one for k, one in found.items() if not k.startswith(prefix)} | wide
        return found


@contextlib.contextmanager
def _readable(place: object, suffix: str) -> Iterator[None]:
    """One line in place of what is raised for damaged files; `suffix` is the end of their names."""
    # Codecs of Zarr raise RuntimeError for damaged chunks.
    damages = (ValueError, TypeError, OSError, EOFError, RuntimeError, zipfile.BadZipFile)
    try:
        yield
    except (*damages, zlib.error) as error:
        if isinstance(error, InputError):
            raise
        told, allowed = " ".join(str(error).split()), f"allowed: {_KINDS[suffix]}"
        if "Object arrays" in told or "Python objects" in told:
            told, allowed = _OF_OBJECTS, _UNPICKLED
        elif "pickle" in told:  # what NumPy says of every file that it does not know
            told, allowed = "not a NumPy file, or one of Python objects", _UNPICKLED
        raise InputError(f"{place}: not a readable array ({told}); {allowed}") from error


def _mapped(path: Path) -> np.ndarray:
    """The array of a .npy file."""
    found: Any = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(found, np.ndarray):
        found.close()
        raise ValueError("a file of several arrays, which has to be called .npz")
    return found


def _archive(path: Path) -> Any:
    """The arrays of a .npz file."""
    found: Any = np.load(path, allow_pickle=False)
    if isinstance(found, np.ndarray):
        raise ValueError("a file of one array without a name, which has to be called .npy")
    return found


def _from_npy(place: ArrayPlace, usual: Sequence[str], alone: bool) -> np.ndarray:
    if place.name is not None:
        raise InputError(f"{place}: a .npy file is one array without a name; allowed: FILE alone")
    if not alone:
        raise InputError(
            f"{place}: a .npy file holds no {usual[0]}; allowed: name their file under `{usual[0]}`"
        )
    return _mapped(place.path)


def _in_archive(path: Path, archive: Any, name: str) -> np.ndarray:
    """An array of a .npz file; what is wrong with it is told by its name."""
    with _readable(f"{printable(path)}: {name}", ".npz"):
        return archive[name]


def _from_npz(place: ArrayPlace, usual: Sequence[str], alone: bool) -> np.ndarray:
    with _archive(place.path) as archive:
        return _in_archive(place.path, archive, _chosen(place, archive.files, usual, alone))


def _from_zarr(place: ArrayPlace, usual: Sequence[str], alone: bool, dense: bool) -> np.ndarray:
    import zarr

    node: Any = zarr.open(str(place.path), mode="r")
    if isinstance(node, zarr.Group):
        names = sorted(name for name, _ in node.arrays())
        node = node[_chosen(place, names, usual, alone)]
    elif place.name is not None or not alone:
        told = f"{place}: one array without a name"
        raise InputError(f"{told}; allowed: FILE alone for embeddings, and labels in another file")
    # A codec or a type of objects would unpickle what is in the file.
    codecs = json.dumps(node.metadata.to_dict(), default=str).lower()
    if node.dtype.kind == "O" or "pickle" in codecs:
        raise InputError(f"{place}: {_OF_OBJECTS}; {_UNPICKLED}")
    array = np.asarray(node[:])
    if dense and array.ndim == 2 and node.nchunks_initialized < node.nchunks:
        empty = np.flatnonzero((array == node.fill_value).all(axis=1))
        if len(empty):
            told = f"{place}: row {int(empty[0])}: all values are {node.fill_value}, and"
            there = f"{node.nchunks_initialized} of {node.nchunks} chunks are there"
            raise InputError(f"{told} {there}; allowed: {_KINDS['.zarr']}, or rows with values")
    return array


def _from_parquet(place: ArrayPlace, usual: Sequence[str], alone: bool) -> np.ndarray:
    with parquet_reader(place, "save the arrays as .npz") as parquet:
        names = parquet.read_schema(place.path).names
        wanted = place.name or ""
        if wanted.endswith("*"):
            columns = [name for name in names if name.startswith(wanted[:-1])]
            if not columns:
                raise InputError(f"{place}: no such column; allowed: {listed(names)}")
            table = parquet.read_table(place.path, columns=columns)
            return np.column_stack([_of_column(place, table.column(name)) for name in columns])
        name = _chosen(place, names, usual, alone)
        column = parquet.read_table(place.path, columns=[name]).column(name)
        return _of_column(place.named(name), column)


def _of_column(place: ArrayPlace, column: Any) -> np.ndarray:
    """A column of numbers or text (N,), or of lists of equal length (N, D)."""
    import pyarrow.compute as compute  # pyright: ignore[reportMissingImports]  # as above

    column = column.combine_chunks()
    if "list" not in str(column.type):
        values = column.to_pylist()
        if any(isinstance(value, str) for value in values):
            return np.array(["" if value is None else value for value in values])
        return column.to_numpy(zero_copy_only=False)
    lengths = compute.list_value_length(column).fill_null(-1).to_numpy(zero_copy_only=False)
    if len(lengths) and ((lengths != lengths[0]) | (lengths < 0)).any():
        row = int(np.flatnonzero((lengths != lengths[0]) | (lengths < 0))[0])
        has = "is missing" if lengths[row] < 0 else f"has {lengths[row]} values, row 0 {lengths[0]}"
        raise InputError(f"{place}: row {row} {has}; allowed: as many values in every row")
    values = column.flatten().to_numpy(zero_copy_only=False)
    return values.reshape(len(lengths), -1) if len(lengths) else np.zeros((0, 0))


def _chosen(place: ArrayPlace, names: Sequence[str], usual: Sequence[str], alone: bool) -> str:
    """The array that is meant; `InputError` names those that there are."""
    told = f"{printable(place.path)}: "
    if place.name is not None:
        if place.name in names:
            return place.name
        told += f"no array {shown(place.name)}{did_you_mean(place.name, names)}"
        raise InputError(f"{told}; allowed: {listed(names)}")
    for name in usual:
        if name in names:
            return name
    if alone and len(names) == 1:
        return names[0]
    raise InputError(
        f"{told}no array {listed(usual)}; allowed: FILE:ARRAY with one of its {len(names)} arrays: "
        f"{listed(names)}"
    )
