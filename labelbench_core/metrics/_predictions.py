"""What the metrics need of predicted probabilities: three numbers per row, and its weight."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from labelbench_core.compute.values import check_labels, check_probabilities
from labelbench_core.errors import InputError


@dataclass(frozen=True)
class Predictions:
    """Predictions of N rows.

    Attributes
    ----------
    num_classes
        C.
    predicted
        (N,) int64 most likely class (ties: the lowest).
    confidence
        (N,) float64 probability of that class.
    likelihood
        (N,) float64 probability of the true class.
    weights
        (N,) float64 weight of each row; None: 1 each.
    """

    num_classes: int
    predicted: np.ndarray
    confidence: np.ndarray
    likelihood: np.ndarray
    weights: np.ndarray | None = None

    @property
    def total(self) -> float:
        """The sum of the weights, N where there are none."""
        return float(len(self.predicted) if self.weights is None else self.weights.sum())

    def weighted(self, values: np.ndarray) -> np.ndarray:
        """(N,) values of the rows, each times its weight."""
        return values if self.weights is None else values * self.weights

    @classmethod
    def of(cls, probabilities: Any, labels: np.ndarray, weights: np.ndarray | None = None) -> Self:
        """From (N, C) probabilities, in memory or in blocks, (N,) true classes, (N,) weights."""
        if len(probabilities.shape) != 2:
            shape = tuple(probabilities.shape)
            raise InputError(f"probabilities: shape {shape}; allowed: (N, C)")
        count, num_classes = probabilities.shape
        if np.shape(labels) != (count,):
            raise InputError(f"labels: shape {np.shape(labels)}; allowed: {(count,)}")
        check_labels(labels, num_classes)
        doubled = None if weights is None else weights.astype(np.float64)
        found = cls(
            num_classes, np.empty(count, np.int64), np.empty(count), np.empty(count), doubled
        )
        in_memory = isinstance(probabilities, np.ndarray)
        for first, block in [(0, probabilities)] if in_memory else probabilities.blocks():
            if in_memory:  # rows in blocks check what they compute
                sums = block.sum(axis=1, dtype=np.float32)
                check_probabilities(block, sums, np.arange(len(block)), "probabilities")
            where = slice(first, first + len(block))
            found.predicted[where] = block.argmax(axis=1)
            found.confidence[where] = block.max(axis=1)
            found.likelihood[where] = block[np.arange(len(block)), labels[where]]
        return found
