"""Arrays on disk: Zarr v3, sharded along the first axis, read by memory map without importing zarr.

One array is one folder. A shard ("block") holds `block_rows` rows and is one file; its inner chunks
are uncompressed, each followed by its CRC-32C, so that rows are read in place. Zarr itself is
imported by the functions that write, not by those that read: a round of selection starts in a
fraction of the time that `import zarr` alone takes.
"""

import contextlib
import json
import logging
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from labelbench_core.errors import InputError
from labelbench_core.storage import files
from labelbench_core.storage.row_blocks import RowBlocks, block_path, damaged_array, open_rows

__all__ = [
    "RowBlocks",
    "block_path",
    "check_array",
    "create_array",
    "damaged_array",
    "open_described",
    "open_rows",
    "rows_per_block",
    "verify",
    "write_array",
    "write_block",
]
log = logging.getLogger(__name__)
INNER_CHUNKS = 8

if TYPE_CHECKING:  # what is used of Zarr, whose own annotations are incomplete

    class _ZarrArray(Protocol):
        shape: tuple[int, ...]
        dtype: np.dtype
        ndim: int
        chunks: tuple[int, ...]
        shards: tuple[int, ...] | None

        def __setitem__(self, where: slice, rows: np.ndarray) -> None: ...

    class _Zarr(Protocol):
        config: Any

        def create_array(self, store: str, **settings: Any) -> _ZarrArray: ...

        def open_array(self, store: str, *, mode: str) -> _ZarrArray: ...


def _zarr() -> "_Zarr":
    """Zarr, imported late."""
    import zarr

    return cast("_Zarr", zarr)


