"""Data sets with a file for each split: what their sources share."""

from collections.abc import Mapping

from labelbench_core.datasets import POOL, RawDataset, class_counts
from labelbench_core.datasets._listing import SPLIT_NAME
from labelbench_core.datasets.names import printable, require_classes
from labelbench_core.errors import InputError, listed, shown


def require_splits(splits: Mapping[str, str]) -> None:
    """`InputError` unless the option `splits` names the pool, and others by allowed names."""
    for split in splits:
        if not SPLIT_NAME.fullmatch(split):
            raise InputError(f"options.splits: {shown(split)}; allowed: a name of a-z, 0-9 and -")
    if POOL not in splits:
        told = f"options.splits: {POOL} is missing; there are: {listed(splits)}"
        raise InputError(f"{told}; allowed: pool, and others, such as test")


def sizes(raw: RawDataset, allow_missing_classes: bool) -> dict[str, int]:
    """Sizes of the splits; `InputError` if the pool, or another split, lacks a class."""
    require_classes(raw.class_names, "options.splits")
    for split, entry in raw.splits.items():
        if split == POOL and not entry.has_labels:
            continue
        present = class_counts(entry.labels, len(raw.class_names)) > 0
        if not present.all() and (split == POOL or not allow_missing_classes):
            name = raw.class_names[int(present.argmin())]
            advice = "" if split == POOL else ", or `allow_missing_classes: true`"
            raise InputError(
                f"options.splits: {split} has no row of class {printable(name)} "
                f"({int((~present).sum())} classes missing); allowed: rows of every class{advice}"
            )
    return {split: len(entry.labels) for split, entry in raw.splits.items()}
