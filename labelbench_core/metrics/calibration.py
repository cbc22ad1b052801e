"""How far predicted probabilities can be believed."""

import numpy as np

BINS = 15


def measure(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Negative log-likelihood (nats per example) and expected calibration error.

    The calibration error is that of Guo et al., "On Calibration of Modern Neural Networks", ICML
    2017, eq. 3: 15 bins of equal width over the highest probability.
    """
    rows = np.arange(len(labels))
    likelihood = probabilities[rows, labels].astype(np.float64)
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == labels
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    gaps = np.bincount(bins, weights=confidence - correct, minlength=BINS)
    tiny = np.finfo(np.float32).tiny
    return {
        "nll": float(-np.log(np.maximum(likelihood, tiny)).mean()),
        "ece": float(np.abs(gaps).sum() / len(labels)),
    }
