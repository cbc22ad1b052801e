"""Recorded splits beside those that a new draw would give: images once in a split do not move."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from labelbench_core.datasets import DRAWN_FILE, RawDataset
from labelbench_core.datasets.duplicates.leaks import content_keys
from labelbench_core.datasets.splits.drawn_before import drawn, read_drawn
from labelbench_core.errors import InputError, shown
from labelbench_core.storage.places import printable


def compared(raw: RawDataset, folder: Path) -> list[str]:
    """What `folder` records of a data set's draw, and what would be drawn without the record.

    Parameters
    ----------
    raw
        Divided by the names of its rows, with the hash of each file.
    folder
        Folder of the prepared data set.

    Returns
    -------
    Lines to print; none where nothing is drawn or recorded.

    Raises
    ------
    InputError
        If the record is damaged.
    """
    record = read_drawn(folder) if raw.draw is not None else None
    if raw.draw is None or record is None:
        return []
    before = {one: split for split, found in record["files"].items() for one in found}
    there = {one for rows in raw.splits.values() for one in content_keys(rows)}
    sizes = ", ".join(f"{split} {len(found):,}" for split, found in record["files"].items())
    lines = [f"{printable(folder / DRAWN_FILE)}: {sizes} contents of {_kind(raw)}"]
    if gone := len(before.keys() - there):
        lines.append(f"{gone:,} of them are not there any more")
    changed = _changes(record["draw"], raw.draw.described())
    if changed:
        lines.append(f"of another draw ({changed}): all splits are drawn anew")
    else:
        kept = drawn(raw, folder)
        now = {} if kept is None else _split_of(kept.raw)
        added = [split for one, split in now.items() if one not in before]
        told = f"{len(now) - len(added):,} stay in their split; "
        lines.append(told + (f"new: {_counted(added, raw.draw.names)}" if added else "none is new"))
    try:
        anew = drawn(raw, None)
    except InputError as error:
        return lines if changed else [*lines, f"without it, no splits could be drawn: {error}"]
    new = {} if anew is None else _split_of(anew.raw)
    moved = sum(1 for one, split in new.items() if before.get(one, split) != split)
    others = f"{moved:,} of those recorded move to another split"
    what = "drawn anew" if changed else "without it, drawn anew"
    return [*lines, f"{what}: {_counted(new.values(), raw.draw.names)}; {others}"]


def _split_of(raw: RawDataset) -> dict[str, str]:
    """Content of each row → its split."""
    return {digest: split for split, rows in raw.splits.items() for digest in content_keys(rows)}


def _kind(raw: RawDataset) -> str:
    """What the rows are called whose contents are recorded."""
    (kind,) = {"files" if one.files is not None else one.rows for one in raw.splits.values()}
    return kind


def _counted(splits: Iterable[str], names: Sequence[str]) -> str:
    counts = Counter(splits)
    return ", ".join(f"{name} {counts[name]:,}" for name in names)


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What has changed in a draw's description, in words; "" if nothing has."""
    keys = [key for key in {**before, **now} if before.get(key) != now.get(key)]
    return ", ".join(f"{key}: {shown(before.get(key))}, now {shown(now.get(key))}" for key in keys)
