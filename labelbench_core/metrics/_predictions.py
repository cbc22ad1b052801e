"""What the metrics need of predicted probabilities: three numbers a row, whatever the classes."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np


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
    """

    num_classes: int
    predicted: np.ndarray
    confidence: np.ndarray
    likelihood: np.ndarray

    @classmethod
    def of(cls, probabilities: Any, labels: np.ndarray) -> Self:
        """From (N, C) probabilities, in memory or in blocks, and (N,) true classes."""
        count, num_classes = probabilities.shape
        found = cls(num_classes, np.empty(count, np.int64), np.empty(count), np.empty(count))
        in_memory = isinstance(probabilities, np.ndarray)
        for first, block in [(0, probabilities)] if in_memory else probabilities.blocks():
            where = slice(first, first + len(block))
            found.predicted[where] = block.argmax(axis=1)
            found.confidence[where] = block.max(axis=1)
            found.likelihood[where] = block[np.arange(len(block)), labels[where]]
        return found
