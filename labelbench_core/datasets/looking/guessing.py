"""What a file that no catalogue names could be: a table of images or of texts, or embeddings.

Only for `--check`, which prints each guess beside what it rests on: an entry never guesses.
"""

import contextlib
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from labelbench_core.datasets.file_formats.array_files import shapes_in
from labelbench_core.datasets.file_formats.columns import (
    JSON_LINES,
    PARQUET,
    column_names,
    read_columns,
)
from labelbench_core.datasets.files.one_line import one_line
from labelbench_core.datasets.looking._guessed_columns import (
    NAMED,
    SEPARATORS,
    WORDS,
    are_texts,
    few_values,
    is_label,
    is_text,
    is_weight,
    label_options,
    split_of,
    split_options,
    unused_groups,
    words_of,
)
from labelbench_core.datasets.looking._guessed_paths import path_columns, splits_of_paths
from labelbench_core.datasets.splits.draw_options import USUAL_TEST
from labelbench_core.datasets.table import folder_of_images
from labelbench_core.errors import InputError, listed, shown_key

ARRAYS = (".npy", ".npz", ".zarr")
IDS = ("id", "ids", "index")
VALUES = 3
"""Values of a column that are shown."""
LONGEST = 40


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
    """Whether a path is called as files of arrays are, or is a Parquet file with embeddings."""
    if path.suffix.lower() == PARQUET and path.is_file():
        return any(len(one.shape) == 2 for one in _arrays(path).values())
    return path.suffix.lower() in ARRAYS


def guess_table(path: Path, inside: str, given: Mapping[str, Any]) -> Guess:
    """A table of images, if a column names files, or of texts, if one is long.

    Parameters
    ----------
    inside
        The table's path in the data directory.
    given
        Options that are known: they are not guessed.
    """
    columns, lists, unread = _columns(path)
    lines = [f"{path}: {len(next(iter(columns.values()), [])):,} rows; columns:"]
    lines += [f"  {shown_key(name)}: {_described(cells)}" for name, cells in columns.items()]
    lines += [f"  {shown_key(name)} cannot be read: {told}" for name, told in unread.items()]
    data = [name for name, cells in columns.items() if name in set(cells)]
    if data:
        told = f"{data[0]!r} is a cell of its own column, too"
        lines.append(f"the first line is taken for names of columns, but {told}: is it data?")
    root = path.parent
    if isinstance(given.get("images"), str) and "text_column" not in given:
        above = Path(os.path.abspath(path)).parents
        root = folder_of_images(above[len(Path(inside).parts) - 1], given["images"])
    suffix, paths = path_columns(root, columns, given.get("path_suffix"))
    texts = [name for name, cells in columns.items() if are_texts(name, cells)]
    path_column = given.get("path_column") or (paths[0] if paths else None)
    options: dict[str, Any]
    if path_column:
        source, options = "table", {"table": inside, "path_column": path_column}
        where = f"in {given['images']}" if "images" in given else "beside the table"
        why = [f"path_column: {path_column}, whose values are files {where}"]
        if suffix:
            options["path_suffix"] = suffix
            why.append(f"path_suffix: {suffix}, without which they are no files")
    elif texts or "text_column" in given:
        text = given.get("text_column") or max(texts, key=lambda name: words_of(columns[name]))
        splits = {"pool": inside, **_siblings(path, inside)}
        source, options = "text-table", {"splits": splits, "text_column": text}
        told = ", ".join(f"{file} as {split}" for split, file in splits.items())
        is_named = is_text(text) and words_of(columns.get(text, ())) < WORDS
        is_because = "called as texts are" if is_named else "the longest texts"
        why = [f"text_column: {text}, {is_because}", f"splits: {told}"]
    else:
        return Guess("", {}, lines)
    used = [*options.values(), *given.values()]
    left = {key: one for key, one in columns.items() if key not in used and not is_weight(key)}
    lines += unused_weights(columns, used, "weight_column: {}".format)
    is_one = source == "table" or len(_splits(options, given)) == 1
    if not {"split_column", "split_by_folder"} & set(given) and is_one:
        options |= (found := split_options(left))
        left = {key: one for key, one in left.items() if key not in found.values()}
        why += [f"split_column: {one}, whose values name splits" for one in [*found.values()][:1]]
        firsts = splits_of_paths(columns.get(path_column, ())) if path_column else []
        if firsts and not found:
            options["split_by_folder"] = True
            why.append(f"split_by_folder: True, as paths begin with {listed(firsts)}")
    if not {"label_column", "label_columns"} & set(given):
        found = label_options(left, lists)
        options |= found
        why += _why_labels(found, columns)
        if not found and not given.get("unlabeled"):
            lines.append(_no_labels(left))
    has_split = {"split_column", "unlabeled", "test_size"} & {*options, *given}
    if source == "text-table" and not has_split and "test" not in _splits(options, given):
        options["test_share"] = USUAL_TEST
        why.append(f"test_share: {USUAL_TEST} of every class, as there is no test")
    why = [one for one in why if one.split(":")[0] not in given]
    settled = {"split_column", "split_by_folder", "unlabeled"} & {*options, *given}
    is_drawn = "test_share" in options or (source == "table" and not settled)
    if is_drawn and given.get("test_share") != 0:
        lines += unused_groups(columns, [*options.values(), *given.values()])
    return Guess(source, options, [*lines, *_guessed(source, why)])


