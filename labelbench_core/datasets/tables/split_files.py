"""Data sets with a file for each split: what their sources share."""

from collections.abc import Mapping, Sequence
from typing import Any

from labelbench_core.datasets import POOL, RawDataset, class_counts
from labelbench_core.datasets.files.names import lacks_classes, require_classes, same_name
from labelbench_core.datasets.folders.listing import SPLIT_NAME
from labelbench_core.datasets.labels.unlabeled import refuse_given
from labelbench_core.datasets.splits.dividing import divided
from labelbench_core.datasets.splits.draw_options import asked_draw, asking, options, refuse_unused
from labelbench_core.errors import InputError, listed, shown


def require_splits(splits: Mapping[str, str]) -> None:
    """`InputError` unless the option `splits` names the pool, and others by allowed names."""
    for split in splits:
        if not SPLIT_NAME.fullmatch(split):
            raise InputError(f"options.splits: {shown(split)}; allowed: a name of a-z, 0-9 and -")
    if POOL not in splits:
        told = f"options.splits: {POOL} is missing; there are: {listed(splits)}"
        raise InputError(f"{told}; allowed: pool, and others, such as test")


def with_draw(
    raw: RawDataset,
    where: str,
    groups: Sequence[str] | None,
    *,
    together: Mapping[str, str | None],
    may_lack: bool,
    **draw_options: Any,
) -> RawDataset:
    """`raw`, with the splits that options ask for drawn from its pool; else as it is.

    Parameters
    ----------
    where
        The pool's file, for messages.
    groups
        Cell of each row of the pool that says what it is drawn together with; None: there is none.
    together
        The option that names these cells, and its value.
    may_lack
        Whether `test` and `val` may lack classes.
    draw_options
        See `draw_options.options`.

    Raises
    ------
    InputError
        If the pool has no labels, a class cannot be in all splits, or options exclude each other.
    """
    pool = raw.splits[POOL]
    if not pool.has_labels:
        refuse_given(**asking(draw_options), **together)
        return raw
    ((option, given),) = together.items()
    draw = asked_draw(
        has=list(raw.splits),
        where="the data set",
        by="" if given is None else f"{option} {given}",
        may_lack=may_lack,
        usual=None,
        row="text" if pool.texts is not None else "row",
        **options(**draw_options),
    )
    if draw is None:
        refuse_unused(**together)
        return raw
    try:
        return divided(raw, draw, groups and [same_name(one) for one in groups])
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def sizes(
    raw: RawDataset, allow_missing_classes: bool, splits: Mapping[str, str] | None
) -> dict[str, int]:
    """Sizes of the splits; `InputError` if the pool, or another split, lacks a class.

    `splits` is the option, which says where a split is; drawn ones are where the pool is.
    """
    given = splits or {}
    labeled = any(entry.has_labels for entry in raw.splits.values())
    require_classes(raw.class_names, f"options.splits: {given.get(POOL)}", labeled=labeled)
    for split, entry in raw.splits.items():
        if split == POOL and not entry.has_labels:
            continue
        present = class_counts(entry.labels, len(raw.class_names)) > 0
        if not present.all() and (split == POOL or not allow_missing_classes):
            names = [raw.class_names[label] for label in (~present).nonzero()[0]]
            where = f"options.splits: {given.get(split, given.get(POOL))}"
            raise lacks_classes(where, split, "row", names, may_lack=split != POOL)
    return {split: len(entry.labels) for split, entry in raw.splits.items()}
