"""Splits that are drawn from a table's rows, where no row is in the test."""

from dataclasses import replace
from typing import Any

from labelbench_core.datasets import POOL, split_order
from labelbench_core.datasets.files.names import same_name
from labelbench_core.datasets.splits.draw_options import among, asked_draw, refuse_unused
from labelbench_core.datasets.splits.drawing import drawn_splits
from labelbench_core.datasets.tables.tabular import Tabular
from labelbench_core.errors import InputError
from labelbench_core.storage.places import printable


def with_draw(
    tabular: Tabular,
    by: str,
    *,
    may_lack: bool,
    near_together: int | None = None,
    **others: Any,
) -> Tabular:
    """`tabular` with the splits that options ask for drawn from its pool; else as it is.

    Parameters
    ----------
    by
        What the column "together" is, in words; "": there is none.
    may_lack
        Whether `test` and `val` may lack classes.
    others
        Options of the source, with those of `draw_options.options`.
    """
    draw = asked_draw(
        has=list(tabular.splits),
        where=printable(tabular.cells.file),
        near_bits=near_together,
        by=by,
        may_lack=may_lack,
        **among(others),
    )
    if draw is None:
        together = by.removeprefix("column ") or None
        refuse_unused(together_column=together, near_together=near_together)
        return tabular
    files, pool = tabular.files(), tabular.splits[POOL]
    groups = tabular.cells.columns.get("together")
    if groups is None:
        units = files
    else:  # as labels are read: blanks around a name do not count
        units = [same_name(group) or name for group, name in zip(groups, files, strict=True)]
    unit_of = {files[row]: units[row] for row in pool.tolist()}
    labels = tabular.labels[pool]
    try:
        place = drawn_splits(draw, labels, [*unit_of.values()], tabular.class_names)
    except InputError as error:
        raise InputError(f"{printable(tabular.cells.file)}: {error}") from error
    found = {name: pool[place == number] for number, name in enumerate(draw.names)}
    splits = {**tabular.splits, **{name: rows for name, rows in found.items() if len(rows)}}
    ordered = {name: splits[name] for name in sorted(splits, key=split_order)}
    return replace(tabular, splits=ordered, draw=replace(draw, unit_of=unit_of))
