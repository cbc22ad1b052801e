"""Splits that the package datasets has saved: where they are, and the cells of their rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelbench_core.datasets import POOL
from labelbench_core.datasets.file_formats.arrow_folder import is_single, saved_splits
from labelbench_core.datasets.files.names import below
from labelbench_core.datasets.folders.split_names import MEANT
from labelbench_core.datasets.tables import split_files
from labelbench_core.datasets.tables.tabular import Cells
from labelbench_core.errors import InputError, did_you_mean, listed, shown
from labelbench_core.storage.places import is_folder, printable


@dataclass(frozen=True)
class SavedCells(Cells):
    """Rows of a split of several Arrow files, which have no lines."""

    def error(self, key: str, row: int, allowed: str, value: str | None = None) -> InputError:
        """The error for a cell, by the number of its row in the split, from 0."""
        text = self.columns[key][row] if value is None else value
        where = f"{printable(self.file)}: row {row}: column {printable(self.names[key])}"
        return InputError(f"{where}: {shown(text)}; allowed: {allowed}")


def split_places(
    data_dir: Path, folder: str, splits: Mapping[str, str] | None, *, single: bool = False
) -> dict[str, Path]:
    """Split → the folder that it was saved in.

    Parameters
    ----------
    folder, splits
        Options of the source.
    single
        Whether a `Dataset` alone, a single split, is taken, too: it is the pool.
    """
    root = below(data_dir, "folder", folder)
    if not folder or not is_folder(root):
        told = f"options.folder: {shown(folder)}: {printable(root)} is not a folder"
        raise InputError(f"{told}; allowed: an existing folder below LABELBENCH_DATA")
    if single and is_single(root):
        if splits is not None:
            told = f"options.splits: {shown(dict(splits))}: {printable(root)} is a single split"
            raise InputError(f"{told}; allowed: leave it out")
        return {POOL: root}
    saved = saved_splits(root)
    chosen = dict(splits or {MEANT.get(name, name): name for name in saved})
    for split, name in chosen.items():
        if name not in saved:
            told = (
                f"options.splits: {split}: {shown(name)} was not saved{did_you_mean(name, saved)}"
            )
            raise InputError(f"{told}; allowed: {listed(saved)}")
    split_files.require_splits(chosen)
    return {split: root / name for split, name in chosen.items()}


def label_text(value: Any, classes: list[str] | None) -> str:
    """A label as a cell: of a `ClassLabel` its class's name, or the number that names none."""
    if classes is not None and isinstance(value, int) and 0 <= value < len(classes):
        return classes[value]
    return "" if value is None else str(value)
