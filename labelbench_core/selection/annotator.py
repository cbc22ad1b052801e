"""The annotator: the only way to a hidden label of the pool is to buy it here."""

from collections.abc import Callable
from typing import Any

import numpy as np

from labelbench_core import metrics


class LabelSeller:
    """Holds the pool's labels and sells them.

    Parameters
    ----------
    labels
        (N,) labels as the annotator gives them.
    bought
        (L,) indices bought in earlier rounds.
    """

    def __init__(self, labels: np.ndarray, bought: np.ndarray) -> None:
        self._labels = labels
        self._order = bought.astype(np.int64).tolist()
        self._taken = np.zeros(len(labels), bool)
        self._taken[self._order] = True

    @property
    def bought(self) -> np.ndarray:
        """(L,) int64 indices in the order bought."""
        return np.array(self._order, np.int64)

    @property
    def labels(self) -> np.ndarray:
        """(L,) labels of `bought`."""
        return self._labels[self.bought]

    def buy(self, indices: np.ndarray) -> np.ndarray:
        """Buy the labels of `indices`; `ValueError` if one is already bought."""
        indices = np.asarray(indices, dtype=np.int64)
        repeated = indices[self._taken[indices]]
        if len(repeated) or len(np.unique(indices)) != len(indices):
            raise ValueError(f"labels bought twice: {repeated.tolist() or indices.tolist()}")
        self._taken[indices] = True
        self._order += indices.tolist()
        return self._labels[indices]

    def peek(self, indices: np.ndarray) -> np.ndarray:
        """Labels of `indices` without buying them: for ceilings, which are never ranked."""
        return self._labels[indices]


class SequentialPurchase:
    """An `ask` for strategies that buy one after the other: it spends a round's budget."""

    def __init__(self, seller: LabelSeller, budget: int) -> None:
        self._seller, self._left = seller, budget
        self.asked: list[int] = []

    def __call__(self, indices: np.ndarray) -> np.ndarray:
        """Labels of `indices`; `ValueError` if that is more than is left in the budget."""
        indices = np.atleast_1d(np.asarray(indices, dtype=np.int64))
        if len(indices) > self._left:
            raise ValueError(f"{len(indices)} labels requested, {self._left} left in the budget")
        labels = self._seller.buy(indices)
        self._left -= len(indices)
        self.asked += indices.tolist()
        return labels


class LookAhead:
    """A `fit` for ceilings: how good the round's proxy would be with the labels of more rows.

    Parameters
    ----------
    seller
        Knows the labels of rows that may be bought.
    train
        (k,) further rows and their labels → a proxy trained on them and on the labels bought.
    features, truth
        (n, D) embeddings as stored and (n,) true labels of the rows that it is judged by.
    """

    def __init__(
        self,
        seller: LabelSeller,
        train: Callable[[np.ndarray, np.ndarray], Any],
        features: np.ndarray,
        truth: np.ndarray,
    ) -> None:
        self._seller, self._train = seller, train
        self._features, self._truth = features, truth

    def __call__(self, indices: np.ndarray) -> float:
        """Mean log-likelihood (nats) of the true labels with the labels of `indices` too."""
        proxy = self._train(indices, self._seller.peek(indices))
        return -metrics.evaluate(proxy.predict_proba(self._features), self._truth)["nll"]
