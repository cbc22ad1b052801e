"""Data sets of texts from tables: what their sources share."""

from collections.abc import Mapping, Sequence

from labelbench_core.datasets import POOL, RawDataset, RawSplit
from labelbench_core.datasets._tabular import Cells, in_order, labels_of
from labelbench_core.datasets.beside_labels import weights_of
from labelbench_core.datasets.unlabeled import require_known_classes, unknown


def refuse_blank(cells: Cells) -> Cells:
    """The same cells; `InputError` names the first of column "text" that is blank."""
    texts = cells.columns["text"]
    blank = [row for row, text in enumerate(texts) if not text.strip()]
    if blank:
        more = f" ({len(blank):,} rows are such)" if len(blank) > 1 else ""
        raise cells.error("text", blank[0], f"a text that is not blank{more}")
    return cells


def dataset_of_texts(
    cells: Mapping[str, Cells], names: Sequence[str] | None, where: str
) -> RawDataset:
    """The data set of the columns "text" and "label" of each split, in its order.

    A pool without the column "label" has no labels; rows without the column "weight" no weights.

    Parameters
    ----------
    names
        The classes, in order. None: the labels of the pool, sorted; without these, those of all
        other splits.
    where
        What says which classes there are, for messages.
    """
    known, labels = names, {}
    others = [split for split in cells if split != POOL]
    if "label" not in cells[POOL].columns:
        require_known_classes(names, others)
        labels[POOL] = unknown(len(cells[POOL].rows))
        if known is None:
            known = in_order({name for one in others for name in labels_of(cells[one], None)[1]})
            where = "the splits with labels"
    for split in (POOL, *others):
        if split in labels:
            continue
        labels[split], found = labels_of(cells[split], known, where)
        if known is None:
            known, where = found, "the pool"
    return RawDataset(
        class_names=list(known or ()),
        splits={
            split: RawSplit(labels[split], texts=one.columns["text"], weights=weights_of(one))
            for split, one in cells.items()
        },
    )
