"""Data sets of texts from tables: what their sources share."""

from collections.abc import Mapping, Sequence

import numpy as np

from labelbench_core.datasets import POOL, RawDataset, RawSplit
from labelbench_core.datasets.labels.unlabeled import unknown
from labelbench_core.datasets.tables.beside_labels import weights_of
from labelbench_core.datasets.tables.several_labels import flag_key, flagged_labels, labels_by
from labelbench_core.datasets.tables.tabular import Cells, groups_of, in_order, labels_of


def refuse_blank(cells: Cells) -> Cells:
    """The same cells; `InputError` names the first of column "text" that is blank."""
    texts = cells.columns["text"]
    blank = [row for row, text in enumerate(texts) if not text.strip()]
    if blank:
        more = f" ({len(blank):,} rows are such)" if len(blank) > 1 else ""
        raise cells.error("text", blank[0], f"a text that is not blank{more}")
    return cells


def dataset_of_texts(
    cells: Mapping[str, Cells],
    names: Sequence[str] | None,
    where: str,
    *,
    separator: str | None = None,
    flags: Sequence[str] | None = None,
) -> RawDataset:
    """The data set of the columns "text" and "label" of each split, in its order.

    A pool without columns of labels has no labels; without the column "weight", rows have no
    weights, and without the column "group" no groups.

    Parameters
    ----------
    names
        The classes, in order. None: the labels of the pool, sorted; without these, those of all
        other splits.
    where
        What says which classes there are, for messages.
    separator
        What stands between the classes of a cell, where a text can belong to any number of them.
    flags
        Classes that have a column of 0 and 1 each, called `flag_key` of its place; None: labels are
        in the column "label".
    """
    known, labels = names, {}
    others = [split for split in cells if split != POOL]
    if not {"label", flag_key(0)} & cells[POOL].columns.keys():
        labels[POOL] = unknown(len(cells[POOL].rows))
        if known is None:
            known = in_order({name for one in others for name in labels_of(cells[one], None)[1]})
            where = "the splits with labels"
    for split in (POOL, *others):
        if split in labels:
            continue
        if flags is not None:
            labels[split], known = flagged_labels(cells[split], flags)
            continue
        labels[split], found = labels_by(cells[split], separator, known, where)
        if known is None:
            known, where = found, "the pool"
    groups, group_names = _groups(cells)
    return RawDataset(
        class_names=list(known or ()),
        splits={
            split: RawSplit(
                labels[split],
                texts=one.columns["text"],
                weights=weights_of(one),
                groups=groups.get(split),
            )
            for split, one in cells.items()
        },
        group_names=group_names,
    )


def _groups(cells: Mapping[str, Cells]) -> tuple[dict[str, np.ndarray], list[str]]:
    """Split → (N,) int64 groups of column "group", and the names of those of all splits."""
    found = {split: groups_of(one) for split, one in cells.items() if "group" in one.columns}
    names = in_order({name for _, own in found.values() for name in own})
    place = {name: number for number, name in enumerate(names)}
    return {
        split: np.array([place[name] for name in own], np.int64)[numbers]
        for split, (numbers, own) in found.items()
    }, names
