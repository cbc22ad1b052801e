"""Official files: where they are, whether they are complete, and how they are fetched."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from labelbench_core.datasets import Source
from labelbench_core.errors import InputError
from labelbench_core.storage import files


def check_sizes(folder: Path, sizes: Mapping[str, int], mend: str) -> None:
    """`InputError` unless every file of `folder` is there with at least its size in bytes."""
    for name, size in sizes.items():
        path = folder / name
        if not path.is_file():
            raise InputError(f"{path}: file not found; {mend}")
        found = path.stat().st_size
        if found < size:
            raise InputError(f"{path}: truncated ({found} bytes, expected at least {size}); {mend}")


def check_md5(path: Path, allowed: tuple[str, ...], mend: str) -> None:
    """`InputError` unless the MD5 of the file at `path` is an allowed one."""
    if not path.is_file():
        raise InputError(f"{path}: file not found; {mend}")
    with open(path, "rb") as handle:
        found = hashlib.file_digest(handle, "md5").hexdigest()
    if found not in allowed:
        raise InputError(f"{path}: MD5 is {found}, expected {' or '.join(allowed)}; {mend}")


def source_files(folder: Path, md5: Mapping[str, tuple[str, ...]]) -> Source | None:
    """The official files that are there; None if their folder is missing."""
    if not folder.is_dir():
        return None
    return Source(folder, sorted(name for name in md5 if (folder / name).is_file()), md5)


def fetch(folder: Path, download: Callable[[Path], object], inside: str, mend: str) -> None:
    """Make `folder` by `download(aside)`, which leaves it at `aside / inside`, unless it exists.

    Downloads to a temporary folder and renames it, so that an interrupted download is never
    mistaken for data; two jobs do not fetch at once.
    """
    with files.exclusive(folder):
        if folder.exists():
            return
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            download(aside)
            os.replace(aside / inside, folder)
        except (OSError, RuntimeError) as error:
            raise InputError(
                f"{folder}: not found, and the download failed ({error}); {mend}"
            ) from error
        finally:
            shutil.rmtree(aside, ignore_errors=True)
