"""What data sets in the files of WILDS share: which files they need, and what planning asks."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from labelbench_core.datasets import POOL, Source
from labelbench_core.datasets.tables.tabular import Tabular
from labelbench_core.errors import InputError
from labelbench_core.storage.places import is_file, printable


@dataclass(frozen=True)
class WildsFiles:
    """A data set of WILDS, read without its package.

    The methods `check`, `source_files` and `pool_labels` are a source's functions of these names.

    Attributes
    ----------
    name
        With its version, such as "FMoW 1.1".
    folder
        What WILDS unpacks its archive to: the default of the option `folder`.
    needed
        Files and folders that have to be there; the first is the table.
    layout
        These files and folders in words, for the message.
    read
        Called with the data directory, the folder, and a source's further options.
    allow_missing_classes
        The default of the option of this name.
    """

    name: str
    folder: str
    needed: tuple[str, ...]
    layout: str
    read: Callable[..., Tabular]
    allow_missing_classes: bool

    def tabular(self, data_dir: Path, *, folder: str | None = None, **options: Any) -> Tabular:
        """What the table says; `InputError` for what is missing."""
        folder = self.folder if folder is None else folder
        for name in self.needed:
            path = Path(data_dir, folder, name)
            if not os.path.exists(path):  # not `Path.exists`, which raises for too long a name
                raise InputError(
                    f"{printable(path)}: not found; get {self.name} from WILDS "
                    f"(https://wilds.stanford.edu) and unpack it there: {self.layout}"
                )
        return self.read(data_dir, folder, **options)

    def check(
        self,
        data_dir: Path,
        *,
        allow_missing_classes: bool | None = None,
        corrupt: Literal["error", "skip"] = "error",
        **options: Any,
    ) -> dict[str, int]:
        """Sizes of the splits; `InputError` for what is missing."""
        if allow_missing_classes is None:
            allow_missing_classes = self.allow_missing_classes
        found = self.tabular(data_dir, **options)
        return found.check(data_dir, allow_missing_classes=allow_missing_classes, corrupt=corrupt)

    def source_files(
        self, data_dir: Path, *, folder: str | None = None, **options: Any
    ) -> Source | None:
        """The images and the tables; None if the first of these is not there."""
        if not is_file(Path(data_dir, folder or self.folder, self.needed[0])):
            return None
        return self.tabular(data_dir, folder=folder, **options).source(data_dir)

    def pool_labels(
        self, data_dir: Path, *, corrupt: Literal["error", "skip"] = "error", **options: Any
    ) -> tuple[np.ndarray, list[str]] | None:
        """(N,) labels of the pool and the classes' names; None where files may be left out."""
        if corrupt == "skip":
            return None
        found = self.tabular(data_dir, **options)
        return found.labels[found.splits[POOL]], found.class_names
