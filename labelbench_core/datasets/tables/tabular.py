"""Data sets whose table says where each image is: labels, splits and groups from its columns.

The sources that read tables share this. Only the table is opened; each folder is listed once.
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from labelbench_core.datasets import (
    POOL,
    TEST,
    VAL,
    RawDataset,
    RawSplit,
    Source,
    class_counts,
    split_order,
)
from labelbench_core.datasets.file_formats.columns import cell_error, row_name
from labelbench_core.datasets.files.left_out import EXAMPLES, LeftOut
from labelbench_core.datasets.files.names import lacks_classes, require_classes, same_name
from labelbench_core.datasets.folders.split_names import MEANT, SPLIT_NAME
from labelbench_core.datasets.labels.unlabeled import NO_LABEL
from labelbench_core.datasets.labels.whole_names import MARKED, first_mark, whole_names
from labelbench_core.datasets.source_files.digests import NOT_THERE
from labelbench_core.datasets.splits.drawing import Draw
from labelbench_core.errors import InputError, did_you_mean, listed, shown
from labelbench_core.storage.places import printable

KNOWN = {**{one: one for one in (POOL, TEST, VAL)}, **MEANT}
"""Values that are splits' names, in upper or lower case → the split."""
WHOLE = re.compile(r"0|[1-9][0-9]{0,17}")
# An empty part, `.` or `..`: absolute paths begin with an empty part.
_NO_PLAIN_PATH = re.compile(r"(?:^|/)\.{0,2}(?:/|$)")


@dataclass(frozen=True)
class Cells:
    """Some rows of a table file.

    Attributes
    ----------
    file
        The table.
    names
        What a column is for → its name in the file.
    columns
        What a column is for → its N cells.
    rows
        (N,) int64: which rows of the file these are, from 0.
    """

    file: Path
    names: Mapping[str, str]
    columns: Mapping[str, list[str]]
    rows: np.ndarray

    def take(self, rows: np.ndarray) -> "Cells":
        """These rows alone, in that order."""
        places = rows.tolist()
        taken = {key: [cells[one] for one in places] for key, cells in self.columns.items()}
        return Cells(self.file, self.names, taken, self.rows[rows])

    def error(self, key: str, row: int, allowed: str, value: str | None = None) -> InputError:
        """The error for a cell of these rows; `value` is what it holds, None: its text."""
        text = self.columns[key][row] if value is None else value
        return cell_error(self.file, int(self.rows[row]), self.names[key], text, allowed)

    def codes(self, key: str) -> tuple[np.ndarray, list[str]]:
        """(N,) int64 numbers of a column's values, and the values in order of first appearance.

        `InputError` for a cell that is empty or blank.
        """
        cells = self.columns[key]
        known = {value: number for number, value in enumerate(dict.fromkeys(cells))}
        numbers = np.fromiter(map(known.__getitem__, cells), np.int64, len(cells))
        for value, number in known.items():
            if not value.strip():
                rows = np.flatnonzero(numbers == number)
                more = f" ({len(rows):,} rows are such)" if len(rows) > 1 else ""
                cure = ": leave out rows without a label" if key == "label" else ""
                raise self.error(key, int(rows[0]), f"a cell that is not empty{more}{cure}")
        return numbers, list(known)


def all_cells(file: Path, names: Mapping[str, str], columns: Mapping[str, list[str]]) -> Cells:
    """All rows of a table; `InputError` if there are none."""
    count = len(next(iter(columns.values())))
    if not count:
        raise InputError(
            f"{printable(file)}: has no rows below its names of columns; allowed: one or more"
        )
    return Cells(file, names, columns, np.arange(count))


