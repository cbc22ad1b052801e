"""Whether a file of weights is as it was saved."""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from pathlib import Path

from labelbench_core.errors import InputError

PIECE = 2**20
"""Bytes that are read at once."""


def check_whole(path: Path, option: str) -> None:
    """`InputError` if a part of a file that torch has written is not as it was saved.

    Such files are zip archives with a checksum (CRC-32) for each part, by which torch does not go
    when it reads them. Other files have none, nor do those that were saved without (0 stands there
    then); what is no archive at all is for its reader to tell.
    """
    with contextlib.suppress(zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        for part in archive.infolist():
            if part.CRC and not _is_whole(archive, part):
                raise InputError(
                    f"{option}: {path}: damaged: {part.filename} in it does not have the checksum "
                    "that was saved with it; copy or save the file again"
                )


def _is_whole(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    try:
        with archive.open(part) as content:
            while content.read(PIECE):
                pass
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return False
    except (NotImplementedError, RuntimeError):  # packed in a way that is not known here
        return True
    return True
