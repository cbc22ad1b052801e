"""The pool of a source divided: what names its rows, and which of them belong together."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from labelbench_core.datasets import POOL, RawDataset, RawSplit
from labelbench_core.datasets.duplicates.leaks import content_keys
from labelbench_core.datasets.splits.drawing import Draw, drawn_splits
from labelbench_core.errors import InputError, shown
from labelbench_core.storage.places import printable


def row_names(split: RawSplit) -> list[str]:
    """A name for each row that does not depend on other rows: its file, or else its content.

    Where contents are equal, the second and later rows are numbered.
    """
    if split.files is not None:
        return split.files
    seen: Counter[str] = Counter()
    names = []
    for key in content_keys(split):
        seen[key] += 1
        names.append(key if seen[key] == 1 else f"{key} {seen[key]}")
    return names


def divided(raw: RawDataset, draw: Draw, groups: Sequence[str] | None = None) -> RawDataset:
    """`raw` with its pool divided, by the names of its rows; `drawn_splits` says how.

    Rows that are not files are drawn by their content, equal rows together, and know their
    `source_rows` in the pool that is divided.

    Parameters
    ----------
    groups
        Group of each row of the pool, "" for a row of no group; None: there are none.
    """
    pool = raw.splits[POOL]
    if pool.files is None and pool.source_rows is None:
        # Files have names; other rows are found again by their numbers alone.
        pool = replace(pool, source_rows=np.arange(len(pool.labels)))
    names = row_names(pool)
    units = names if groups is None else [g or n for g, n in zip(groups, names, strict=True)]
    draw = replace(draw, unit_of=dict(zip(names, units, strict=True)))
    if pool.files is None:
        units = joined(units, of_one_content(content_keys(pool)))
    place = drawn_splits(draw, pool.labels, units, raw.class_names)
    return replace(raw, splits=raw.splits | parts_of(pool, place, draw.names), draw=draw)


def parts_of(split: RawSplit, place: np.ndarray, names: Sequence[str]) -> dict[str, RawSplit]:
    """Name → the rows whose `place` (N,) is that of the name, if there are any."""
    found = {name: np.flatnonzero(place == number) for number, name in enumerate(names)}
    return {name: split.take(rows) for name, rows in found.items() if len(rows)}


def groups_by_pattern(pattern: str, files: Sequence[str]) -> list[str]:
    """The group of each file: what the first group of a regular expression finds in its path.

    The whole match where the expression has no group; "" where it does not match.

    Raises
    ------
    InputError
        If `pattern` is not a regular expression, or matches no path.
    """
    try:
        search = re.compile(pattern).search
    except re.error as error:
        told = f"options.together_pattern: {shown(pattern)}: {error}"
        raise InputError(f"{told}; allowed: a regular expression") from error
    found = [search(path) for path in files]
    if files and not any(found):
        told = f"options.together_pattern: {shown(pattern)}: matches no path"
        raise InputError(f"{told}; allowed: one that matches paths such as {printable(files[0])}")
    number = 1 if re.compile(pattern).groups else 0
    groups = ["" if one is None else printable(one[number] or "") for one in found]
    if files and not any(groups):
        told = f"options.together_pattern: {shown(pattern)}: finds no text in any path"
        raise InputError(f"{told}; allowed: one that finds a group, or leave it out")
    return groups


def of_one_content(digests: Sequence[str]) -> Iterator[tuple[int, int]]:
    """(first row, later row) for each row whose content an earlier row has, too."""
    first: dict[str, int] = {}
    for row, digest in enumerate(digests):
        before = first.setdefault(digest, row)
        if before != row:
            yield before, row


def joined(units: Sequence[str], alike: Iterable[tuple[int, int]]) -> list[str]:
    """`units`, with those of rows that are alike joined into one, named as the first in order."""
    first: dict[str, str] = {unit: unit for unit in units}

    def root(unit: str) -> str:
        while first[unit] != unit:
            first[unit] = unit = first[first[unit]]
        return unit

    for one, other in alike:
        a, b = sorted((root(units[one]), root(units[other])))
        first[b] = a
    return [root(unit) for unit in units]
