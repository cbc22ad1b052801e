"""The stop set: a fixed sample of the pool; rules for stopping decide by the predictions for it.

Bloodgood & Vijay-Shanker, "A Method for Stopping Active Learning Based on Stabilizing Predictions
and the Need for User-Adjustable Stopping", CoNLL 2009, section 3: 2,000 rows drawn at random. No
label is needed for it, and none is read.
"""

from collections.abc import Iterator

import numpy as np

from labelbench_core.metrics import signals
from labelbench_core.metrics.signals import STOP_ROWS
from labelbench_core.seeds import rng_for
from labelbench_core.selection.job import RoundJob
from labelbench_core.selection.pool_rows import ComputedRows, PredictedRows
from labelbench_core.storage.round_files import BATCH_PREDICTED

PREDICTED = "stop_set_predicted"
"""Name, among a round's arrays, of the (S,) uint16 classes predicted for the stop set."""
SignalsAndArrays = tuple[dict[str, float], dict[str, np.ndarray]]
"""Signals, and arrays to keep."""


def stop_set(job: RoundJob) -> np.ndarray:
    """(S,) int64 rising rows of the pool, the same in all rounds of a data set and seed."""
    count = len(job.data.embeddings["pool"])
    if count <= STOP_ROWS:
        return np.arange(count)
    ids = job.ids()
    rng = rng_for("stop-set", ids["dataset"], ids["seed"])
    return np.sort(rng.choice(count, STOP_ROWS, replace=False))


class WatchedRows:
    """Rows that keep some of what passes while they are read block by block.

    Parameters
    ----------
    rows
        (N, C).
    kept
        (S,) int64 rising, the rows to keep.
    """

    def __init__(self, rows: ComputedRows, kept: np.ndarray) -> None:
        self._rows, self._indices = rows, kept
        self.shape, self.dtype = rows.shape, rows.dtype
        self._kept: np.ndarray | None = None

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """(first row, rows) in order."""
        kept = np.empty((len(self._indices), self.shape[1]), self.dtype)
        for first, block in self._rows.blocks():
            start, end = np.searchsorted(self._indices, [first, first + len(block)])
            kept[start:end] = block[self._indices[start:end] - first]
            yield first, block
        self._kept = kept

    def kept(self) -> np.ndarray:
        """(S, C) the rows to keep; computed where they have not all been read."""
        return self._rows.take(self._indices) if self._kept is None else self._kept


def of_round(job: RoundJob, kept: np.ndarray, probabilities: np.ndarray) -> SignalsAndArrays:
    """Signals of a round's proxy, and the array that the next round compares with.

    Parameters
    ----------
    kept, probabilities
        (S,) the stop set, and (S, C) what the proxy predicts for it.
    """
    before = job.previous.arrays.get(PREDICTED) if job.previous else None
    unlabeled = ~np.isin(kept, job.seller.bought)
    predicted = probabilities.argmax(axis=1).astype(np.uint16)
    return signals.of_stop_set(probabilities, before, unlabeled), {PREDICTED: predicted}


def of_batch(job: RoundJob, predicted: PredictedRows, size: int) -> SignalsAndArrays:
    """Of the `size` rows bought last, as `predicted` by the proxy that they were bought with."""
    bought, labels = job.seller.bought[-size:], job.seller.labels[-size:]
    probabilities = predicted.take(bought)
    classes = probabilities.argmax(axis=1).astype(np.uint16)
    return signals.of_batch(probabilities, labels), {BATCH_PREDICTED: classes}
