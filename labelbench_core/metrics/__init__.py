"""Evaluation: how good predicted probabilities are, once the true labels are known."""

from typing import Any

import numpy as np

from labelbench_core.compute.values import check_weights
from labelbench_core.metrics import accuracy, calibration, groups
from labelbench_core.metrics._predictions import Predictions


def evaluate(
    probabilities: Any,
    labels: np.ndarray,
    group_of_row: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> dict[str, float]:
    """All metrics of a split; see `evaluate_parts`."""
    return evaluate_parts(probabilities, labels, group_of_row, weights)[0]


def evaluate_parts(
    probabilities: Any,
    labels: np.ndarray,
    group_of_row: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> tuple[dict[str, float], dict[str, list[Any]], dict[str, list[Any]]]:
    """All metrics of a split, and how many rows of each class and group are predicted correctly.

    Parameters
    ----------
    probabilities
        (N, C) predicted class probabilities: an array, or rows that are read block by block.
    labels
        (N,) true classes; where a row belongs to any number of classes, (N, C) of 0 and 1.
    group_of_row
        (N,) int64 groups, -1 for a row of no group; None where there are none.
    weights
        (N,) floats above 0: a row counts as many times as its weight says, wherever there is a
        mean, a share or a curve over rows, as scikit-learn's `sample_weight`. None: each once.

    Returns
    -------
    dict
        The metrics of `known.METRICS` for such labels; those that need groups only where a row is
        in one.
    dict
        `accuracy.by_class`; empty where a row belongs to any number of classes.
    dict
        `groups.by_group`; empty where there are no groups, or none has a row, too.
    """
    check_weights(weights, len(labels))
    if labels.ndim > 1:
        from labelbench_core.metrics import multilabel

        return multilabel.measure(probabilities, labels, weights), {}, {}
    predictions = Predictions.of(probabilities, labels, weights)
    found = accuracy.measure(predictions, labels) | calibration.measure(predictions, labels)
    hits = accuracy.by_class(predictions, labels)
    if group_of_row is None:
        return found, hits, {}
    in_groups = groups.by_group(predictions, labels, group_of_row)
    return found | groups.measure(in_groups), hits, in_groups if in_groups["rows"] else {}