def _splits(guessed: Mapping[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The option `splits` as it will be: given, or guessed."""
    splits = given.get("splits", guessed["splits"])
    # What is no mapping is refused later, by the option's name.
    return splits if isinstance(splits, Mapping) else {}


def unused_weights(
    names: Iterable[str], used: Collection[Any], option: Callable[[str], str]
) -> list[str]:
    """A line for each column or array that is called as weights of rows are, and how to use it.

    None is taken without being asked for: results would mean something else.
    """
    found = [one for one in names if is_weight(Path(one).stem) and one not in used]
    return [
        f"{one} is not used, so that every row counts once; if it is the weight of each row, say "
        f"so with --options '{{{option(one)}}}'"
        for one in found
    ]


def _why_labels(found: Mapping[str, Any], columns: Mapping[str, Sequence[str]]) -> list[str]:
    """What a guess of labels rests on."""
    if "label_columns" in found:
        marks = found["label_columns"]
        return [f"label_columns: {', '.join(marks)}, which hold only 0 and 1"]
    if not found:
        return []
    name = found["label_column"]
    separator = found.get("label_separator")
    values = set(columns[name])
    if separator:
        values = {part for one in values for part in one.split(separator)}
    separated = f", separated by {separator!r}" if separator else ""
    return [f"label_column: {name}, which has {len(values):,} values{separated}"]


def _no_labels(columns: Mapping[str, Sequence[str]]) -> str:
    """How to name the column of labels, where no column, or more than one, could be it."""
    few = few_values(columns)
    name = few[0] if few else "animal"
    could = f" ({listed(few[:NAMED])} could be)" if few else ""
    how = f"name it with --options '{{label_column: {name}}}'"
    return f"no column is taken for labels{could}: {how}"


def _siblings(path: Path, inside: str) -> dict[str, str]:
    """Split → table beside this one with its columns and a like name: test.csv for train.csv."""
    found: dict[str, str] = {}
    for split, other in _other_splits(path):
        # A table that cannot be read is not a split of this one.
        with contextlib.suppress(InputError):
            if split not in found and column_names(other) == column_names(path):
                found[split] = _beside(inside, other)
    return found


def _other_splits(path: Path) -> Iterator[tuple[str, Path]]:
    """Files beside that of a pool whose names differ by the split alone, and their splits."""
    if split_of(path.stem) != "pool":
        return
    for other in sorted(path.parent.glob(f"*{path.suffix}")):
        split = split_of(other.stem)
        if split not in (None, "pool") and _rest(other.stem) == _rest(path.stem):
            yield str(split), other


def _beside(inside: str, other: Path) -> str:
    """A file in the folder of that at `inside`, as an option names it."""
    return (Path(inside).parent / other.name).as_posix()


def _rest(stem: str) -> list[str]:
    """The parts of a name that name no split."""
    return [one for one in re.split("[^a-z0-9]+", stem.lower()) if split_of(one) is None]


def guess_arrays(path: Path, inside: str, given: Mapping[str, Any]) -> Guess:
    """Arrays of two dimensions as embeddings, arrays of one dimension, as long, as their labels.

    The only embeddings of a file are the pool; of several, the arrays' names say the splits
    (`X_train`, `test_features`). Options that are `given` are not guessed.
    """
    arrays = {**_arrays(path), **(_neighbours(path) if path.suffix.lower() == ".npy" else {})}
    shown = {name or path.name: one for name, one in arrays.items()}
    lines = [f"{path}: arrays:"]
    lines += [f"  {name}: {one.shape}, {one.dtype}" for name, one in shown.items()]
    wide = _wide(arrays)
    is_one = len(wide) == 1
    splits: dict[str, str] = {}
    labels: dict[str, str] = {}
    several = False
    for name in wide:
        one, split = arrays[name], "pool" if is_one else split_of(name)
        if split is None or split in splits:
            continue
        splits[split] = _place(inside, name)
        fitting = [
            other
            for other, array in arrays.items()
            if (
                array.shape in (one.shape[:1], (*one.shape[:1], 1))
                or (is_label(other) and array.shape[:1] == one.shape[:1])
            )
            and (is_one or split_of(other) == split)
            and Path(other).stem.lower() not in IDS
            and not is_weight(Path(other).stem)
            and other != name
        ]
        named = [other for other in fitting if is_label(other)]
        # Of as many rows, those of the same split: y_train.npy, not y_test.npy, for X_train.npy.
        own = split_of(path.stem)
        named.sort(key=lambda other: not (own and split_of(Path(other).stem) == own))
        if named or len(fitting) == 1:
            labels[split] = _place(inside, (named or fitting)[0])
            several |= arrays[(named or fitting)[0]].shape[1:] not in ((), (1,))
    if "pool" not in splits:
        return Guess("", {}, lines)
    if "weights" not in given:

        def option(name: str) -> str:
            return f"weights: {{pool: {_place(inside, name)}}}"

        lines += unused_weights(arrays, (), option)
    if is_one and list(splits) == ["pool"]:
        for split, other in _other_splits(path):
            found = _as_other_split(split, other, _beside(inside, other), wide[0], arrays[wide[0]])
            if split not in splits and found:
                splits[split], labels[split] = found
    labels = {k: v for k, v in labels.items() if k in _splits({"splits": splits}, given)}
    options: dict[str, Any] = {"splits": splits, **({"labels": labels} if labels else {})}
    why = [
        f"{key}: {', '.join(f'{k} {v}' for k, v in one.items())}" for key, one in options.items()
    ]
    if several:
        options["multilabel"] = True
        why.append("multilabel: True, as labels have a column for each class")
    if "pool" not in {**labels, **given.get("labels", {})} and not given.get("unlabeled"):
        lines.append(
            "no array is taken for labels of the pool: name it with --options '{labels: {pool: "
            "FILE:ARRAY}}', or '{unlabeled: true, classes: FILE}' if there are none"
        )
    if "test" not in _splits(options, given) and not {"unlabeled", "test_size"} & set(given):
        options["test_share"] = USUAL_TEST
        why.append(f"test_share: {USUAL_TEST} of every class, as there is no test")
    why = [one for one in why if one.split(":")[0] not in given]
    return Guess("own-embeddings", options, [*lines, *_guessed("own-embeddings", why)])


def _wide(arrays: Mapping[str, "_Array"]) -> list[str]:
    """Names of arrays that could be embeddings; of one column, only where there is no other."""
    two = {
        name: one.shape[1]
        for name, one in arrays.items()
        if len(one.shape) == 2 and not is_label(name) and not is_weight(Path(name).stem)
    }
    return [name for name, width in two.items() if width > 1] or list(two)


def _as_other_split(
    split: str, path: Path, inside: str, name: str, pool: "_Array"
) -> tuple[str, str] | None:
    """Embeddings like the pool's in the file of another split, and their labels; else None."""
    # A file that cannot be read is not a split of this one.
    with contextlib.suppress(InputError):
        arrays = {**_arrays(path), **(_neighbours(path) if path.suffix.lower() == ".npy" else {})}
        one = arrays.get(name)
        if one is None or len(one.shape) != 2 or one.shape[1] != pool.shape[1]:
            return None
        for other, array in arrays.items():
            is_of_split = path.suffix.lower() != ".npy" or split_of(Path(other).stem) == split
            if is_label(other) and is_of_split and array.shape[:1] == one.shape[:1]:
                return _place(inside, name), _place(inside, other)
    return None


def _guessed(source: str, why: Sequence[str]) -> list[str]:
    return [f"guessed: {source}", *(f"  {one}" for one in why), "edit the entry if this is wrong"]


def _columns(path: Path) -> tuple[dict[str, list[str]], dict[str, str], dict[str, str]]:
    """Column → its cells, without columns of the same name; columns of lists → separator.

    Lists are joined by it. Last, columns that cannot be read → why.
    """
    names = column_names(path)
    names = [name for name in names if names.count(name) == 1]
    if path.suffix.lower() not in (*JSON_LINES, PARQUET):
        return read_columns(path, {name: name for name in names}), {}, {}
    found: dict[str, list[str]] = {}
    lists: dict[str, str] = {}
    unread: dict[str, str] = {}
    for name in names:
        for separator in ("", *SEPARATORS):
            joined = {name: separator} if separator else {}
            try:
                found |= read_columns(path, {name: name}, joined)
            except InputError as error:
                unread.setdefault(name, str(error))
            else:
                lists |= joined
                unread.pop(name, None)
                break
    return found, lists, unread


def _described(cells: Sequence[str]) -> str:
    values = list(dict.fromkeys(cells))
    shown = [one_line(one, LONGEST) for one in values[:VALUES]]
    return f"{', '.join(shown)}{', …' if len(values) > VALUES else ''} ({len(values):,} different)"


class _Array(NamedTuple):
    """Shape and type of an array."""

    shape: tuple[int, ...]
    dtype: str


def _arrays(path: Path) -> dict[str, _Array]:
    """Name → array of a file; of one without names, under an empty name."""
    return {name: _Array(*one) for name, one in shapes_in(path).items()}


def _neighbours(path: Path) -> dict[str, _Array]:
    """Arrays of one dimension or column in other .npy files beside this, under the files' names."""
    found = {}
    for other in sorted(path.parent.glob("*.npy")):
        # An array that cannot be read is not labels of this one.
        with contextlib.suppress(InputError):
            one = _arrays(other)[""]
            if other.name != path.name and (len(one.shape) == 1 or one.shape[1:] == (1,)):
                found[other.name] = one
    return found


def _place(inside: str, name: str) -> str:
    """An array as an option names it: `FILE`, `FILE:ARRAY`, or the file beside it."""
    if name.endswith(".npy"):
        return (Path(inside).parent / name).as_posix()
    return f"{inside}:{name}" if name else inside
