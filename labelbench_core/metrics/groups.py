"""Accuracy over groups of rows, such as the places or the times that they come from."""

import numpy as np

from labelbench_core.errors import InputError
from labelbench_core.metrics._predictions import Predictions


def measure(
    predictions: Predictions, labels: np.ndarray, group_of_row: np.ndarray
) -> dict[str, float]:
    """Accuracy of the worst group among those with a row; nothing if no row is in a group.

    Sagawa et al., "Distributionally Robust Neural Networks for Group Shifts", ICLR 2020. Rows of
    group -1 are in no group.
    """
    if np.shape(group_of_row) != np.shape(labels):
        told = f"groups: shape {np.shape(group_of_row)}"
        raise InputError(f"{told}; allowed: {np.shape(labels)}, one for each label")
    inside = group_of_row >= 0
    if not inside.any():
        return {}
    groups = group_of_row[inside]
    hits = predictions.weighted((predictions.predicted == labels).astype(np.float64))[inside]
    weights = predictions.weights
    sizes = np.bincount(groups, None if weights is None else weights[inside])
    shares = np.bincount(groups, hits)[sizes > 0] / sizes[sizes > 0]
    return {"worst-group-accuracy": float(shares.min())}
