"""Which rows of a pool are its audit: a random order of them, drawn before the first batch.

Rows that come together are a stratum with an order of its own; the first part of each order is
reserved for the audit. An order is drawn from the names of its items alone: how they were listed
does not matter. What is drawn is recorded and never drawn again: a record for each stratum, in
`audit/stratum-001.json`, `audit/stratum-002.json`, …, each naming the SHA-256 of the one before it.
"""

import itertools
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from labelbench_core.campaign.facts import after, read_fact
from labelbench_core.errors import InputError, shown
from labelbench_core.seeds import rng_for
from labelbench_core.storage.records import write_record

FOLDER, KIND = "audit", "audit order"
MOST_BY_DEFAULT, SHARE_BY_DEFAULT = 400, 0.1
_ROUNDING = 1e-9  # 10 % of 30 rows are 3

Item = TypeVar("Item")


@dataclass(frozen=True)
class Stratum:
    """Rows that came to the pool together.

    Attributes
    ----------
    items
        Their ids, in random order.
    reserved
        How many of them, from the first, are reserved for the audit.
    """

    items: tuple[str, ...]
    reserved: int


@dataclass(frozen=True)
class AuditOrder:
    """The strata of a pool, in the order in which they came.

    Attributes
    ----------
    strata
        Empty before the first draw.
    last_sha256
        SHA-256 of the last stratum's record; None where none is recorded.
    """

    strata: tuple[Stratum, ...] = ()
    last_sha256: str | None = None

    def stratum_of(self) -> dict[str, int]:
        """Item → its stratum, from 0, of all items of the audit."""
        return {
            item: place
            for place, stratum in enumerate(self.strata)
            for item in stratum.items[: stratum.reserved]
        }

    def reserved(self) -> frozenset[str]:
        """Items of the audit: never proposed by a strategy, nor trained on before the finish."""
        return frozenset(self.stratum_of())

    def known(self) -> frozenset[str]:
        """All items that an order was drawn for."""
        return frozenset(item for stratum in self.strata for item in stratum.items)

    def sizes(self, present: Collection[str]) -> list[int]:
        """(H,) rows of each stratum that are among `present`, a set: its weight in the pool."""
        return [sum(item in present for item in stratum.items) for stratum in self.strata]

    def removed(self, present: Collection[str]) -> list[str]:
        """Reserved items that the pool no longer has, in order.

        They are neither handed out nor counted. What is left of a random order is a random order of
        what is left, if rows are not removed for what the audit found.
        """
        return [item for item in self.stratum_of() if item not in present]


def reserved_of(size: int, amount: int | float | None, whole: Stratum | None = None) -> int:
    """How many rows of a stratum are reserved.

    Parameters
    ----------
    size
        Rows of the stratum, at least 1.
    amount
        What is reserved of the first stratum: a whole number of rows; a share of the pool (float,
        above 0, at most 1), rounded up; None: 400 or 10 %, rounded up, whichever is less.
    whole
        The first stratum, for a later one: as large a share of it, rounded up, is reserved.

    Raises
    ------
    InputError
        If that is not at least one row, and at most all.
    """
    if whole is not None:
        amount = whole.reserved / len(whole.items)
    if amount is None:
        return min(MOST_BY_DEFAULT, _rounded_up(SHARE_BY_DEFAULT * size))
    if isinstance(amount, float):
        if not 0 < amount <= 1:
            raise InputError(f"audit: {100 * amount:g}%; allowed: more than 0%, at most 100%")
        return _rounded_up(amount * size)
    if not 1 <= amount <= size:
        raise InputError(f"audit: {shown(amount)}; allowed: 1 to {size}, the rows of the pool")
    return amount


def draw_stratum(
    order: AuditOrder, items: Sequence[str], amount: int | float | None, *names: str | int
) -> Stratum:
    """A random order of items that have come to the pool, and how many of them are reserved.

    The draw does not depend on how items are listed, and differs from stratum to stratum.

    Parameters
    ----------
    order
        What was drawn before.
    items
        Distinct ids, at least one, none of them in `order`.
    amount
        See `reserved_of`; it has an effect on the first stratum alone.
    *names
        What the draw is derived from: the campaign's id and seed.

    Raises
    ------
    InputError
        If an item is listed twice or is in the order already; also as in `reserved_of`.
    """
    ordered = sorted(items)
    twice = [one for one, other in itertools.pairwise(ordered) if one == other]
    twice += sorted(order.known().intersection(ordered))
    if twice:
        raise InputError(f"pool: item {shown(twice[0])} twice; allowed: each once")
    first = order.strata[0] if order.strata else None
    reserved = reserved_of(len(ordered), amount, first)
    drawn = rng_for("audit", *names, len(order.strata)).permutation(len(ordered))
    return Stratum(tuple(ordered[place] for place in drawn.tolist()), reserved)


