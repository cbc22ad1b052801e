"""Accuracy over examples and over classes."""

from typing import Any

import numpy as np

from labelbench_core.metrics._predictions import Predictions


def confusion_matrix(predictions: Predictions, labels: np.ndarray) -> np.ndarray:
    """(C, C) counts: row = true class, column = predicted class.

    Whole numbers, or float64 sums of weights.
    """
    num_classes = predictions.num_classes
    pairs = labels * num_classes + predictions.predicted
    counts = np.bincount(pairs, predictions.weights, num_classes**2)
    return counts.reshape(num_classes, num_classes)


def by_class(predictions: Predictions, labels: np.ndarray) -> dict[str, list[Any]]:
    """`rows` of the split in each class, and `hits`: how many of them are predicted correctly.

    Where rows have weights, `hits` is the sum of these rows' weights, and there is `weights`, that
    of all rows of the class: the accuracy is `hits` / `weights`.
    """
    counts = confusion_matrix(predictions, labels)
    sums, hits = counts.sum(axis=1).tolist(), counts.diagonal().tolist()
    if predictions.weights is None:
        return {"rows": sums, "hits": hits}
    rows = np.bincount(labels, minlength=predictions.num_classes).tolist()
    return {"rows": rows, "weights": sums, "hits": hits}


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
        # At most 1 even where sums of weights are rounded.
        "accuracy": min(float(hits.sum() / predictions.total), 1.0),
        "balanced-accuracy": float(recalls.mean()),
        "min-class-accuracy": float(recalls.min()),
        "macro-f1": float(f1.mean()),
    }
