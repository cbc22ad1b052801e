"""Variants of a data set: what its catalogue entry changes about classes, balance and size.

Changes are made in this order: classes are merged, the pool gets a long tail, near-copies are added
to it, and a random part of it is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from labelbench_core.datasets import (
    POOL,
    RawDataset,
    RawSplit,
)
from labelbench_core.datasets.variants import imbalance
from labelbench_core.datasets.variants.near_copies import copied_rows, near_copies, number_of_copies
from labelbench_core.datasets.variants.part_of_pool import check_pool_size, part_of_pool
from labelbench_core.errors import InputError

STORED = ("merge_classes", "long_tail", "near_copies")
"""Keys that a manifest has only where they are used."""


@dataclass(frozen=True)
class Variant:
    """What is asked for; None: left as it is. Attributes are keys of an entry and of a manifest.

    Attributes
    ----------
    merge_classes
        Number of classes that are left, all of the last ones being one: see `imbalance`.
    long_tail
        `ratio` of the first class's images to the last one's, in the pool.
    near_copies
        `share` of the pool, or `count`, of which a slightly changed copy is added.
    pool_size
        Size of the random part of the pool that is kept; a larger part contains every smaller one.
    """

    merge_classes: int | None = None
    long_tail: Mapping[str, float] | None = None
    near_copies: Mapping[str, float] | None = None
    pool_size: int | None = None

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Variant:
        """The variant that a catalogue's entry or a manifest describes."""
        return cls(**{key: entry.get(key) for key in (*STORED, "pool_size")})

    def changes_anything(self) -> bool:
        """Whether anything is asked for."""
        return self != Variant()

    def stored(self) -> dict[str, Any]:
        """The part of it that manifests have only where it is used."""
        return {key: getattr(self, key) for key in STORED if getattr(self, key) is not None}

    def made_of(self, raw: RawDataset, source: str) -> RawDataset:
        """The variant of `raw`, which the component `source` gave; see `_rows` for errors.

        Rows of the pool stay in their order, copies come last. The pool knows its `source_rows`,
        and the data set the number of copies in it.
        """
        if not self.changes_anything():
            return raw
        pool = raw.splits[POOL]
        if self.near_copies is not None and pool.images is None:
            raise InputError(
                "near_copies: images in files are not copied; allowed: leave it out, or a data set "
                "that is kept in memory"
            )
        names, rows, copies = self._rows(pool.labels, raw.class_names, source)
        splits = dict(raw.splits)
        if self.merge_classes is not None:
            for name, split in splits.items():
                labels = imbalance.merged(split.labels, self.merge_classes)
                splits[name] = replace(split, labels=labels)
        splits[POOL] = kept = with_source_rows(splits[POOL]).take(rows)
        if copies and kept.images is not None and kept.source_rows is not None:
            first = len(rows) - copies
            kept.images[first:] = near_copies(kept.images[first:], kept.source_rows[first:], source)
        return replace(raw, class_names=names, splits=splits, near_copies=copies)

    def planned_sizes(
        self,
        sizes: Mapping[str, int],
        known: tuple[np.ndarray, Sequence[str]] | None,
        source: str,
    ) -> dict[str, int]:
        """Sizes of the splits, without reading an image; without that of the pool if it is unknown.

        Parameters
        ----------
        sizes
            Sizes of the source's splits, as far as they are known.
        known
            (N,) labels of the source's pool and the classes' names, where they can be had.
        source
            The component.

        Raises
        ------
        InputError
            As `made_of`.
        """
        if not self.changes_anything():
            return dict(sizes)
        others = {name: size for name, size in sizes.items() if name != POOL}
        if known is not None:
            _, rows, _ = self._rows(*known, source)
            return {**others, POOL: len(rows)}
        pool = sizes.get(POOL) if self.long_tail is None else None
        if pool is not None and self.near_copies is not None:
            pool += number_of_copies(pool, self.near_copies)
        if self.pool_size is not None:
            most = sizes.get(POOL) if pool is None else pool
            if most is not None and self.pool_size > most:
                raise InputError(f"pool_size: {self.pool_size}; allowed: at most {most}")
            pool = self.pool_size
        return others if pool is None else {**others, POOL: pool}

    def _rows(
        self, labels: np.ndarray, class_names: Sequence[str], source: str
    ) -> tuple[list[str], np.ndarray, int]:
        """Names of the classes, the pool's rows in the variant, and how many copies end these.

        Raises
        ------
        InputError
            Naming the key, its value and what is allowed.
        """
        names = list(class_names)
        if self.merge_classes is not None:
            names = imbalance.merged_names(names, self.merge_classes)
            labels = imbalance.merged(labels, self.merge_classes)
        rows = np.arange(len(labels))
        if self.long_tail is not None:
            rows = imbalance.long_tail_rows(labels, names, source, self.long_tail["ratio"])
        copies = 0
        if self.near_copies is not None:
            copies = number_of_copies(len(rows), self.near_copies)
            rows = np.concatenate([rows, rows[copied_rows(len(rows), source, copies)]])
        if self.pool_size is not None:
            if len(labels) and labels.min() >= 0:  # a pool without labels lacks no class
                check_pool_size(labels[rows], names, source, self.pool_size)
            part = part_of_pool(len(rows), source, self.pool_size)
            copies = int((part >= len(rows) - copies).sum())
            rows = rows[part]
        return names, rows, copies


def with_source_rows(split: RawSplit) -> RawSplit:
    """`split`, whose rows are numbered as they are, unless they are already."""
    if split.source_rows is not None:
        return split
    return replace(split, source_rows=np.arange(len(split.labels)))
