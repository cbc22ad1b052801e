"""Folders that are not classes: named by the option `leave_out`, or without images."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from unicodedata import normalize

from labelbench_core.datasets.files.left_out import NOT_TAKEN, LeftOut
from labelbench_core.datasets.folders.folder_entries import LEFTOVERS, files_below
from labelbench_core.errors import InputError, did_you_mean, listed, shown
from labelbench_core.storage.places import printable

NOTES = (
    ".bib", ".cfg", ".csv", ".doc", ".docx", ".htm", ".html", ".ini", ".ipynb", ".json", ".jsonl",
    ".log", ".md", ".pdf", ".py", ".rst", ".sh", ".toml", ".tsv", ".txt", ".xls", ".xlsx", ".xml",
    ".yaml", ".yml", "authors", "changelog", "license", "makefile", "readme",
)  # fmt: skip
"""Ends of the names of files that nobody takes for images."""


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

    `folders` are the paths of the class folders that are taken.
    """
    for name in names:
        if name not in left_out.named:
            known = sorted({*map(printable, map(os.path.basename, folders)), *left_out.named})
            alike = [one for one in known if one.casefold() == name.casefold()]
            raise InputError(
                f"options.leave_out: {shown(name)}: {printable(root)} has no class folder of this "
                f"name{did_you_mean(alike[0] if alike else name, known)}; allowed: {listed(known)}"
            )


def take_no_junk(
    root: Path,
    splits: Mapping[str, dict[str, list[str]]],
    folders: Mapping[str, Mapping[str, str]],
) -> list[str]:
    """Remove classes whose folders hold notes and nothing else; return what is told of them.

    Any other folder without an image may be meant as a class. It stays, and is then an error: an
    empty folder, one with images in other places or with files of unknown kinds, or one without
    which there would be fewer than two classes.

    Parameters
    ----------
    splits
        Split → class → paths of its images.
    folders
        Split → class → its folder's path.
    """
    filled = {label for found in splits.values() for label, paths in found.items() if paths}
    named: dict[str, list[str]] = {}
    for found in folders.values():
        for label in {*found} - filled:
            named.setdefault(label, []).append(found[label])
    if len(filled) < 2:
        return []
    junk = [
        label for label, paths in named.items() if all(_holds_notes(root / one) for one in paths)
    ]
    for found in splits.values():
        for label in junk:
            found.pop(label, None)
    there = sorted(f"{printable(one)}/" for label in junk for one in named[label])
    return [f"no classes, since they hold notes but no image: {listed(there)}"] if junk else []


def _holds_notes(folder: Path) -> bool:
    """Whether there are files below a folder, and all of them are notes, by their names."""
    names = [one.lower() for _, _, found in os.walk(folder) for one in found]
    told = [one for one in names if not one.startswith(".") and one not in LEFTOVERS]
    return bool(told) and all(one.endswith(NOTES) for one in told)


def _same(name: str, other: str) -> bool:
    """Whether two names are one in Unicode's NFC, as names of classes are compared."""
    return name == other or normalize("NFC", name) == normalize("NFC", other)
