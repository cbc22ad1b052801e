"""Which rows a pool has had, in the order in which they came: every item keeps its number for good.

A pool grows while it is labelled. Facts refer to items by their numbers, which neither new images
nor another order of a listing can change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labelbench_core.campaign.facts import (
    after,
    numbered,
    numbered_path,
    read_fact,
    whole_folder,
)
from labelbench_core.errors import InputError, shown
from labelbench_core.storage.records import write_record

RECORD = "arrival.json"


@dataclass(frozen=True)
class Arrivals:
    """All items that a pool has had.

    Attributes
    ----------
    items
        (M,) ids of the items, by number.
    digests
        (M,) SHA-256 of the content of each; empty where it has none.
    arrival
        (M,) int64 with which arrival each item came, from 1.
    last_sha256
        SHA-256 of the record of the last arrival; None where there is none yet.
    """

    items: tuple[str, ...]
    digests: tuple[str, ...]
    arrival: np.ndarray
    last_sha256: str | None

    def numbers(self) -> Mapping[str, int]:
        """Item → its number."""
        return {item: number for number, item in enumerate(self.items)}


@dataclass(frozen=True)
class PresentItems:
    """The items of a pool as it is now, in the order of its rows.

    Attributes
    ----------
    number
        (N,) int64 number of each row's item.
    removed
        Numbers of items that the pool had and no longer has.
    """

    number: np.ndarray
    removed: tuple[int, ...]


def read_arrivals(folder: Path, campaign: str) -> Arrivals:
    """All arrivals so far, none of them changed; see `facts.read_fact` for errors."""
    items: list[str] = []
    digests: list[str] = []
    counts: list[int] = []
    last = None
    for number, path in enumerate(numbered(folder / "pool", "arrival"), 1):
        expected = {"campaign": campaign, "arrival": number, "previous": after(last)}
        record, last = read_fact(path / RECORD, "arrivals", expected)
        items += record["items"]
        digests += record["digests"]
        counts.append(len(record["items"]))
    arrival = np.repeat(np.arange(1, len(counts) + 1), counts)
    return Arrivals(tuple(items), tuple(digests), arrival, last)


def present_items(
    arrivals: Arrivals, items: Sequence[str], digests: Sequence[str]
) -> tuple[PresentItems, list[int]]:
    """The pool as it is now among all items that it has had, and the rows that are new.

    New rows have the numbers that they get when they are recorded.

    Parameters
    ----------
    items, digests
        (N,) ids and digests of the rows of the pool.

    Raises
    ------
    InputError
        If two rows are the same item, or the content of an item has changed: labels given to it
        would be labels of something else.
    """
    if len(set(items)) != len(items):
        seen: set[str] = set()
        twice = next(item for item in items if item in seen or seen.add(item))
        raise InputError(f"pool: item {shown(twice)} twice; allowed: each once")
    known = arrivals.numbers()
    number = np.full(len(items), -1, np.int64)
    new: list[int] = []
    changed: list[str] = []
    for row, (item, digest) in enumerate(zip(items, digests, strict=True)):
        found = known.get(item)
        if found is None:
            number[row] = len(known) + len(new)
            new.append(row)
            continue
        number[row] = found
        if digest != arrivals.digests[found]:
            changed.append(item)
    if changed:
        told = f"{shown(changed[0])} ({len(changed)} in all)" if len(changed) > 1 else changed[0]
        raise InputError(
            f"pool: {told}: the content has changed since it came to the pool, and it may have "
            "been labelled; allowed: the former content, or the new one under a name of its own"
        )
    present = np.zeros(len(known) + len(new), bool)
    present[number] = True
    return PresentItems(number, tuple(np.flatnonzero(~present).tolist())), new


def record_arrival(
    folder: Path,
    campaign: str,
    arrivals: Arrivals,
    items: Sequence[str],
    digests: Sequence[str],
) -> Arrivals:
    """Record that `items` came to the pool, and return all arrivals, these included."""
    if not items:
        return arrivals
    number = int(arrivals.arrival[-1]) + 1 if len(arrivals.arrival) else 1
    with whole_folder(numbered_path(folder / "pool", "arrival", number)) as aside:
        content = {
            "campaign": campaign,
            "arrival": number,
            "items": list(items),
            "digests": list(digests),
            "previous": after(arrivals.last_sha256),
        }
        write_record(aside / RECORD, "arrivals", content)
    return read_arrivals(folder, campaign)