def share_of_batch(batch_size: int, share: float, before: int, audited: int) -> int:
    """How many rows of the next batch are audit rows, as far as there are.

    So many that, of all rows handed out, the audit has its share, rounded up: a batch too small for
    a whole row has one now and then, and the first batch has one.

    Parameters
    ----------
    batch_size
        Rows of this batch.
    share
        Share of audit rows, 0 to 1.
    before, audited
        Rows handed out in earlier batches, and how many of these were of the audit.
    """
    due = _rounded_up(share * (before + batch_size)) - audited
    return min(max(due, 0), batch_size)


def next_items(
    order: AuditOrder, count: int, present: Collection[str], handed_out: Collection[str]
) -> list[str]:
    """The next items of the audit, fewer than `count` where no more are left.

    Each is the next one of the stratum that has most rows for each of its audit rows with this one
    (d'Hondt's rule): strata are audited in proportion to their sizes, and one that has come late
    catches up.

    Parameters
    ----------
    present
        Set of the items that the pool has now.
    handed_out
        Set of all items of earlier batches.
    """
    waiting, taken = [], []
    for stratum in order.strata:
        own = [item for item in stratum.items[: stratum.reserved] if item in present]
        taken.append(sum(item in handed_out for item in own))
        waiting.append(iter([item for item in own if item not in handed_out]))
    sizes = order.sizes(present)
    found: list[str] = []
    while len(found) < count:
        ranked = sorted(range(len(sizes)), key=lambda one: (-sizes[one] / (taken[one] + 1), one))
        item = next((item for one in ranked if (item := _next(one, waiting, taken))), None)
        if item is None:
            break
        found.append(item)
    return found


def mixed(audit: Sequence[Item], chosen: Sequence[Item], *names: str | int) -> list[Item]:
    """Rows of the audit and of the strategy in a random order: nothing tells which are which.

    Parameters
    ----------
    *names
        What the order is derived from: the campaign's id and seed, and the batch's number.
    """
    rows = [*audit, *chosen]
    return [rows[place] for place in rng_for("batch-order", *names).permutation(len(rows)).tolist()]


def record_stratum(folder: Path, campaign: str, order: AuditOrder, stratum: Stratum) -> AuditOrder:
    """Write the record of the next stratum into the campaign's folder, and return all strata.

    Raises
    ------
    FileExistsError
        If that stratum has been recorded: it is never replaced.
    """
    number = len(order.strata) + 1
    path = _path(folder, number)
    if path.exists():
        raise FileExistsError(f"{path}: a stratum is never drawn again")
    content = {
        "campaign": campaign,
        "stratum": number,
        "items": list(stratum.items),
        "reserved": stratum.reserved,
        "previous": after(order.last_sha256),
    }
    write_record(path, KIND, content)
    return read_order(folder, campaign)


def read_order(folder: Path, campaign: str) -> AuditOrder:
    """The strata that are recorded in the campaign's folder, none of them changed.

    Raises
    ------
    InputError
        If a record is damaged, edited, of another campaign or missing before a later one.
    """
    numbers = sorted(
        int(path.stem.removeprefix("stratum-")) for path in (folder / FOLDER).glob("stratum-*.json")
    )
    strata: list[Stratum] = []
    last = None
    for number in range(1, max(numbers, default=0) + 1):
        expected = {"campaign": campaign, "stratum": number, "previous": after(last)}
        record, last = read_fact(_path(folder, number), KIND, expected)
        strata.append(Stratum(tuple(record["items"]), record["reserved"]))
    return AuditOrder(tuple(strata), last)


def _next(stratum: int, waiting: Sequence[Any], taken: list[int]) -> str | None:
    item = next(waiting[stratum], None)
    taken[stratum] += item is not None
    return item


def _path(folder: Path, number: int) -> Path:
    return folder / FOLDER / f"stratum-{number:03d}.json"


def _rounded_up(rows: float) -> int:
    return math.ceil(rows - _ROUNDING)
