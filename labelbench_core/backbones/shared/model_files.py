"""The content of files of weights, as a hash."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from labelbench_core.storage.files import sha256_file
from labelbench_core.storage.places import is_file

EXTERNAL = ("", ".data", "_data")
"""What follows a file's name: nothing; and at files with the weights of an ONNX file."""


def file_sha256(path: Path, digest: Callable[[Path], str] = sha256_file) -> str:
    """SHA-256 of a file, together with that of the file beside it with its weights, if any.

    `digest` is called with each of them.
    """
    digests = [digest(one) for one in parts_of(path)]
    together = hashlib.sha256(" ".join(digests).encode()).hexdigest()
    return digests[0] if len(digests) == 1 else together


def parts_of(path: Path) -> Iterable[Path]:
    """A file, and those beside it that are part of it."""
    beside = [path.with_name(path.name + ending) for ending in EXTERNAL]
    return [one for one in beside if is_file(one)]
