"""Evaluation: how good predicted probabilities are, once the true labels are known."""

from typing import Any

import numpy as np

from labelbench_core.metrics import accuracy, calibration
from labelbench_core.metrics._predictions import Predictions


def evaluate(probabilities: Any, labels: np.ndarray) -> dict[str, float]:
    """All metrics of a split.

    Parameters
    ----------
    probabilities
        (N, C) predicted class probabilities: an array, or rows that are read block by block.
    labels
        (N,) true classes.

    Returns
    -------
    dict
        `accuracy`, `balanced-accuracy`, `min-class-accuracy`, `macro-f1`, `nll` (nats), `ece`.
    """
    predictions = Predictions.of(probabilities, labels)
    return accuracy.measure(predictions, labels) | calibration.measure(predictions, labels)
