"""Whether folders of arrays hold all files that their manifests name; nothing is hashed.

One `stat` per block: cheap enough for every planning. Contents are verified by the jobs that read
them.
"""

import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from labelbench_core.datasets import DRAWN_FILE, OTHER_FILES
from labelbench_core.storage.row_blocks import CRC_BYTES, INDEX_ENTRY_BYTES, block_path


def what_is_missing(manifest: Path, arrays: Path) -> str | None:
    """The first file that a manifest describes and that is missing or of the wrong size, or None.

    Parameters
    ----------
    manifest
        `manifest.json` of a prepared data set, of embeddings or of views.
    arrays
        The folder that it describes. If manifest or folder is missing altogether, Snakemake sees
        that itself: None.
    """
    if not (manifest.is_file() and arrays.is_dir()):
        return None
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
        expected = dict(_arrays(content))
        listings = list(_listings(content))
        drawn = int(content["drawn"]["bytes"]) if "drawn" in content else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return f"{manifest} is damaged"
    for listing in listings:
        if not (arrays / listing).is_file():
            return f"{arrays / listing} is missing"
    if drawn is not None and (problem := _size_problem(manifest.with_name(DRAWN_FILE), drawn)):
        return problem
    for name, blocks in expected.items():
        if (problem := _array_problem(arrays / name, blocks)) is not None:
            return problem
    return None


def _arrays(manifest: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Name and number of blocks of every array of a data set, or of all its embeddings."""
    for name, array in manifest.get("arrays", {}).items():
        yield str(name), len(array["blocks"])
    for split in manifest["splits"].values():
        for view in split.get("views", {}).values():
            yield str(view["array"]), len(view["blocks"])


def _listings(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Names of the listings of a data set whose images stay in files of their own."""
    listed = 0
    for name, split in manifest["splits"].items():
        if split.get("storage") == "files":
            listed += split["num_rows"]
            yield f"{name}-files.json"
    if (manifest.get("source_files") or {}).get("count", 0) > listed:
        yield OTHER_FILES


def _array_problem(path: Path, num_blocks: int) -> str | None:
    """What is missing from the array in the folder `path`."""
    metadata = path / "zarr.json"
    try:
        described = json.loads(metadata.read_text(encoding="utf-8"))
        shape = described["shape"]
        sizes = _block_sizes(described, num_blocks)
    except FileNotFoundError:
        return f"{metadata} is missing"
    except (ValueError, ArithmeticError, LookupError, TypeError, RecursionError):
        return f"{metadata} is damaged"
    for block in range(num_blocks):
        file = block_path(path, block, len(shape))
        size = sizes[block] if block < len(sizes) else None
        if (problem := _size_problem(file, size)) is not None:
            return problem
    return None


def _size_problem(file: str | Path, size: int | None) -> str | None:
    """What to say of a file that is missing or not of `size` bytes; None: any size will do."""
    try:
        found = os.stat(file).st_size
    except (FileNotFoundError, NotADirectoryError):
        return f"{file} is missing"
    return None if size is None or found == size else f"{file} has {found:,} bytes of {size:,}"


def _block_sizes(described: Mapping[str, Any], num_blocks: int) -> list[int]:
    """Bytes of the first blocks: each has its chunks that hold rows, their checksums, an index."""
    rows, *rest = described["shape"]
    block_rows = described["chunk_grid"]["configuration"]["chunk_shape"][0]
    chunk_rows = described["codecs"][0]["configuration"]["chunk_shape"][0]
    row_bytes = math.prod(rest) * _item_bytes(described["data_type"])
    index = INDEX_ENTRY_BYTES * (block_rows // chunk_rows) + CRC_BYTES
    return [
        math.ceil(min(block_rows, rows - first) / chunk_rows) * (chunk_rows * row_bytes + CRC_BYTES)
        + index
        for first in range(0, rows, block_rows)[:num_blocks]
    ]


def _item_bytes(data_type: str) -> int:
    """Bytes of one value: `float16` has two."""
    return int("".join(filter(str.isdigit, data_type))) // 8
