"""Accuracy over groups of rows, such as the places or the times that they come from."""

from typing import Any

import numpy as np

from labelbench_core.errors import InputError
from labelbench_core.metrics._predictions import Predictions


def by_group(
    predictions: Predictions, labels: np.ndarray, group_of_row: np.ndarray
) -> dict[str, list[Any]]:
    """`rows` of the split in each group, and `hits`: how many of them are predicted correctly.

    Lists over groups 0, 1, …, up to the last that has a row; empty if no row is in a group. Rows of
    group -1 are in none. With weights, `hits` and `weights` are as `accuracy.by_class` has them.
    """
    if np.shape(group_of_row) != np.shape(labels):
        told = f"groups: shape {np.shape(group_of_row)}"
        raise InputError(f"{told}; allowed: {np.shape(labels)}, one for each label")
    inside = group_of_row >= 0
    groups = group_of_row[inside]
    is_hit = predictions.predicted == labels
    if predictions.weights is None:
        rows, hits = np.bincount(groups), np.bincount(groups[is_hit[inside]])
        hits = np.pad(hits, (0, len(rows) - len(hits)))
        return {"rows": rows.tolist(), "hits": hits.tolist()}
    hits = predictions.weighted(is_hit.astype(np.float64))[inside]
    return {
        "rows": np.bincount(groups).tolist(),
        "weights": np.bincount(groups, predictions.weights[inside]).tolist(),
        "hits": np.bincount(groups, hits).tolist(),
    }


def measure(groups: dict[str, list[Any]]) -> dict[str, float]:
    """Accuracy of the worst group among those with a row; nothing if no row is in a group.

    `groups` is of `by_group`. Sagawa et al., "Distributionally Robust Neural Networks for Group
    Shifts", ICLR 2020.
    """
    rows = np.array(groups["rows"])
    if not len(rows):
        return {}
    whole = np.array(groups.get("weights", groups["rows"]), np.float64)
    shares = np.array(groups["hits"], np.float64)[rows > 0] / whole[rows > 0]
    return {"worst-group-accuracy": float(shares.min())}