@dataclass(frozen=True)
class Tabular:
    """A data set that a table describes.

    Attributes
    ----------
    folder
        Folder, within the data directory, that all paths are relative to.
    cells
        The rows that are in a split; column "path" has the images.
    below
        Folder within `folder` that the table's paths are relative to.
    labels
        (N,) int64, or (N, C) uint8 of 0 and 1.
    splits
        Split → its rows, ascending.
    groups
        (N,) int64 places in `group_names`, -1 for a row of no group; None without groups.
    weights
        (N,) float32; None without weights.
    others
        Files, relative to `folder`, that are read beside the images.
    """

    folder: str
    cells: Cells
    below: str
    labels: np.ndarray
    class_names: list[str]
    splits: Mapping[str, np.ndarray]
    others: tuple[str, ...]
    groups: np.ndarray | None = None
    weights: np.ndarray | None = None
    group_names: list[str] = field(default_factory=list)
    left_out: Mapping[str, Mapping] = field(default_factory=dict)
    draw: Draw | None = None

    def files(self) -> list[str]:
        """Paths of all images, relative to `folder`."""
        prefix = "" if self.below in ("", ".") else f"{self.below}/"
        return [prefix + path for path in self.cells.columns["path"]]

    def where(self, file: str) -> str:
        """The table and the place in it that name a file."""
        told = str(self.cells.error("path", self.files().index(file), "")).split(": column ")[0]
        return os.path.basename(told)

    def raw(self, *, image_size: int, ground: str, corrupt: str) -> RawDataset:
        """The index of all images, as `prepare` reads it."""
        files = self.files()
        splits = {
            split: RawSplit(
                self.labels[rows],
                files=[files[row] for row in rows.tolist()],
                groups=None if self.groups is None else self.groups[rows],
                weights=None if self.weights is None else self.weights[rows],
            )
            for split, rows in self.splits.items()
        }
        return RawDataset(
            class_names=self.class_names,
            splits=splits,
            root=self.folder,
            image_size=image_size,
            ground=ground,
            skip_corrupt=corrupt == "skip",
            left_out=self.left_out,
            group_names=self.group_names,
            draw=self.draw,
            where=self.where,
        )

    def source(self, data_dir: Path) -> Source:
        """All images that are in a split, and the files that say so."""
        return Source(Path(data_dir, self.folder), sorted({*self.files(), *self.others}))

    def check(self, data_dir: Path, *, allow_missing_classes: bool, corrupt: str) -> dict[str, int]:
        """Sizes of the splits; `InputError` for a file or a class that is not there."""
        labeled = self.labels.ndim > 1 or bool((self.labels != NO_LABEL).any())
        require_classes(self.class_names, printable(self.cells.file), labeled=labeled)
        if corrupt == "error":
            self._check_files(Path(data_dir, self.folder))
        for split, rows in self.splits.items():
            if self.labels.ndim == 1 and (self.labels[rows] == NO_LABEL).all():
                continue
            required = split == POOL or (split in (VAL, TEST) and not allow_missing_classes)
            counts = class_counts(self.labels[rows], len(self.class_names))
            missing = np.flatnonzero(counts == 0)
            if required and len(missing):
                names = [self.class_names[label] for label in missing]
                file = printable(self.cells.file)
                raise lacks_classes(file, split, "image", names, may_lack=split != POOL)
        return {split: len(rows) for split, rows in self.splits.items()}

    def _check_files(self, root: Path) -> None:
        """`InputError` unless all images are there; every folder is listed once."""
        base = root / self.below
        present: dict[str, frozenset[str]] = {}
        missing = []
        for row, path in enumerate(self.cells.columns["path"]):
            folder, _, name = path.rpartition("/")
            if folder not in present:
                present[folder] = _files_in(base / folder)
            if name not in present[folder]:
                missing.append(row)
        if missing:
            path = base / self.cells.columns["path"][missing[0]]
            hint = ", its folders separated by `/`" if "\\" in path.name else ""
            raise self.cells.error(
                "path",
                missing[0],
                f"an existing file{hint}; {printable(path)} is not ({len(missing)} of "
                f"{len(self.labels)} are missing): put it there, or leave such rows out by the "
                "option `corrupt: skip`",
            )


