"""Reading arrays: Zarr v3 shards by memory map, with the standard library and NumPy only.

Import it through `labelbench_core.storage.store`; this file is its reading half.
"""

import functools
import io
import math
import mmap
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from labelbench_core import errors
from labelbench_core.errors import InputError, shown
from labelbench_core.storage import files

MISSING_CHUNK = 2**64 - 1
CRC_BYTES = 4
INDEX_ENTRY_BYTES = 16
"""Offset and length of a chunk in the index of a shard."""


class RowBlocks:
    """A Zarr v3 array, sharded along axis 0, read by memory map.

    Attributes
    ----------
    path
        The array's folder.
    shape, dtype
        As of a NumPy array; axis 0 counts the rows.
    """

    def __init__(
        self, path: Path, shape: tuple[int, ...], dtype: np.dtype, block_rows: int, chunk_rows: int
    ) -> None:
        self.path, self.shape, self.dtype = path, shape, dtype
        self._block_rows, self._chunk_rows = block_rows, chunk_rows
        self._maps: dict[int, mmap.mmap] = {}
        self._offsets = [self._read_index(block) for block in range(self.num_blocks)]

    def __len__(self) -> int:
        return self.shape[0]

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """(first row, read-only view of consecutive rows), in order, without copying."""
        for chunk in range(math.ceil(len(self) / self._chunk_rows)):
            yield chunk * self._chunk_rows, self._chunk(chunk)

    def take(self, indices: np.ndarray) -> np.ndarray:
        """A (k, ...) copy of the rows `indices`, in that order; `IndexError` if one is outside."""
        indices = np.asarray(indices, dtype=np.int64)
        rows = np.empty((len(indices), *self.shape[1:]), self.dtype)
        if not len(indices):
            return rows
        if indices.min() < 0 or indices.max() >= len(self):
            raise IndexError(f"rows {indices.min()}..{indices.max()} of an array with {len(self)}")
        if not indices.size:
            return rows
        order = np.argsort(indices, kind="stable")
        chunks = indices[order] // self._chunk_rows
        starts = np.flatnonzero(np.diff(chunks, prepend=-1))
        for start, stop in zip(starts, [*starts[1:], len(order)], strict=True):
            chunk, where = int(chunks[start]), order[start:stop]
            rows[where] = self._chunk(chunk)[indices[where] - chunk * self._chunk_rows]
        return rows

    def load(self) -> np.ndarray:
        """All rows in memory, copied once (by `read`, which costs no page faults)."""
        rows = np.empty(self.shape, self.dtype)
        for block, offsets in enumerate(self._offsets):
            with open(self.file_of_block(block), "rb", buffering=0) as handle:
                for number, offset in enumerate(offsets):
                    first = block * self._block_rows + number * self._chunk_rows
                    target = rows[first : first + self._chunk_rows].reshape(-1).view(np.uint8)
                    handle.seek(offset)
                    _fill(handle, target.data)
        return rows

    @property
    def num_blocks(self) -> int:
        """Number of blocks, each one file."""
        return math.ceil(len(self) / self._block_rows)

    def file_of_block(self, block: int) -> Path:
        """The file of block `block`."""
        return block_path(self.path, block, len(self.shape))

    def _chunk(self, chunk: int) -> np.ndarray:
        """Read-only view of the rows of inner chunk `chunk`, counted over the whole array."""
        first = chunk * self._chunk_rows
        count = min(self._chunk_rows, len(self) - first)
        block, number = divmod(chunk, self._block_rows // self._chunk_rows)
        if block not in self._maps:
            with open(self.file_of_block(block), "rb") as handle:
                self._maps[block] = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
        view = np.frombuffer(
            self._maps[block],
            self.dtype,
            count=count * math.prod(self.shape[1:]),
            offset=self._offsets[block][number],
        )
        return view.reshape(count, *self.shape[1:])

    def _read_index(self, block: int) -> list[int]:
        """Byte offsets, within its shard, of the inner chunks of `block` that hold rows."""
        path = self.file_of_block(block)
        per_block = self._block_rows // self._chunk_rows
        index_bytes = INDEX_ENTRY_BYTES * per_block + CRC_BYTES
        try:
            with open(path, "rb") as handle:
                size = handle.seek(0, os.SEEK_END)
                if size < index_bytes:
                    raise damaged_array(path, f"truncated to {size} bytes")
                handle.seek(size - index_bytes)
                raw = handle.read(index_bytes)
        except FileNotFoundError as error:
            raise damaged_array(path, "block is missing") from error
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from error
        if crc32c(raw[:-CRC_BYTES]) != int.from_bytes(raw[-CRC_BYTES:], "little"):
            raise damaged_array(
                path, "shard index does not match its checksum: truncated or damaged"
            )
        entries = np.frombuffer(raw, "<u8", count=2 * per_block).reshape(-1, 2).tolist()
        rows = min(self._block_rows, len(self) - block * self._block_rows)
        expected = self._chunk_rows * math.prod(self.shape[1:]) * self.dtype.itemsize + CRC_BYTES
        offsets: list[int] = []
        for offset, length in entries[: math.ceil(rows / self._chunk_rows)]:
            if offset == MISSING_CHUNK:
                raise damaged_array(path, "rows were never written")
            if length != expected or offset + length > size - index_bytes:
                raise damaged_array(path, "truncated, or its size is not that in zarr.json")
            offsets.append(offset)
        return offsets


def open_rows(path: str | Path) -> RowBlocks:
    """Open the array in folder `path`; `InputError` if it is missing, truncated or of another kind.

    Contents are not hashed here; see `verify`.
    """
    path = Path(path)
    metadata = files.read_json(path / "zarr.json")
    try:
        shape = tuple(int(size) for size in metadata["shape"])
        block_shape = metadata["chunk_grid"]["configuration"]["chunk_shape"]
        sharding = metadata["codecs"][0]["configuration"]
        chunk_shape = sharding["chunk_shape"]
        dtype = np.dtype(metadata["data_type"]).newbyteorder("<")
        inner = [codec["name"] for codec in sharding["codecs"]]
        endian = sharding["codecs"][0].get("configuration", {}).get("endian", "little")
        outer = [codec["name"] for codec in metadata["codecs"]]
        index = [codec["name"] for codec in sharding["index_codecs"]]
        location = sharding.get("index_location", "end")
        version = (metadata["zarr_format"], metadata["node_type"])
        keys = metadata["chunk_key_encoding"]
        plain_keys = keys.get("name") == "default" and (
            keys.get("configuration", {}).get("separator", "/") == "/"
        )
        whole_rows = list(shape[1:]) == list(block_shape[1:]) == list(chunk_shape[1:])
        block_rows, chunk_rows = int(block_shape[0]), int(chunk_shape[0])
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise damaged_array(
            path / "zarr.json", f"not a sharded Zarr v3 array ({error!r})"
        ) from error
    _require(path, version == (3, "array"), "a Zarr v3 array", version)
    _require(path, outer == ["sharding_indexed"], "the codec sharding_indexed", outer)
    _require(path, inner == ["bytes", "crc32c"], "the inner codecs bytes, crc32c", inner)
    _require(path, endian == "little", "little-endian values", endian)
    _require(path, index == ["bytes", "crc32c"], "the index codecs bytes, crc32c", index)
    _require(path, location == "end", "the shard index at the end", location)
    _require(path, plain_keys, "chunk files named c/0/0", keys)
    _require(path, whole_rows, "shards and chunks of whole rows", (block_shape, chunk_shape))
    divides = block_rows > 0 and chunk_rows > 0 and block_rows % chunk_rows == 0
    _require(path, divides, "chunks that divide shards", (block_shape, chunk_shape))
    _require(path, bool(shape) and min(shape) >= 0, "a shape of whole numbers", shape)
    return RowBlocks(path, shape, dtype, block_rows, chunk_rows)


def block_path(path: str | Path, index: int, ndim: int) -> Path:
    """The file of block `index` of an array with `ndim` axes."""
    return Path(path, "c", str(index), *["0"] * (ndim - 1))


def damaged_array(path: Path, problem: str) -> InputError:
    """The error for a damaged array file, with how to have it made again."""
    arrays = path
    while arrays.name != "arrays" and arrays != arrays.parent:
        arrays = arrays.parent
    folder = arrays if arrays.name == "arrays" else path.parent
    return errors.damaged(path, problem, f"the folder {folder}")


def _require(path: Path, holds: bool, wanted: str, found: object) -> None:
    """`InputError` unless `holds`."""
    if not holds:
        raise damaged_array(path / "zarr.json", f"expected {wanted}, found {shown(found)}")


def _fill(handle: io.FileIO, target: memoryview) -> None:
    """Read until `target` is full (one `read` returns at most 2 GiB)."""
    done = 0
    while done < len(target):
        count = handle.readinto(target[done:])
        if not count:
            raise damaged_array(Path(handle.name), "truncated while it was read")
        done += count


@functools.cache
def _crc_table() -> list[int]:
    """The table of CRC-32C (Castagnoli), reflected polynomial 0x82F63B78."""
    table: list[int] = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


def crc32c(data: bytes) -> int:
    """CRC-32C of a few bytes (a shard index), byte by byte."""
    table, value = _crc_table(), 0xFFFFFFFF
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF
