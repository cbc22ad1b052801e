"""How good predicted probabilities are where a row belongs to any number of classes."""

from typing import Any

import numpy as np

from labelbench_core.compute.values import check_labels, check_probabilities
from labelbench_core.errors import InputError

THRESHOLD = 0.5
"""From this probability on, a class counts as predicted."""


def measure(
    probabilities: Any, labels: np.ndarray, weights: np.ndarray | None = None
) -> dict[str, float]:
    """Metrics over classes and over rows, as scikit-learn defines them.

    - `mean-average-precision`: mean over classes of the average precision, the step-wise area under
      the curve of precision and recall. Classes that the split lacks have none and are left out.
    - `macro-f1`, `micro-f1`: F1 of each class, averaged over the classes that occur or are
      predicted; and of all decisions together.
    - `label-accuracy`: share of correct decisions over all rows and classes (1 − Hamming loss).
    - `subset-accuracy`: share of rows all of whose classes are correct.
    - `ranking-loss`: share of wrongly ordered pairs, ties included, among a row's pairs of a class
      that it has and one that it lacks; 0 for rows without such pairs; averaged over rows.
    - `nll`: negative log-likelihood in nats, summed over the classes, per row.

    Tsoumakas, Katakis & Vlahavas, "Mining Multi-label Data", Data Mining and Knowledge Discovery
    Handbook, 2010.

    Parameters
    ----------
    probabilities
        (N, C) probability of each class: an array, or rows that are read block by block. They are
        held in memory as float32.
    labels
        (N, C) of 0 and 1.
    weights
        (N,) weight of each row, above 0; None: 1 each.
    """
    p = _in_memory(probabilities)
    if np.shape(labels) != p.shape:
        raise InputError(f"labels: shape {np.shape(labels)}; allowed: {p.shape}")
    check_labels(labels, 2)
    truth = labels.astype(bool)
    predicted = p >= THRESHOLD
    if weights is not None:
        weights = weights.astype(np.float64)
    total = len(p) if weights is None else weights.sum()
    hits = _summed(truth & predicted, weights)
    marked = _summed(truth, weights) + _summed(predicted, weights)
    occurs = marked > 0
    right = truth == predicted
    likelihood = np.where(truth, p, 1 - p.astype(np.float64))
    logs = np.log(np.maximum(likelihood, np.finfo(np.float32).tiny))
    return {
        "mean-average-precision": mean_average_precision(p, truth, weights),
        "macro-f1": float((2 * hits[occurs] / marked[occurs]).mean()) if occurs.any() else 0.0,
        "micro-f1": float(2 * hits.sum() / marked.sum()) if occurs.any() else 0.0,
        # At most 1 even where sums of weights are rounded.
        "label-accuracy": min(float(_summed(right, weights).sum() / (total * p.shape[1])), 1.0),
        "subset-accuracy": min(float(_summed(right.all(axis=1), weights) / total), 1.0),
        "ranking-loss": ranking_loss(p, truth, weights),
        "nll": float(-_weighted(logs, weights).sum() / total),
    }


def _weighted(values: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """(N, ...) values of the rows, each times its weight."""
    return values if weights is None else (values.T * weights).T


def _summed(values: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """(...) sums over the rows of (N, ...) values times weights."""
    return _weighted(values, weights).sum(axis=0)


def mean_average_precision(
    p: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Mean over the classes that occur of the average precision; 0 where none does.

    Rows of equal probability enter a curve together.
    """
    found = []
    for scores, members in zip(p.T, truth.T, strict=True):
        if not members.any():
            continue
        order = np.argsort(-scores, kind="stable")
        hits = np.cumsum(_weighted(members, weights)[order])
        # Only after the last of equal scores is there a point of the curve.
        ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
        gained = np.diff(hits[ends], prepend=0)
        seen = ends + 1 if weights is None else np.cumsum(weights[order])[ends]
        # At most 1 even where sums of weights are rounded.
        found.append(min(float((gained * hits[ends] / seen).sum() / hits[-1]), 1.0))
    return float(np.mean(found)) if found else 0.0


def ranking_loss(p: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Mean over rows of the share of wrongly ordered pairs; see `measure`."""
    classes = p.shape[1]
    order = np.argsort(p, axis=1, kind="stable")
    ranked, has = np.take_along_axis(p, order, 1), np.take_along_axis(truth, order, 1)
    # For each class that a row has: those that it lacks of at least its probability.
    lacking = np.cumsum(~has, axis=1)
    starts = np.ones_like(has)
    starts[:, 1:] = ranked[:, 1:] != ranked[:, :-1]
    first = np.maximum.accumulate(np.where(starts, np.arange(classes), 0), axis=1)
    below = np.where(first > 0, np.take_along_axis(lacking, np.maximum(first - 1, 0), 1), 0)
    absent = lacking[:, -1]
    wrong = (np.where(has, absent[:, None] - below, 0)).sum(axis=1)
    pairs = absent * (classes - absent)
    shares = np.where(pairs > 0, wrong / np.maximum(pairs, 1), 0.0)
    return float(_summed(shares, weights) / (len(p) if weights is None else weights.sum()))


def _in_memory(probabilities: Any) -> np.ndarray:
    """(N, C) float32 probabilities, checked."""
    if len(probabilities.shape) != 2:
        raise InputError(f"probabilities: shape {tuple(probabilities.shape)}; allowed: (N, C)")
    if not isinstance(probabilities, np.ndarray):  # rows in blocks check what they compute
        return np.concatenate([block for _, block in probabilities.blocks()]).astype(np.float32)
    check_probabilities(probabilities, None, np.arange(len(probabilities)), "probabilities")
    return probabilities.astype(np.float32)