def check_paths(cells: Cells) -> None:
    """`InputError` unless all paths stay below their folder and each stands once."""
    paths = cells.columns["path"]
    bad = next((row for row, path in enumerate(paths) if _NO_PLAIN_PATH.search(path)), None)
    if bad is not None:
        below = "a path below the folder of images, without empty parts, `.` or `..`"
        raise cells.error("path", bad, "a cell that is not empty" if not paths[bad] else below)
    if len(set(paths)) == len(paths):
        return
    first: dict[str, int] = {}
    for row, path in enumerate(paths):
        before = first.setdefault(path, row)
        if before != row:
            where = row_name(cells.file, int(cells.rows[before]))
            raise cells.error("path", row, f"each image once; it also stands in {where}")


def split_rows(
    cells: Cells, splits: Mapping[str, str] | None
) -> tuple[Cells, dict[str, np.ndarray], LeftOut]:
    """The rows that are in a split, each split's places among them, and what is left out.

    Parameters
    ----------
    splits
        Value of column "split" → the split that it means; rows of other values are left out. None:
        the values are the splits' names, or as folders may be called (`MEANT`).
    """
    numbers, values = cells.codes("split")
    if splits is None:
        meant = {value: KNOWN.get(value.strip().lower(), value) for value in values}
    else:
        meant = dict(splits)
        for value in meant:
            if value not in values:
                raise InputError(
                    f"{printable(cells.file)}: column {printable(cells.names['split'])} has no "
                    f"value {shown(value)}, which `splits` names{did_you_mean(value, values)}; "
                    f"allowed: {listed(sorted(values))}"
                )
    for value, split in meant.items():
        if not SPLIT_NAME.fullmatch(split):
            told = f"{printable(cells.file)}: split {shown(split)}, of value {shown(value)}"
            raise InputError(f"{told}; allowed: a name of a-z, 0-9 and -")
    left_out = LeftOut()
    for number, value in enumerate(values):
        if value not in meant:
            rows = np.flatnonzero(numbers == number)
            leave_out(left_out, f"of split {value}, which `splits` does not name", cells, rows)
    names = sorted(set(meant.values()), key=split_order)
    of_value = np.array([names.index(meant[one]) if one in meant else -1 for one in values])
    return *keep_rows(cells, of_value[numbers], names), left_out


def keep_rows(
    cells: Cells, of_row: np.ndarray, names: Sequence[str]
) -> tuple[Cells, dict[str, np.ndarray]]:
    """The rows that are in a split, and each split's places among them.

    `of_row` (N,) holds places in `names`, -1 for a row of no split. `InputError` unless the
    pool has rows.
    """
    kept = np.flatnonzero(of_row >= 0)
    found = {}
    for place, name in enumerate(names):
        found[name] = np.flatnonzero(of_row[kept] == place)
    if not len(found.get(POOL, ())):
        has = listed(sorted(name for name, rows in found.items() if len(rows)))
        raise InputError(f"{printable(cells.file)}: no row is in split {POOL}; it has: {has}")
    return cells.take(kept), {name: rows for name, rows in found.items() if len(rows)}


def leave_out(left_out: LeftOut, reason: str, cells: Cells, rows: np.ndarray) -> None:
    """Count rows that are in no split, and name the first of them."""
    for place, row in enumerate(rows[:EXAMPLES].tolist()):
        count = 1 if place else len(rows) - min(len(rows), EXAMPLES) + 1
        left_out.add(reason, cells.columns["path"][row], count)


