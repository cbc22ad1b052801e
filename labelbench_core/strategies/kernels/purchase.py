"""The labels that a sequential strategy knows: those it started from and those it has bought."""

from collections.abc import Callable

import numpy as np

from labelbench_core.strategies.pool import Pool


class Purchase:
    """Buys labels and remembers them.

    Attributes
    ----------
    free
        (N,) whether a row is not labelled.
    left
        Labels that can still be bought.
    counts
        (C,) labelled rows of each class.
    """

    def __init__(self, pool: Pool, budget: int, ask: Callable[[np.ndarray], np.ndarray]) -> None:
        self._ask, self._multilabel = ask, pool.multilabel
        self._start, self._known = len(pool.labeled), len(pool.labeled)
        labels = np.asarray(pool.labels)
        self._rows = np.append(pool.labeled.astype(np.int64), np.zeros(budget, np.int64))
        self._labels = np.zeros((self._start + budget, *labels.shape[1:]), labels.dtype)
        self._labels[: self._start] = labels
        self.left = budget
        self.free = np.ones(pool.num_rows, bool)
        self.free[pool.labeled] = False
        self.counts = np.zeros(pool.num_classes, np.int64)
        self._count(labels)

    @property
    def rows(self) -> np.ndarray:
        """(L + m,) int64 labelled rows, then the m rows bought so far, in the order bought."""
        return self._rows[: self._known]

    @property
    def bought(self) -> np.ndarray:
        """(m,) int64 rows bought so far, in the order bought."""
        return self._rows[self._start : self._known]

    def of_class(self, k: int, first: int = 0) -> np.ndarray:
        """Whether each of `rows`, from number `first` on, is of class k."""
        labels = self._labels[first : self._known]
        return labels[:, k].astype(bool) if self._multilabel else labels == k

    def buy(self, rows: np.ndarray) -> None:
        """Buy the labels of distinct unlabelled rows at once."""
        labels = self._ask(rows)
        new = slice(self._known, self._known + len(rows))
        self._rows[new], self._labels[new] = rows, labels
        self._known += len(rows)
        self.left -= len(rows)
        self.free[rows] = False
        self._count(self._labels[new])

    def _count(self, labels: np.ndarray) -> None:
        if self._multilabel:
            self.counts += labels.astype(bool).sum(axis=0)
        else:
            self.counts += np.bincount(labels, minlength=len(self.counts))
