"""Facts of a campaign: what was handed out and answered, written once and never made again.

A fact is a sealed record (`storage.records`), alone or with other files in a folder of its own, and
names the SHA-256 of the fact before it. It appears whole, or, where its writer is killed, not at
all; what exists is never replaced.
"""

import contextlib
import errno
import os
import shutil
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

from labelbench_core.errors import Damaged, altered
from labelbench_core.storage import files
from labelbench_core.storage.records import read_with_digest


def read_fact(
    path: Path, kind: str, expected: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], str]:
    """A fact and the SHA-256 of its file, with the values `expected`.

    Raises
    ------
    InputError
        If it is missing, or is not as it was written: it has to be restored from a copy.
    """
    if not path.exists():
        raise altered(path, "file not found")
    try:
        return read_with_digest(path, kind, expected)
    except Damaged as error:
        raise altered(error.path, error.problem) from error


def after(sha256: str | None) -> dict[str, str]:
    """What a fact says of the fact before it, given its SHA-256; empty where there is none."""
    return {} if sha256 is None else {"record_sha256": sha256}


def digest_of_file(path: Path, expected: str) -> None:
    """`InputError` unless a file that a fact names has the SHA-256 `expected`."""
    if not path.is_file():
        raise altered(path, "file not found")
    found = files.sha256_file(path)
    if found != expected:
        raise altered(path, f"SHA-256 is {found[:16]}…, expected {expected[:16]}…")


@contextlib.contextmanager
def whole_folder(folder: Path) -> Generator[Path]:
    """A new folder to fill, which becomes `folder` when the block ends without error.

    Raises
    ------
    FileExistsError
        If `folder` is there: what exists is never replaced.
    """
    if folder.exists():
        raise FileExistsError(errno.EEXIST, "a fact is never replaced", str(folder))
    aside = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)  # left by a killed writer: the campaign's lock is held
    try:
        aside.mkdir(parents=True)
        yield aside
        for file in sorted(aside.rglob("*")):
            if file.is_file():
                _sync(file)
        _sync(aside)
        # Fails where another writer was first: a folder with files in it is not replaced.
        os.rename(aside, folder)
        _sync(folder.parent)
    except OSError as error:
        raise files.explain_disk_error(error, folder) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _sync(path: Path) -> None:
    """Wait until a file, or a folder's entries, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # file systems that cannot do this for folders
            raise
    finally:
        os.close(descriptor)


def numbered(folder: Path, stem: str) -> list[Path]:
    """`folder/STEM-001`, `folder/STEM-002`, … as far as they are there.

    Raises
    ------
    InputError
        If one of them is missing although a later one is there.
    """
    found = {}
    for path in folder.glob(f"{stem}-*") if folder.is_dir() else ():
        digits = path.name.removeprefix(f"{stem}-")
        if digits.isdecimal():
            found[int(digits)] = path
    for number in range(1, max(found, default=0) + 1):
        if number not in found:
            raise altered(numbered_path(folder, stem, number), "folder not found")
    return [found[number] for number in sorted(found)]


def numbered_path(folder: Path, stem: str, number: int) -> Path:
    """`folder/STEM-001` for number 1."""
    return folder / f"{stem}-{number:03d}"
