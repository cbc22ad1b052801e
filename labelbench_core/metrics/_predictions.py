"""What the metrics need of predicted probabilities: three numbers per row."""

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
    """

    num_classes: int
    predicted: np.ndarray
    confidence: np.ndarray
    likelihood: np.ndarray

    @classmethod
    def of(cls, probabilities: Any, labels: np.ndarray) -> Self:
        """From (N, C) probabilities, in memory or in blocks, and (N,) true classes."""
        if len(probabilities.shape) != 2:
            shape = tuple(probabilities.shape)
            raise InputError(f"probabilities: shape {shape}; allowed: (N, C)")
        count, num_classes = probabilities.shape
        if np.shape(labels) != (count,):
            raise InputError(f"labels: shape {np.shape(labels)}; allowed: {(count,)}")
        check_labels(labels, num_classes)
        found = cls(num_classes, np.empty(count, np.int64), np.empty(count), np.empty(count))
        in_memory = isinstance(probabilities, np.ndarray)
        for first, block in [(0, probabilities)] if in_memory else probabilities.blocks():
            if in_memory:  # other rows check what they compute
                sums = block.sum(axis=1, dtype=np.float32)
                check_probabilities(block, sums, np.arange(len(block)), "probabilities")
            where = slice(first, first + len(block))
            found.predicted[where] = block.argmax(axis=1)
            found.confidence[where] = block.max(axis=1)
            found.likelihood[where] = block[np.arange(len(block)), labels[where]]
        return found
