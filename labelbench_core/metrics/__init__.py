"""Evaluation: how good predicted probabilities are, once the true labels are known."""

import numpy as np

from labelbench_core.metrics import accuracy, calibration


def evaluate(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """All metrics of a split.

    Parameters
    ----------
    probabilities
        (N, C) predicted class probabilities.
    labels
        (N,) true classes.

    Returns
    -------
    dict
        `accuracy`, `balanced-accuracy`, `min-class-accuracy`, `macro-f1`, `nll` (nats), `ece`.
    """
    return accuracy.measure(probabilities, labels) | calibration.measure(probabilities, labels)
