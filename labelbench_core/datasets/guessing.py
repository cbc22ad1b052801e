"""What a file that no catalogue names could be: a table of images or of texts, or embeddings.

Only for `--check`, which prints each guess beside what it rests on: an entry never guesses.
"""

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from labelbench_core.datasets._arrays import shapes_in
from labelbench_core.datasets._columns import JSON_LINES, SUFFIXES, column_names, read_columns
from labelbench_core.datasets._formats import READ_SUFFIXES
from labelbench_core.datasets.one_line import one_line
from labelbench_core.errors import InputError, listed

ARRAYS = (".npy", ".npz", ".zarr")
LABELS = ("label", "labels", "class", "category", "target", "intent", "y")
SPLIT_OF = {"train": "pool", "pool": "pool", "test": "test", "val": "val", "validation": "val"}
WORDS = 3
"""Median number of words from which a column is taken for texts."""
MOST_CLASSES = 1000
VALUES = 3
"""Values of a column that are shown."""
LONGEST = 40
TRIED = 50
"""Rows whose cells are looked for as files."""


@dataclass(frozen=True)
class Guess:
    """What a file seems to be.

    Attributes
    ----------
    source
        Source of data sets; empty: nothing fits.
    options
        Those that were guessed; without the file itself where `source` is `table`.
    lines
        What was found, and what was guessed from it, to print.
    """

    source: str
    options: Mapping[str, Any]
    lines: Sequence[str]


def is_array_file(path: Path) -> bool:
    """Whether a path is called as files of arrays are."""
    return path.suffix.lower() in ARRAYS


def table_beside_images(folder: Path) -> Path | None:
    """The only table of a folder whose images are in no folders of classes, if there is one."""
    inside = [one for one in sorted(folder.iterdir()) if not one.name.startswith(".")]
    tables = [one for one in inside if one.suffix.lower() in SUFFIXES and one.is_file()]
    folders = [one for one in inside if one.is_dir()]
    images = any(one.name.lower().endswith(READ_SUFFIXES) for one in inside)
    return tables[0] if len(tables) == 1 and (images or len(folders) <= 1) else None


def guess_table(path: Path, inside: str, given: Mapping[str, Any]) -> Guess:
    """A table of images, if a column names files, or of texts, if one is long.

    Parameters
    ----------
    inside
        The table's path in the data directory.
    given
        Options that are known: they are not guessed.
    """
    columns = _columns(path)
    lines = [f"{path}: {len(next(iter(columns.values()), [])):,} rows; columns:"]
    lines += [f"  {name}: {_described(cells)}" for name, cells in columns.items()]
    root = path.parent if "images" not in given else None
    paths = [name for name, cells in columns.items() if root and _are_files(root, cells)]
    texts = [name for name, cells in columns.items() if _words(cells) >= WORDS]
    path_column = given.get("path_column") or (paths[0] if paths else None)
    if path_column:
        source, options = "table", {"table": inside, "path_column": path_column}
        why = [f"path_column: {path_column}, whose values are files beside the table"]
    elif texts or "text_column" in given:
        text = given.get("text_column") or max(texts, key=lambda name: _words(columns[name]))
        source, options = "text-table", {"splits": {"pool": inside}, "text_column": text}
        why = [f"text_column: {text}, the longest texts", f"splits: {inside} as the pool"]
    else:
        return Guess("", {}, lines)
    used = [*options.values()]
    label = None
    if not {"label_column", "label_columns"} & set(given):
        label = _label_column({key: one for key, one in columns.items() if key not in used})
    if label:
        options["label_column"] = label
        why.append(f"label_column: {label}, which has {len(set(columns[label])):,} values")
    why = [one for one in why if one.split(":")[0] not in given]
    return Guess(source, options, [*lines, *_guessed(source, why)])


def guess_arrays(path: Path, inside: str) -> Guess:
    """Arrays of two dimensions as embeddings, those of one and the same length as their labels.

    Splits are those that the arrays' names say (`X_train`, `test_features`); else it is the pool.
    """
    arrays = {**_arrays(path), **(_neighbours(path) if path.suffix.lower() == ".npy" else {})}
    shown = {name or path.name: one for name, one in arrays.items()}
    lines = [f"{path}: arrays:"]
    lines += [f"  {name}: {one.shape}, {one.dtype}" for name, one in shown.items()]
    is_one = len([one for one in arrays.values() if len(one.shape) == 2]) == 1
    splits: dict[str, str] = {}
    labels: dict[str, str] = {}
    for name, one in arrays.items():
        split = "pool" if is_one else _split_of(name)
        if len(one.shape) != 2 or split is None or split in splits:
            continue
        splits[split] = _place(inside, name)
        fitting = [
            other
            for other, array in arrays.items()
            if array.shape == one.shape[:1] and (is_one or _split_of(other) == split)
        ]
        if named := [other for other in fitting if _is_label(other)] or fitting:
            labels[split] = _place(inside, named[0])
    if "pool" not in splits:
        return Guess("", {}, lines)
    options: dict[str, Any] = {"splits": splits, **({"labels": labels} if labels else {})}
    why = [
        f"{key}: {', '.join(f'{k} {v}' for k, v in one.items())}" for key, one in options.items()
    ]
    return Guess("own-embeddings", options, [*lines, *_guessed("own-embeddings", why)])


