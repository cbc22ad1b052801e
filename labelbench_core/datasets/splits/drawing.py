"""Splits that are drawn where a source has no test: stratified, seeded, whole groups at a time.

A draw goes by names of units, never by the order of rows: a unit is a group, or a row that is in
none. Rows that are in a split already stay there; a new row of a known group joins it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from labelbench_core.datasets import POOL, class_counts
from labelbench_core.errors import InputError, did_you_mean
from labelbench_core.storage.places import printable

DRAWN = (POOL, "test", "val")
"""Splits in the order of their numbers here; a draw may do without all of them but the pool."""


@dataclass(frozen=True)
class Draw:
    """How the pool of a source is divided.

    Attributes
    ----------
    shares
        "test", "val" → share of every class.
    sizes
        "test", "val" → number of rows, in place of a share.
    seed
        Seed of the draw.
    near_bits
        Images whose perceptual hashes differ in at most this many of 64 bits stay together; None:
        hashes are not compared.
    by
        What says which images are drawn together, in words; "": nothing does.
    unit_of
        Name of a row (its file; else by its content) → its group, or itself: rows of one unit are
        drawn together. In the source's order.
    may_lack
        Whether `test` and `val` may lack classes.
    row
        What a row is called in messages.
    """

    shares: Mapping[str, float]
    sizes: Mapping[str, int]
    seed: int = 0
    near_bits: int | None = None
    by: str = ""
    may_lack: bool = False
    unit_of: Mapping[str, str] = field(default_factory=dict)
    row: str = "image"

    @property
    def names(self) -> list[str]:
        """The splits that are drawn, the pool first."""
        return [one for one in DRAWN if one == DRAWN[0] or one in {**self.shares, **self.sizes}]

    def described(self) -> dict[str, object]:
        """What a draw depends on besides the images: with other values it starts again."""
        return {
            "shares": dict(self.shares),
            "sizes": dict(self.sizes),
            "seed": self.seed,
            "near_bits": self.near_bits,
            "by": self.by,
        }

    def wanted(self, split: str, labels: np.ndarray, num_classes: int) -> np.ndarray:
        """(C,) float64: rows of each class that `split` should have."""
        counts = np.bincount(labels, minlength=num_classes)
        if split in self.sizes:
            return counts * (self.sizes[split] / max(1, len(labels)))
        return counts * self.shares[split]


def drawn_splits(
    draw: Draw,
    labels: np.ndarray,
    units: Sequence[str],
    class_names: Sequence[str],
    known: np.ndarray | None = None,
) -> np.ndarray:
    """(N,) int64 places in `draw.names`: the split of each row.

    Parameters
    ----------
    labels
        (N,) int64, or (N, C) of 0 and 1: then a row counts as one of the rarest of its classes (a
        row of no class as one of the most frequent class), which spreads rare classes over the
        splits.
    units
        N names; rows of one name come into one split.
    known
        (N,) int64 places in `draw.names` of rows that are in a split already, -1 for new ones.

    Raises
    ------
    InputError
        For a class that cannot be in all splits, or sizes that leave nothing for the pool.
    """
    names, given = draw.names, labels
    labels = _strata(labels)
    _check_sizes(draw, len(labels), len(np.unique(labels)))
    number: dict[str, int] = {}
    codes = np.fromiter((number.setdefault(one, len(number)) for one in units), np.int64)
    place = np.full(len(labels), -1, np.int64) if known is None else known.copy()
    # A new row of a known unit joins it: the pool, where its rows are already in several.
    joined = np.full(len(number), len(names), np.int64)
    there = np.flatnonzero(place >= 0)
    np.minimum.at(joined, codes[there], place[there])
    new = place < 0
    join = new & (joined[codes] < len(names))
    place[join] = joined[codes[join]]
    new &= ~join
    parts = _Parts(draw, labels, place, class_names)
    rows = _rows_by_unit(codes, new, list(number), draw.seed)
    several = [one for one in rows if len(one) > 1]
    for one in several:
        parts.put_where_it_fits(one)
    parts.put_singles(np.array([one[0] for one in rows if len(one) == 1], np.int64))
    parts.mend(rows)
    parts.check(codes, given)
    return place


def _strata(labels: np.ndarray) -> np.ndarray:
    """(N,) int64 the class that a row counts as."""
    if labels.ndim == 1:
        return labels
    counts = labels.sum(axis=0, dtype=np.int64)
    rarest = np.where(labels.astype(bool), counts, np.iinfo(np.int64).max).argmin(axis=1)
    return np.where(labels.any(axis=1), rarest, counts.argmax())


def _rows_by_unit(
    codes: np.ndarray, new: np.ndarray, names: Sequence[str], seed: int
) -> list[np.ndarray]:
    """The new rows of each unit that has any, in an order that seed and names alone decide."""
    rows = np.flatnonzero(new)
    rows = rows[np.argsort(codes[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(codes[rows], prepend=-1))
    units = [names[int(code)] for code in codes[rows[starts]]]
    salt = b"%d\0" % seed
    keys = [hashlib.sha256(salt + unit.encode("utf-8", "surrogatepass")).digest() for unit in units]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    # With as many units as rows, np.split takes twice the time of slices.
    bounds = [*starts.tolist(), len(rows)]
    return [rows[bounds[one] : bounds[one + 1]] for one in order]


class _Parts:
    """Splits while they are filled; `place` is written to."""

    def __init__(
        self, draw: Draw, labels: np.ndarray, place: np.ndarray, class_names: Sequence[str]
    ) -> None:
        self.draw, self.labels, self.place = draw, labels, place
        self.class_names, self.names = class_names, draw.names
        classes = len(class_names)
        self.counts = np.bincount(labels, minlength=classes)
        wanted = [draw.wanted(split, labels, classes) for split in self.names[1:]]
        self.wanted = np.stack([self.counts - sum(wanted), *wanted])
        self.have = np.zeros_like(self.wanted, dtype=np.int64)
        there = place >= 0
        np.add.at(self.have, (place[there], labels[there]), 1)

    def put_where_it_fits(self, rows: np.ndarray) -> None:
        """Put a unit of several rows where counts come closest to what is wanted.

        That is, closest in the sum of (have - wanted)^2 / wanted over splits and classes, Pearson's
        chi-square.
        """
        classes, adds = np.unique(self.labels[rows], return_counts=True)
        wanted = np.maximum(self.wanted[:, classes], 1e-9)
        grown = adds * (adds + 2 * (self.have[:, classes] - wanted)) / wanted
        split = int(grown.sum(axis=1).argmin())
        self.place[rows] = split
        self.have[split, classes] += adds

    def put_singles(self, rows: np.ndarray) -> None:
        """Put rows that are units of their own, class by class: exactly as many as are wanted."""
        labels = self.labels[rows]
        order = np.argsort(labels, kind="stable")
        bounds = np.searchsorted(labels[order], np.arange(len(self.class_names) + 1))
        takes = self._takes(np.diff(bounds))
        for label in range(len(self.class_names)):
            mine = rows[order[bounds[label] : bounds[label + 1]]]
            start = 0
            for split in range(1, len(self.names)):
                stop = start + int(takes[split - 1, label])
                self.place[mine[start:stop]] = split
                self.have[split, label] += stop - start
                start = stop
            self.place[mine[start:]] = 0
            self.have[0, label] += len(mine) - start

    def _takes(self, free: np.ndarray) -> np.ndarray:
        """(S - 1, C) int64: of `free` (C,) rows, how many each split but the pool gets."""
        left = np.maximum(free - (self.have[0] == 0), 0)  # one is the pool's
        takes = []
        for split in range(1, len(self.names)):
            exact, size = self.wanted[split], self.draw.sizes.get(self.names[split])
            if size is None:
                most = np.maximum(np.rint(exact).astype(np.int64), 1)
            else:
                most = _whole(exact, size, least=0 if self.draw.may_lack else 1)
            take = np.clip(most - self.have[split], 0, left)
            takes.append(take)
            left = left - take
        return np.stack(takes)

    def mend(self, units: Sequence[np.ndarray]) -> None:
        """Move the smallest unit that helps into a split that lacks a class, where one can."""
        for split, label in np.argwhere((self.have == 0) & (self.counts > 0)).tolist():
            size_is_said = self.names[split] in self.draw.sizes and self.draw.may_lack
            if self.have[split, label] or size_is_said:
                continue
            for rows in sorted(
                (one for one in units if (self.labels[one] == label).any()), key=len
            ):
                source = int(self.place[rows[0]])
                classes, adds = np.unique(self.labels[rows], return_counts=True)
                if source != split and (self.have[source, classes] > adds).all():
                    self.place[rows] = split
                    self.have[source, classes] -= adds
                    self.have[split, classes] += adds
                    break

    def check(self, codes: np.ndarray, labels: np.ndarray) -> None:
        """`InputError` for a class that a split lacks and may not.

        `labels` are as given: with several for a row, all of them count, not only the rarest.
        """
        total = class_counts(labels, len(self.class_names))
        for split, name in enumerate(self.names):
            have = class_counts(labels[self.place == split], len(self.class_names))
            lacking = np.flatnonzero((have == 0) & (total > 0))
            if not len(lacking) or (split and self.draw.may_lack):
                continue
            label = int(lacking[0])
            count = int(total[label])
            of_class = labels[:, label] > 0 if labels.ndim > 1 else labels == label
            units = len(np.unique(codes[of_class]))
            one = self.draw.row
            images = f"1 {one}" if count == 1 else f"{count} {one}s"
            groups = "1 group" if units == 1 else f"{units} groups"
            what = images if units == count else f"{images} in {groups}"
            called, others = self.class_names[label], np.flatnonzero(total > count)
            hint = did_you_mean(called, [self.class_names[one] for one in others.tolist()])
            raise InputError(
                f"class {printable(called)} has {what}: none is left for {name}{hint}; "
                f"allowed: at least {len(self.names)} {one}s or groups of each class"
                + ("; `allow_missing_classes: true` accepts that" if split else "")
            )


def _whole(exact: np.ndarray, total: int, least: int) -> np.ndarray:
    """(C,) int64 near `exact`, which sums to `total`: by largest remainders.

    None is below `least` where `exact` is above 0; the largest make up for that.
    """
    whole = np.floor(exact).astype(np.int64)
    rest = total - int(whole.sum())
    if rest > 0:
        whole[np.argsort(whole - exact, kind="stable")[:rest]] += 1
    whole = np.where(exact > 0, np.maximum(whole, least), whole)
    for _ in range(int(whole.sum()) - total):
        whole[whole.argmax()] -= 1
    return whole


def _check_sizes(draw: Draw, count: int, classes: int) -> None:
    """`InputError` for sizes that leave the pool nothing, or that are fewer than the classes."""
    for split, size in draw.sizes.items():
        if size < classes and not draw.may_lack:
            raise InputError(
                f"options.{split}_size: {size}: fewer than the {classes} classes; allowed: at "
                "least one of each; `allow_missing_classes: true` accepts that"
            )
    asked = sum(draw.sizes.values()) + sum(share * count for share in draw.shares.values())
    if asked >= count:
        told = [f"{split}_size: {size}" for split, size in draw.sizes.items()]
        told += [f"{split}_share: {share:g}" for split, share in draw.shares.items()]
        raise InputError(
            f"options.{', '.join(told)}: none of {count:,} {draw.row}s is left for the pool; "
            "allowed: smaller splits"
        )
