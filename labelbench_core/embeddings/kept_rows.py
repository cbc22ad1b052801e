"""Rows of earlier embeddings, reused wherever they stand: a pool that grows in its middle.

A row of a full batch has the same features whatever rows are beside it and wherever it stands, if
the kernels of the machine compute each row by itself in one order. That is so in practice, and is
put to the test before any row is reused: a batch of known rows in another order must give the bits
that were kept. Then only new rows are computed, in full batches of rows from anywhere; batches that
are not full are computed as they stand. The bytes are those of a fresh extraction.

A file beside the arrays says what the content of each row of the kept blocks (`kept`) was, for
images that are in files of their own. Other rows are reused by whole batches alone.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.datasets import SplitRows
from labelbench_core.embeddings.kept import KeptBlocks, batches_of
from labelbench_core.embeddings.kept_batches import open_kept_block
from labelbench_core.errors import InputError
from labelbench_core.storage import files
from labelbench_core.storage.row_blocks import RowBlocks

log = logging.getLogger(__name__)
DIGEST_BYTES = 16
WORTH = 2
"""Batches of known rows from which on reusing them is worth the batch that tests it."""


class KeptRows:
    """Rows of an earlier extraction, by their content.

    Parameters
    ----------
    path
        The file that says which they are.
    folder
        The blocks that are kept.
    settings
        Everything that the features of a row depend on besides its content, as a hash.
    batch_size
        Rows of a full batch.
    """

    def __init__(self, path: Path, folder: Path, settings: str, batch_size: int) -> None:
        self._path, self._folder, self._settings = path, folder, settings
        self._batch_size = batch_size
        self._names: list[str] = []
        self._digests = np.zeros((0, DIGEST_BYTES), np.uint8)
        self._sizes: list[tuple[int, int, int]] = []
        self._block = self._place = np.zeros(0, np.int64)
        self._opened: dict[int, RowBlocks | None] = {}
        try:
            noted = files.read_npz(path) if path.is_file() else {}
            if noted and str(noted["settings"]) == settings:
                self._read(noted)
        except (InputError, KeyError, TypeError, ValueError):
            log.info("%s: damaged; no row of an earlier extraction is reused", path)
            self._digests = np.zeros((0, DIGEST_BYTES), np.uint8)
        self._first = _numbers(self._digests)
        self._order = np.argsort(self._first, kind="stable")

    def _read(self, noted: Mapping[str, np.ndarray]) -> None:
        digests, full, held = noted["digests"], noted["full"], noted["held"].tolist()
        if len(digests) != sum(held) or len(full) != len(digests) or len(held) == 0:
            raise ValueError("its arrays do not fit each other")
        self._names = [str(name) for name in noted["names"].tolist()]
        sizes = (held, noted["width"].tolist(), noted["block_rows"].tolist())
        self._sizes = list(zip(*sizes, strict=True))
        block = np.repeat(np.arange(len(held)), held)
        place = np.concatenate([np.arange(count) for count in held])
        self._block, self._place = block[full], place[full]
        self._digests = np.ascontiguousarray(digests[full], np.uint8)

    def __len__(self) -> int:
        return len(self._digests)

    def find(self, rows: SplitRows, numbers: range) -> np.ndarray:
        """(n,) int64 which kept row each of the rows `numbers` is; -1 where none is."""
        digests = _digests_of(rows, numbers)
        if not len(self):
            return np.full(len(digests), -1, np.int64)
        at = np.searchsorted(self._first, _numbers(digests), sorter=self._order)
        found = self._order[np.minimum(at, len(self) - 1)]
        same = (self._digests[found] == digests).all(axis=1)
        blocks = self._block[found]
        for block in np.unique(blocks[same]).tolist():
            if self._open(block) is None:
                same &= blocks != block
        return np.where(same, found, -1)

    def features(self, found: np.ndarray) -> np.ndarray:
        """(n, D) float16 the features of kept rows, by what `find` gave."""
        blocks = self._block[found]
        parts: np.ndarray | None = None
        for block in np.unique(blocks).tolist():
            rows = self._open(block)
            assert rows is not None  # `find` gives no rows of blocks that cannot be opened
            of_block = np.flatnonzero(blocks == block)
            values = rows.take(self._place[found[of_block]])
            if parts is None:
                parts = np.empty((len(found), values.shape[1]), values.dtype)
            parts[of_block] = values
        assert parts is not None
        return parts

    def note(
        self,
        arrays: Mapping[str, tuple[tuple[int, ...], str, int]],
        kept: KeptBlocks,
        rows: Mapping[str, SplitRows],
    ) -> None:
        """Note which rows the blocks of this extraction hold, for the next one.

        Parameters
        ----------
        arrays
            Name → (shape, dtype, rows of a block).
        rows
            Name of the array → its rows.
        """
        names, sizes, digests, full = [], [], [], []
        for array, ((num_rows, width), _, block_rows) in arrays.items():
            if not rows[array].contents_are_noted:
                continue
            for block, first in enumerate(range(0, num_rows, block_rows)):
                name = kept.name_of(array, block)
                if name is None:
                    continue
                within = range(first, min(first + block_rows, num_rows))
                names.append(name)
                sizes.append((len(within), width, block_rows))
                digests.append(_digests_of(rows[array], within))
                parts = batches_of(within, self._batch_size)
                full += [np.full(len(part), len(part) == self._batch_size) for part in parts]
        if not names:
            self._path.unlink(missing_ok=True)
            return
        held, width, block_rows = np.array(sizes, np.int64).T
        files.write_npz(
            self._path,
            settings=np.array(self._settings),
            names=np.array(names),
            held=held,
            width=width,
            block_rows=block_rows,
            digests=np.concatenate(digests),
            full=np.concatenate(full),
        )

    def _open(self, block: int) -> RowBlocks | None:
        """The rows of a kept block; None if it is gone or damaged."""
        if block not in self._opened:
            self._opened[block] = open_kept_block(
                self._folder, self._names[block], *self._sizes[block]
            )
        return self._opened[block]


class RowByRow:
    """Features of full batches some rows of which are kept; the others are computed.

    Parameters
    ----------
    kept
        Rows of an earlier extraction.
    rows
        The split's.
    encode
        (B, …) rows → (B, D) float32 features, where B is the size of a full batch.
    batch_size
        B.
    """

    def __init__(
        self,
        kept: KeptRows,
        rows: SplitRows,
        encode: Callable[[Any], np.ndarray],
        batch_size: int,
    ) -> None:
        self._kept, self._rows, self._encode, self._size = kept, rows, encode, batch_size
        self._found: dict[int, np.ndarray] = {}
        self._waiting: list[int] = []
        self._made: dict[int, np.ndarray] = {}

    def plan(self, batches: Sequence[range]) -> None:
        """Look for the rows of full batches; reuse none if that is not worth it, or not exact."""
        if not len(self._kept) or not self._rows.contents_are_noted:
            return
        found = {one.start: self._kept.find(self._rows, one) for one in batches}
        known = [
            (one.start + place, index)
            for one in batches
            for place, index in enumerate(found[one.start].tolist())
            if index >= 0
        ]
        if len(known) < WORTH * self._size or not self._is_exact(known):
            return
        self._found = found
        self._waiting = [
            one.start + place
            for one in batches
            for place in np.flatnonzero(found[one.start] < 0).tolist()
        ]
        log.info(
            "%d rows reused from an earlier extraction, %d embedded among them",
            len(known),
            len(self._waiting),
        )

    def plans(self, batch: range) -> bool:
        """Whether `of` has the features of a batch, as far as is known before it is computed."""
        return batch.start in self._found

    def of(self, batch: range) -> np.ndarray | None:
        """(B, D) float16 the features of a batch; None where it has to be computed as it stands."""
        found = self._found[batch.start]
        new = np.flatnonzero(found < 0)
        while any(batch.start + place not in self._made for place in new.tolist()):
            self._make_next()
        half = None
        if len(new) < len(found):
            known = self._kept.features(found[found >= 0])
            half = np.empty((len(found), known.shape[1]), known.dtype)
            half[found >= 0] = known
        made = [self._made.pop(batch.start + place) for place in new.tolist()]
        if half is None:
            half = np.empty((len(found), len(made[0])), made[0].dtype)
        for place, features in zip(new.tolist(), made, strict=True):
            half[place] = features
        # What does not fit is told by the extraction, which names the row.
        return half if np.isfinite(half).all() else None

    def _make_next(self) -> None:
        """Compute the next new rows in a full batch, which the same rows again fill up."""
        chosen, self._waiting = self._waiting[: self._size], self._waiting[self._size :]
        filled = np.resize(np.array(chosen, np.int64), self._size)
        features = self._half(filled)
        self._made.update(zip(chosen, features, strict=False))

    def _is_exact(self, known: Sequence[tuple[int, int]]) -> bool:
        """Whether known rows, in another order, have the features that were kept."""
        places = np.linspace(0, len(known) - 1, self._size).astype(np.int64)[::-1]
        numbers, indices = (np.array(one, np.int64) for one in zip(*known, strict=True))
        if np.array_equal(self._half(numbers[places]), self._kept.features(indices[places])):
            return True
        log.info("rows in another order have other last bits here; none is reused")
        return False

    def _half(self, numbers: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return self._encode(self._rows.batch(numbers)).astype(np.float16)


def _digests_of(rows: SplitRows, numbers: range) -> np.ndarray:
    """(n, DIGEST_BYTES) uint8 the first bytes of a hash over each row."""
    hashes = [rows.contents(range(one, one + 1))[: 2 * DIGEST_BYTES] for one in numbers]
    return np.frombuffer(bytes.fromhex("".join(hashes)), np.uint8).reshape(-1, DIGEST_BYTES)


def _numbers(digests: np.ndarray) -> np.ndarray:
    """(n,) uint64 the first eight bytes of each digest."""
    return np.ascontiguousarray(digests[:, :8]).view(np.uint64)[:, 0]