def _guessed(source: str, why: Sequence[str]) -> list[str]:
    return [f"guessed: {source}", *(f"  {one}" for one in why), "edit the entry if that is wrong"]


def _columns(path: Path) -> dict[str, list[str]]:
    """Column → its cells; without columns of lists, and those of a name that stands twice."""
    names = column_names(path)
    names = [name for name in names if names.count(name) == 1]
    if path.suffix.lower() not in JSON_LINES:
        return read_columns(path, {name: name for name in names})
    found: dict[str, list[str]] = {}
    for name in names:
        with contextlib.suppress(InputError):
            found |= read_columns(path, {name: name})
    return found


def _described(cells: Sequence[str]) -> str:
    values = list(dict.fromkeys(cells))
    shown = [one_line(one, LONGEST) for one in values[:VALUES]]
    return f"{', '.join(shown)}{', …' if len(values) > VALUES else ''} ({len(values):,} different)"


def _are_files(root: Path, cells: Sequence[str]) -> bool:
    filled = [one for one in cells if one.strip()][:TRIED]
    # A broken or missing file is for the check to name: most of them are there.
    return bool(filled) and 2 * sum((root / one).is_file() for one in filled) > len(filled)


def _words(cells: Sequence[str]) -> float:
    return median(len(one.split()) for one in cells) if cells else 0


def _label_column(columns: Mapping[str, Sequence[str]]) -> str | None:
    """The column that is called as labels are, or else the only one of few values."""
    few = []
    for name, cells in columns.items():
        count = len(set(cells))
        if 2 <= count <= min(MOST_CLASSES, len(cells) // 2) and all(one.strip() for one in cells):
            few.append(name)
    named = sorted((one for one in few if _is_label(one)), key=lambda one: _rank(one.lower()))
    return named[0] if named else few[0] if len(few) == 1 else None


def _rank(name: str) -> int:
    return LABELS.index(name) if name in LABELS else len(LABELS)


def _is_label(name: str) -> bool:
    return any(part in LABELS for part in re.split("[^a-z]+", name.lower()))


def _split_of(name: str) -> str | None:
    parts = re.split("[^a-z]+", name.lower())
    return next((SPLIT_OF[part] for part in parts if part in SPLIT_OF), None)


class _Array(NamedTuple):
    """Shape and type of an array."""

    shape: tuple[int, ...]
    dtype: str


def _arrays(path: Path) -> dict[str, _Array]:
    """Name → array of a file; of one without names, under an empty name."""
    return {name: _Array(*one) for name, one in shapes_in(path).items()}


def _neighbours(path: Path) -> dict[str, _Array]:
    """Arrays of one dimension in other .npy files beside this one, under the files' names."""
    found = {}
    for other in sorted(path.parent.glob("*.npy")):
        # One that cannot be read is none of its labels.
        with contextlib.suppress(InputError):
            if other.name != path.name and len((one := _arrays(other)[""]).shape) == 1:
                found[other.name] = one
    return found


def _place(inside: str, name: str) -> str:
    """An array as an option names it: `FILE`, `FILE:ARRAY`, or the file beside it."""
    if name.endswith(".npy"):
        return (Path(inside).parent / name).as_posix()
    return f"{inside}:{name}" if name else inside


def nothing_fits(what: str, guess: Guess) -> InputError:
    """The error that shows what was found, and how to say what it means."""
    found = "\n".join(f"  {one}" for one in guess.lines)
    sources = listed(("table", "text-table", "own-embeddings"))
    return InputError(
        f"{what}: cannot guess what this is; say so with --options, such as --options "
        "'{path_column: file, label_column: animal}' for a table of images, or --options "
        "'{text_column: question, label_column: topic}' for one of texts; or write an entry with "
        f"one of the implementations {sources} (docs/your-data.md):\n{found}"
    )
