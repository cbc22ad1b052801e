"""How far predicted probabilities can be trusted."""

import numpy as np

from labelbench_core.metrics._predictions import Predictions

BINS = 15


def measure(predictions: Predictions, labels: np.ndarray) -> dict[str, float]:
    """Negative log-likelihood (nats per example) and expected calibration error.

    The calibration error is that of Guo et al., "On Calibration of Modern Neural Networks", ICML
    2017, eq. 3: 15 bins of equal width over the highest probability.
    """
    confidence = predictions.confidence
    correct = predictions.predicted == labels
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    gaps = np.bincount(bins, predictions.weighted(confidence - correct), BINS)
    tiny = np.finfo(np.float32).tiny
    losses = predictions.weighted(-np.log(np.maximum(predictions.likelihood, tiny)))
    return {
        "nll": float(losses.sum() / predictions.total),
        "calibration-error": float(np.abs(gaps).sum() / predictions.total),
    }