def labels_of(
    cells: Cells, names: Sequence[str] | None, where: str = ""
) -> tuple[np.ndarray, list[str]]:
    """Labels (N,) int64 of column "label", and the classes' names in order.

    Parameters
    ----------
    names
        The classes, in order: cells are all names or, as the first row decides, all whole numbers
        from 0. Where a class is itself called by a whole number, cells are names. None: the classes
        are the cells, sorted, as numbers where all are; whole numbers as floats are integers.
    where
        What says which classes there are, for messages.
    """
    numbers, values = cells.codes("label")
    values = whole_names([same_name(value) for value in values], names)
    if names is None:
        if (mark := first_mark(values)) is not None:
            row = int(np.argmax(numbers == values.index(mark)))
            raise cells.error("label", row, MARKED)
        names = in_order(set(values))
    named_by_number = any(map(WHOLE.fullmatch, names))
    if WHOLE.fullmatch(values[0]) and not named_by_number:
        place = {str(number): number for number in range(len(names))}
        allowed = f"a whole number from 0 to {len(names) - 1}, the classes of {where}"
    else:
        place = {name: number for number, name in enumerate(names)}
        allowed = f"one of the {len(names)} classes of {where}"
    labels = [place.get(value, -1) for value in values]
    if -1 in labels:
        wrong = labels.index(-1)
        hint = did_you_mean(values[wrong], place)
        raise cells.error("label", int(np.argmax(numbers == wrong)), f"{allowed}{hint}")
    return np.array(labels, np.int64)[numbers], list(names)


def named_labels(cells: Cells) -> tuple[np.ndarray, list[str]]:
    """As `labels_of`, where column "label" has numbers from 0 and column "class" their names."""
    numbers, values = cells.codes("label")
    values = whole_names(values)
    wrong = next((place for place, one in enumerate(values) if not WHOLE.fullmatch(one)), None)
    if wrong is not None:
        allowed = "a whole number from 0, whose name is in `class_column`"
        raise cells.error("label", int(np.argmax(numbers == wrong)), allowed)
    codes, names = cells.codes("class")
    pairs, first = np.unique(numbers * len(names) + codes, return_index=True)
    name_of: dict[int, str] = {}
    label_of: dict[str, int] = {}
    for place in np.argsort(first).tolist():
        label, name = int(values[pairs[place] // len(names)]), names[pairs[place] % len(names)]
        row = int(first[place])
        if name_of.setdefault(label, name) != name:
            allowed = f"{name_of[label]!r}, as in the rows of label {label} before"
            raise cells.error("class", row, allowed)
        if label_of.setdefault(name, label) != label:
            raise cells.error("class", row, f"another name; label {label_of[name]} has this one")
    absent = next((label for label in range(max(name_of)) if label not in name_of), None)
    if absent is not None:
        raise InputError(
            f"{printable(cells.file)}: column {printable(cells.names['label'])}: no row has label "
            f"{absent}, of 0 to {max(name_of)}; allowed: numbers without a gap, or names of all "
            "classes by `classes`"
        )
    ordered = [name_of[label] for label in range(len(name_of))]
    return np.array(list(map(int, values)), np.int64)[numbers], ordered


def groups_of(cells: Cells) -> tuple[np.ndarray, list[str]]:
    """Groups (N,) int64 of column "group", and their names: sorted, as numbers where all are."""
    numbers, values = cells.codes("group")
    values = whole_names([same_name(value) for value in values])
    names = in_order(set(values))
    place = {name: number for number, name in enumerate(names)}
    return np.array([place[value] for value in values], np.int64)[numbers], names


def in_order(values: Iterable[str]) -> list[str]:
    """Sorted: as numbers where all are whole numbers, else as text."""
    values = list(values)
    return sorted(values, key=int if all(map(WHOLE.fullmatch, values)) else None)


def _files_in(folder: Path) -> frozenset[str]:
    """Names of the regular files in a folder, links followed; none if it is not there."""
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries if entry.is_file())
    except OSError as error:
        if error.errno in NOT_THERE:
            return frozenset()
        raise InputError(f"{printable(folder)}: cannot be listed ({error.strerror})") from error
    except ValueError:  # of a name with a null character, which no folder has
        return frozenset()
