"""Class folders that are not taken, by the names that the option `leave_out` has."""

import os
from collections.abc import Collection
from pathlib import Path
from unicodedata import normalize

from labelbench_core.datasets.files.left_out import NOT_TAKEN, LeftOut
from labelbench_core.datasets.folders.folder_entries import files_below
from labelbench_core.errors import InputError, did_you_mean, listed, shown
from labelbench_core.storage.places import printable


def is_left_out(
    entry: os.DirEntry[str], path: str, left_out: LeftOut, names: Collection[str]
) -> bool:
    """Whether a folder is not taken for its name; its files are then counted."""
    named = {one for one in names if _same(one, entry.name)}
    if not named:
        return False
    left_out.named.update(named)
    count, first = files_below(entry.path)
    left_out.add(NOT_TAKEN, f"{path}/{first}" if first else path, count or 1)
    return True


def check_left_out(
    root: Path, left_out: LeftOut, folders: Collection[str], names: Collection[str]
) -> None:
    """`InputError` for a name that no folder has, which would leave nothing out.

    `folders` are the paths of those of classes that are taken.
    """
    for name in names:
        if name not in left_out.named:
            known = sorted({*map(printable, map(os.path.basename, folders)), *left_out.named})
            alike = [one for one in known if one.casefold() == name.casefold()]
            raise InputError(
                f"options.leave_out: {shown(name)}: {printable(root)} has no class folder of this "
                f"name{did_you_mean(alike[0] if alike else name, known)}; allowed: {listed(known)}"
            )


def _same(name: str, other: str) -> bool:
    """Whether two names are one in Unicode's NFC, as names of classes are compared."""
    return name == other or normalize("NFC", name) == normalize("NFC", other)
