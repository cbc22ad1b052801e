"""The pool as its proxy sees it: computed from the rows on disk, block by block, or in memory."""

from collections.abc import Callable, Iterator

import numpy as np

from labelbench_core.compute.threads import ordered_map
from labelbench_core.proxies import Ensemble, Proxy
from labelbench_core.storage.rows import RowSource
from labelbench_core.strategies.arrays import check_chunk

# Above this, strategies see the pool's embeddings and probabilities block by block.
DENSE_BYTES = 1 << 30
TAKEN_ROWS = 2048  # rows computed at a time, of those requested by index


class ComputedRows:
    """Rows computed from rows on disk when they are read; `ThreadedRows`.

    Parameters
    ----------
    compute
        Maps (n, D) rows as stored to (n, columns); it must be safe to call from several threads.
    rows
        (N, D), on disk.
    threads
        Threads to use; no influence on the values.
    field
        Name of the pool's field, for errors.
    total
        What a row of probabilities sums to; None: anything.

    Raises
    ------
    InputError
        While reading, if a value is NaN or too large.
    """

    values_are_checked = True  # so that no extra pass over the pool is needed for checks

    def __init__(
        self,
        compute: Callable[[np.ndarray], np.ndarray],
        rows: RowSource,
        threads: int,
        field: str,
        total: float | None = None,
    ) -> None:
        self._compute, self._rows, self._threads, self._field = compute, rows, threads, field
        self._total = total
        # The result for zero rows shows width and precision.
        empty = compute(rows.take(np.zeros(0, np.int64)))
        self.shape, self.dtype = (len(rows), empty.shape[1]), empty.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """(first row, rows) in order; a few blocks are computed ahead."""
        return ordered_map(self._computed, self._rows.blocks(), self._threads)

    def for_blocks(self, work: Callable[[int, np.ndarray], None]) -> None:
        """`work(first row, rows)` on all blocks, each in the thread that computes it."""

        def compute_and_work(block: tuple[int, np.ndarray]) -> None:
            work(*self._computed(block))

        for _ in ordered_map(compute_and_work, self._rows.blocks(), self._threads):
            pass

    def take(self, indices: np.ndarray) -> np.ndarray:
        """(k, columns) rows `indices`, in that order."""

        def computed(part: np.ndarray) -> np.ndarray:
            values = self._compute(self._rows.take(part))
            check_chunk(values, self._field, part, self._total)
            return values

        starts = range(0, max(1, len(indices)), TAKEN_ROWS)
        parts = [indices[start : start + TAKEN_ROWS] for start in starts]
        threads = min(self._threads, len(parts))
        return np.concatenate(list(ordered_map(computed, parts, threads)))

    def load(self) -> np.ndarray:
        """(N, columns) all rows in memory."""
        result = np.empty(self.shape, self.dtype)
        for first, rows in self.blocks():
            result[first : first + len(rows)] = rows
        return result

    def _computed(self, block: tuple[int, np.ndarray]) -> tuple[int, np.ndarray]:
        first, rows = block
        values = self._compute(rows)
        check_chunk(values, self._field, np.arange(first, first + len(rows)), self._total)
        return first, values


class EmbeddedRows(ComputedRows):
    """(N, D) the pool's embeddings as gradient- and feature-based strategies see them."""

    def __init__(self, proxy: Proxy, rows: RowSource, threads: int = 1) -> None:
        super().__init__(proxy.embed, rows, threads, "embeddings")


class PredictedRows(ComputedRows):
    """(N, C) the proxy's probabilities; rows that are taken equal those of blocks to rounding."""

    def __init__(
        self, proxy: Proxy, rows: RowSource, threads: int = 1, *, multilabel: bool = False
    ) -> None:
        total = None if multilabel else 1.0
        super().__init__(proxy.predict_proba, rows, threads, "probabilities", total)


def in_memory_if_small(rows: ComputedRows) -> np.ndarray | ComputedRows:
    """All rows in memory if they fit `DENSE_BYTES`, else streamed."""
    small = rows.shape[0] * rows.shape[1] * rows.dtype.itemsize <= DENSE_BYTES
    return rows.load() if small else rows


def member_rows(
    proxy: Ensemble, rows: RowSource, threads: int = 1, *, multilabel: bool = False
) -> np.ndarray | list[ComputedRows]:
    """Probabilities of an ensemble's members, for a `Pool`.

    Returns
    -------
    (M, N, C) float32 in memory where that fits `DENSE_BYTES`, else M times (N, C), streamed: a
    strategy that reads all members side by side then holds no more than a block of each.
    """
    _, members, classes = proxy.predict_members(rows.take(np.zeros(0, np.int64))).shape
    if 4 * len(rows) * members * classes > DENSE_BYTES:

        def member(place: int) -> ComputedRows:
            def compute(part: np.ndarray) -> np.ndarray:
                return proxy.predict_members(part, slice(place, place + 1))[:, 0]

            total = None if multilabel else 1.0
            return ComputedRows(compute, rows, threads, "member_probabilities", total)

        return [member(place) for place in range(members)]

    def together(part: np.ndarray) -> np.ndarray:
        return proxy.predict_members(part).reshape(len(part), members * classes)

    total = None if multilabel else float(members)
    found = ComputedRows(together, rows, threads, "member_probabilities", total).load()
    return found.reshape(len(rows), members, classes).transpose(1, 0, 2)
