"""Accuracy over examples and over classes."""

import numpy as np

from labelbench_core.metrics._predictions import Predictions


def confusion_matrix(predictions: Predictions, labels: np.ndarray) -> np.ndarray:
    """(C, C) counts: row = true class, column = predicted class."""
    num_classes = predictions.num_classes
    pairs = labels * num_classes + predictions.predicted
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def by_class(predictions: Predictions, labels: np.ndarray) -> dict[str, list[int]]:
    """Of each class, `rows` of the split, and `hits`: those of them that are predicted right."""
    counts = confusion_matrix(predictions, labels)
    return {"rows": counts.sum(axis=1).tolist(), "hits": counts.diagonal().tolist()}


def measure(predictions: Predictions, labels: np.ndarray) -> dict[str, float]:
    """Accuracy, balanced and worst-class accuracy, and macro-averaged F1.

    Averages over classes leave out classes that the split lacks: they have no accuracy. A class
    that is absent but predicted still counts in macro-F1, with F1 = 0, as in scikit-learn.
    """
    counts = confusion_matrix(predictions, labels)
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
