"""Accuracy over examples and over classes."""

import numpy as np


def confusion_matrix(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(C, C) counts: row = true class, column = predicted class (ties: the lowest class)."""
    num_classes = probabilities.shape[1]
    pairs = labels * num_classes + probabilities.argmax(axis=1)
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def measure(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Accuracy, balanced and worst-class accuracy, and macro-averaged F1.

    Averages over classes leave out classes that the split lacks: they have no accuracy. A class
    that is absent but predicted still counts in macro-F1, with F1 = 0, as in scikit-learn.
    """
    counts = confusion_matrix(probabilities, labels)
    hits = counts.diagonal().astype(np.float64)
    true, predicted = counts.sum(axis=1), counts.sum(axis=0)
    recalls = hits[true > 0] / true[true > 0]
    occurs = true + predicted > 0
    f1 = 2 * hits[occurs] / (true + predicted)[occurs]
    return {
        "accuracy": float(hits.sum() / len(labels)),
        "balanced-accuracy": float(recalls.mean()),
        "min-class-accuracy": float(recalls.min()),
        "macro-f1": float(f1.mean()),
    }
