"""Which columns of a table name files. Only for `guessing`."""

import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from labelbench_core.datasets.folders.split_names import is_split_name, split_meant
from labelbench_core.datasets.images.formats import READ_SUFFIXES

TRIED = 50
"""Rows whose cells are looked for as files."""
ENDS_OF = 1000
"""Files of a folder whose names' ends are looked at."""


def path_columns(
    root: Path, columns: Mapping[str, Sequence[str]], given: str | None
) -> tuple[str, list[str]]:
    """What cells lack to be files' names, nothing mostly, and the columns that name files then."""
    found: list[str] = []
    if given is None:
        found = [name for name, cells in columns.items() if _are_files(root, cells)]
    if found or not root.is_dir():
        return "", found
    with os.scandir(root) as entries:
        ends = {Path(one.name).suffix for one in itertools.islice(entries, ENDS_OF)}
    images = sorted(end for end in ends if end.lower() in READ_SUFFIXES)
    for end in images if given is None else [given]:
        cells_of = {name: [f"{one}{end}" for one in cells] for name, cells in columns.items()}
        found = [name for name, cells in cells_of.items() if _are_files(root, cells)]
        if found:
            return end, found
    return "", []


def _are_files(root: Path, cells: Sequence[str]) -> bool:
    filled = [one for one in cells if one.strip()][:TRIED]
    # Most of the files are enough: those that are missing or broken are for the check to name.
    # Paths of Windows count, too, so that the check says what is wrong with them.
    files = [root / one.replace("\\", "/") for one in filled]
    # Not `Path.is_file`, which raises for what cannot be a name, such as a long text.
    return bool(filled) and 2 * sum(map(os.path.isfile, files)) > len(filled)


def splits_of_paths(paths: Sequence[str]) -> list[str]:
    """The folders that paths begin with, if all are called as splits, and one as the pool."""
    firsts = sorted({one.partition("/")[0] if "/" in one else "" for one in paths})
    meant = {split_meant(one) for one in firsts}
    is_split = len(meant) > 1 and "pool" in meant and all(map(is_split_name, firsts))
    return firsts if is_split else []