def rows_per_block(row_bytes: int, num_rows: int, *, target: int = 16 << 20) -> int:
    """Rows that make a block of about `target` bytes: a multiple of 8, no more than needed."""
    wanted = min(max(1, target // max(1, row_bytes)), max(1, num_rows))
    return math.ceil(wanted / INNER_CHUNKS) * INNER_CHUNKS


def create_array(
    path: str | Path, shape: Sequence[int], dtype: np.dtype | str, block_rows: int
) -> None:
    """Make an empty array in the new folder `path`; `block_rows` is a multiple of 8."""
    from zarr.codecs import Crc32cCodec

    if block_rows <= 0 or block_rows % INNER_CHUNKS:
        raise ValueError(
            f"block_rows = {block_rows}: must be a positive multiple of {INNER_CHUNKS}"
        )
    rest = tuple(shape[1:])
    try:
        _zarr().create_array(
            str(path),
            shape=tuple(shape),
            dtype=np.dtype(dtype),
            shards=(block_rows, *rest),
            chunks=(block_rows // INNER_CHUNKS, *rest),
            filters=None,
            compressors=[Crc32cCodec()],
            fill_value=0,
        )
    except OSError as error:
        raise files.explain_disk_error(error, path) from error


def write_block(path: str | Path, index: int, rows: np.ndarray) -> str:
    """Write block `index` of the array in `path`, durably; return the SHA-256 of its file.

    Raises
    ------
    ValueError
        If `rows` are not all rows of that block, or not of the array's dtype.
    InputError
        If the disk is full; blocks written before stay as they are.
    """
    zarr = _zarr()
    # Chunks that equal the fill value must exist too: a missing chunk means "never written".
    with zarr.config.set({"array.write_empty_chunks": True}):
        array = zarr.open_array(str(path), mode="r+")
        block_rows = (array.shards or array.chunks)[0]
        first = index * block_rows
        expected = (min(block_rows, array.shape[0] - first), *array.shape[1:])
        if rows.shape != expected or rows.dtype != array.dtype:
            raise ValueError(
                f"block {index} of {path}: {rows.dtype} {rows.shape}, "
                f"expected {array.dtype} {expected}"
            )
        target = block_path(path, index, array.ndim)
        try:
            array[first : first + len(rows)] = rows
            with open(target, "rb") as handle:
                os.fsync(handle.fileno())
        except OSError as error:
            raise files.explain_disk_error(error, target) from error
    return files.sha256_file(target)


def write_array(path: str | Path, rows: np.ndarray) -> dict[str, Any]:
    """Write a whole array; return its entry for a manifest: shape, dtype, blocks' SHA-256."""
    block_rows = rows_per_block(rows[:1].nbytes, len(rows))
    create_array(path, rows.shape, rows.dtype, block_rows)
    blocks = [
        write_block(path, index, rows[first : first + block_rows])
        for index, first in enumerate(range(0, len(rows), block_rows))
    ]
    return {"shape": list(rows.shape), "dtype": str(rows.dtype), "blocks": blocks}


def verify(path: str | Path, described: Mapping[str, Any], record: str | Path) -> RowBlocks:
    """Open the array in `path`, its blocks checked against the SHA-256 in its manifest.

    A block is hashed only if its size or times are not those recorded in the JSON file `record` at
    the last check; when nothing changed, this costs one `stat` a block. `record` is state of this
    machine: without it everything is hashed once more. Several arrays may share one, and several
    processes may write it at once (the last one wins, the others hash again).

    Parameters
    ----------
    described
        What the manifest says of the array: `shape`, `dtype` and `blocks`.

    Raises
    ------
    InputError
        Naming the first block that is missing, or whose content is not what was written.
    """
    rows = open_described(path, described)
    record = Path(record)
    name = os.path.realpath(path)
    found: files.Json = _read_record(record).get(name)
    seen = found if isinstance(found, list) else []
    current = _hash_changed(rows, described["blocks"], seen)
    if current != seen:
        _write_record(record, name, current)
    return rows


def open_described(path: str | Path, described: Mapping[str, Any]) -> RowBlocks:
    """Open the array in `path`; `InputError` unless it is as large as its manifest says."""
    path = Path(path)
    rows = open_rows(path)
    for key, found in (("shape", list(rows.shape)), ("dtype", str(rows.dtype))):
        if found != described[key]:
            expected = f"{key} is {found}, {described[key]} in the manifest"
            raise damaged_array(path / "zarr.json", expected)
    if rows.num_blocks != len(described["blocks"]):
        expected = f"{rows.num_blocks} blocks, {len(described['blocks'])} in the manifest"
        raise damaged_array(path / "zarr.json", expected)
    return rows


def check_array(path: str | Path, described: Mapping[str, Any]) -> RowBlocks:
    """As `verify`, but every block is hashed, whatever was seen before."""
    rows = open_described(path, described)
    _hash_changed(rows, described["blocks"], [])
    return rows


def _hash_changed(rows: RowBlocks, blocks: Sequence[str], seen: Sequence[Any]) -> list[list[Any]]:
    """Hash the blocks that are not as in `seen`; [size, times of content and status, SHA-256]."""
    paths = [rows.file_of_block(index) for index in range(rows.num_blocks)]
    current: list[list[Any]] = []
    for file, digest in zip(paths, blocks, strict=True):
        status = os.stat(file)
        # Nobody can set the second time, so that tools which preserve the first cannot hide a
        # change.
        current.append([status.st_size, status.st_mtime_ns, status.st_ctime_ns, digest])
    changed = [i for i, entry in enumerate(current) if i >= len(seen) or seen[i] != entry]
    if changed:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
            digests = pool.map(files.sha256_file, [paths[index] for index in changed])
            for index, digest in zip(changed, digests, strict=True):
                if digest != blocks[index]:
                    raise damaged_array(
                        paths[index], "content does not match its SHA-256 in the manifest"
                    )
    return current


def _read_record(record: Path) -> dict[str, Any]:
    """The content of `record`; empty if it is missing or unreadable: then all is hashed again."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        known: files.Json = json.loads(record.read_text(encoding="utf-8"))
        if isinstance(known, dict):
            return known
    return {}


def _write_record(record: Path, name: str, current: list[list[Any]]) -> None:
    """Add `name` to `record`; if that cannot be written, the next check hashes again."""
    try:
        files.write_json(record, {**_read_record(record), name: current})
    except (OSError, InputError) as error:
        log.info("%s: cannot be written (%s)", record, error)
