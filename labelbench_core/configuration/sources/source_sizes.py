"""Sizes of data sets that are not prepared yet, as far as planning can know them.

A source that is there gives its sizes itself, without reading an image. Where nothing of it is
there, those of well-known data sets are as published: `sizes` and `num_classes` in the component's
`INFO`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np

from labelbench_core import registry
from labelbench_core.datasets import POOL
from labelbench_core.datasets.splits.drawn_ahead import Remembered, drawn_ahead
from labelbench_core.datasets.variants.variant import Variant
from labelbench_core.errors import InputError, shown


@dataclass(frozen=True)
class SourceSizes:
    """What is known before anything is read.

    Attributes
    ----------
    splits
        Rows by split, of the splits whose sizes are known.
    missing
        Why the source cannot be read, where nothing of it is there: then sizes are as published.
    names_all
        Whether all splits are known by name, even if not by size.
    """

    splits: Mapping[str, int]
    missing: str = ""
    names_all: bool = True


def source_sizes(
    entry: Mapping[str, Any], data_dir: Path, remembered: Remembered | None = None
) -> SourceSizes:
    """Sizes of the splits that an entry of the catalogue makes.

    Splits that are drawn are counted as preparing will draw them where the files' contents are
    `remembered`, else by names alone.

    Raises
    ------
    InputError, OSError
        If files are not as needed, or are missing and the data set's sizes are not stated.
    """
    source, options = entry["implementation"], registry.options_of(entry)
    component = registry.load("datasets", source)
    variant = Variant.of(entry)
    try:
        sizes = _checked(registry.check("datasets", entry, data_dir), component)
    except InputError as error:
        published = published_sizes(source, options)
        if published is None or not _is_absent(component, data_dir, options):
            raise
        return SourceSizes(variant.planned_sizes(published, None, source), str(error))
    except ModuleNotFoundError as error:
        raise InputError(
            f"the package {error.name}, which planning reads its source with, is not installed; "
            "allowed: the packages of environment.yml"
        ) from error
    known = None
    drawn = remembered and drawn_ahead(entry, data_dir, sizes, remembered)
    if drawn:
        sizes = {split: len(rows.labels) for split, rows in drawn.splits.items()}
        known = drawn.splits[POOL].labels, drawn.class_names
    elif variant.changes_anything():
        known = pool_labels(component, data_dir, options)
    planned = variant.planned_sizes(sizes, known, source)
    return SourceSizes(planned, names_all=bool(sizes))


def pool_labels(
    component: ModuleType, data_dir: Path, options: Mapping[str, Any]
) -> tuple[np.ndarray, Sequence[str]] | None:
    """(N,) labels of the pool that a component reads, and the classes' names; None if not known.

    Not known: where the component has no such function, and where the package that it reads labels
    with is not installed: with conda, the process that plans has no packages of jobs.
    """
    read = getattr(component, "pool_labels", None)
    try:
        return read(data_dir, **options) if read else None
    except ModuleNotFoundError:
        return None


def _checked(given: Any, component: ModuleType) -> dict[str, int]:
    """What a component's `check` says, or `InputError`; None: it says nothing."""
    sizes = dict(cast("Mapping[Any, Any]", given)) if isinstance(given, Mapping) else {}
    whole = all(isinstance(one, int | np.integer) and one >= 0 for one in sizes.values())
    has_pool = not sizes or POOL in sizes
    if not (given is None or isinstance(given, Mapping)) or not (whole and has_pool):
        raise InputError(
            f"{component.__file__}: check returned {shown(given)}; allowed: split → number of "
            f"rows, {POOL} among them"
        )
    return {str(split): int(count) for split, count in sizes.items()}


def published_sizes(source: str, options: Mapping[str, Any]) -> dict[str, int] | None:
    """Rows by split of a whole data set with `options`; None where it does not state them.

    `INFO["sizes"]` is of the defaults; `INFO["sizes_by"]`, option → value → rows, changes it.
    """
    component = registry.describe("datasets", source)
    sizes = component.info.get("sizes")
    if sizes is None:
        return None
    found, values = dict(sizes), {**component.options, **options}
    for option, by_value in component.info.get("sizes_by", {}).items():
        found |= by_value.get(values[option], {})
    return found


def known_num_classes(entry: Mapping[str, Any], data_dir: Path) -> int | None:
    """The number of a data set's classes; None where it is not known without reading the data."""
    if "merge_classes" in entry:
        return entry["merge_classes"]
    name, options = entry["implementation"], registry.options_of(entry)
    described = registry.describe("datasets", name)
    told = described.info.get("num_classes")
    if isinstance(told, str):  # an option
        told = {**described.options, **options}[told]
    if told is not None:
        return told
    component = registry.load("datasets", name)
    try:
        found = component.pool_labels(data_dir, **options)
    except (AttributeError, InputError, OSError):
        return None
    return None if found is None else len(found[1])


def _is_absent(component: ModuleType, data_dir: Path, options: Mapping[str, Any]) -> bool:
    """Whether nothing of a source is there; what is there and not as needed has to be mended."""
    try:
        return component.source_files(data_dir, **options) is None
    except (InputError, OSError):
        return False
