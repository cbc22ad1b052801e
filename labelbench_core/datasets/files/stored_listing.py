"""Listings of a data set's files: written by `prepare`, opened without parsing all of them.

A listing is JSON, one line for each file: its path and the SHA-256 of its content. A million lines
are compared with their hash and split in a fraction of a second; each is parsed when it is asked
for.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import overload

from labelbench_core.storage import files, store


class StoredListing(Sequence[tuple[str, str]]):
    """Path and SHA-256 of each file.

    Parameters
    ----------
    lines
        A JSON list of both for each file, perhaps with a comma after it.
    """

    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, row: int) -> tuple[str, str]: ...
    @overload
    def __getitem__(self, row: slice) -> "StoredListing": ...
    def __getitem__(self, row: int | slice) -> "tuple[str, str] | StoredListing":
        """The path and the SHA-256 of a file, or some lines of the listing."""
        if isinstance(row, slice):
            return StoredListing(self._lines[row])
        path, digest = json.loads(self._lines[row].removesuffix(b","))
        return path, digest


def write_listing(path: Path, listed: Iterable[tuple[str, str]]) -> str:
    """Write a listing; the SHA-256 of its bytes.

    Parameters
    ----------
    path
        File to write to.
    listed
        Path and SHA-256 of each file; a path may have any bytes but NUL.
    """
    # A path's new lines are written as escapes: a line of the file is a line of the list.
    encoded = encode_basestring_ascii
    lines = [f"[{encoded(name)},{encoded(digest)}]" for name, digest in listed]
    content = "\n".join(["[", *([",\n".join(lines)] if lines else []), "]", ""]).encode("ascii")
    with files.atomic_path(path) as aside:
        aside.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def read_listing(path: Path, sha256: str | None) -> StoredListing:
    """A listing as it was written; `InputError` if it is missing or damaged.

    Parameters
    ----------
    path
        The file.
    sha256
        SHA-256 of its bytes, as the manifest says.
    """
    content = files.read_bytes(path, "prepare_dataset")
    if hashlib.sha256(content).hexdigest() != sha256:
        raise store.damaged_array(path, "content does not match its SHA-256 in the manifest")
    return StoredListing(content.split(b"\n")[1:-2])
