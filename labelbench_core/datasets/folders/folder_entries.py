"""What is in one folder of a user's own: files, folders, and what systems leave behind."""

import os
from pathlib import Path

from labelbench_core.datasets.files.left_out import HIDDEN, LeftOut
from labelbench_core.errors import InputError
from labelbench_core.storage.places import printable

# What archives, file servers and desktops leave behind, in lower case. None is a class or a split.
LEFTOVERS = frozenset(
    {
        "#recycle", "#snapshot", "$recycle.bin", "@eadir", "@recently-snapshot", "@recycle",
        "@synoresource", "@tmp", "__macosx", "__pycache__", "desktop.ini", "ehthumbs.db", "icon\r",
        "lost+found", "network trash folder", "system volume information", "temporary items",
        "thumbs.db",
    }
)  # fmt: skip


def entries_of(
    root: Path, folder: str, left_out: LeftOut, counted_in: str = ""
) -> list[os.DirEntry[str]]:
    """What is in a folder, sorted by name; hidden entries and leftovers are only counted."""
    try:
        with os.scandir(root / folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(
            f"{printable(root / folder)}: cannot be listed ({error.strerror})"
        ) from error
    kept = []
    for entry in found:
        if entry.name.startswith(".") or entry.name.lower() in LEFTOVERS:
            path = f"{folder}/{entry.name}" if folder else entry.name
            left_out.add(HIDDEN, path, 1, counted_in)
        else:
            kept.append(entry)
    return kept


def kind_of(entry: os.DirEntry[str]) -> str:
    """Folder, file, broken link or special, links followed, with few system calls."""
    try:
        if entry.is_file():
            return "file"
        if entry.is_dir():
            return "folder"
        if entry.is_symlink():
            os.stat(entry.path)
    except OSError:  # a broken link, or a cycle of links
        return "broken link"
    return "special"


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry in place of a split or a class is a folder."""
    kind = kind_of(entry)
    if kind == "broken link":
        raise InputError(
            f"{printable(entry.path)}: a broken link; fix it (is a disk not mounted?) or remove it"
        )
    return kind == "folder"


def files_below(folder: str) -> tuple[int, str]:
    """Number of entries that are not folders in all of `folder`, and the first of them."""
    count, first = 0, ""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        if names and not first:
            first = os.path.relpath(os.path.join(parent, min(names)), folder)
        count += len(names)
    return count, first
