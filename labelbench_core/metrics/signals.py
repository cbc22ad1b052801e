"""Signals: what predictions say without a hidden label, for rules that decide when to stop buying.

The rules that read them are in `labelbench_core/analysis/stopping/stopping_rules.py`, with sources.
"""

import math

import numpy as np

OF_STOP_SET = ("kappa", "changed", "entropy", "confidence", "confidence_variance")
"""Signals from predictions of this and the previous round's proxy for the stop set."""
OF_BATCH = ("batch_entropy", "batch_accuracy", "contradiction")
"""Signals from predictions for the rows bought, by the proxy that they were bought with."""
SIGNALS = (*OF_STOP_SET, *OF_BATCH)
STOP_ROWS = 2_000
"""Rows of the stop set, or all rows of a smaller pool."""


def of_stop_set(
    probabilities: np.ndarray, before: np.ndarray | None, unlabeled: np.ndarray
) -> dict[str, float]:
    """Agreement with the round before, and how certain the predictions are.

    Parameters
    ----------
    probabilities
        (S, C) of the rows of the stop set.
    before
        (S,) classes predicted for them in the round before; None in round 0.
    unlabeled
        (S,) whether the label of a row has not been bought.

    Returns
    -------
    dict
        - `kappa`: Cohen's kappa of both predictions, over all rows.
        - Over the unlabelled rows, if there are any: `changed`, the share predicted otherwise than
          before; `entropy`, the mean entropy as a share of the largest possible entropy;
          `confidence` and `confidence_variance`, mean and variance of the highest probability.
    """
    predicted = probabilities.argmax(axis=1)
    found: dict[str, float] = {}
    if before is not None:
        found["kappa"] = cohens_kappa(predicted, before, probabilities.shape[1])
    if not unlabeled.any():
        return found
    if before is not None:
        found["changed"] = float((predicted != before)[unlabeled].mean())
    confidence = probabilities[unlabeled].max(axis=1).astype(np.float64)
    found["entropy"] = float(entropies(probabilities[unlabeled]).mean())
    found["confidence"] = float(confidence.mean())
    found["confidence_variance"] = float(confidence.var())
    return found


def of_batch(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """How a batch was predicted by the proxy with which it was chosen.

    Parameters
    ----------
    probabilities, labels
        (b, C) of the rows bought, and (b,) their labels as the annotator gave them.

    Returns
    -------
    dict
        `batch_entropy`: the highest entropy, as a share of the largest possible one;
        `batch_accuracy`: the share predicted as labelled; `contradiction`: the sum, over the rows
        of the batch that are predicted otherwise, of 1 minus the highest probability, divided by
        the mean of this over the whole batch.
    """
    is_wrong = probabilities.argmax(axis=1) != labels
    doubts = 1 - probabilities.max(axis=1).astype(np.float64)
    mean = float(doubts.mean())
    return {
        "batch_entropy": float(entropies(probabilities).max()),
        "batch_accuracy": float(1 - is_wrong.mean()),
        "contradiction": float(doubts[is_wrong].sum() / mean) if mean > 0 else 0.0,
    }


def cohens_kappa(one: np.ndarray, other: np.ndarray, num_classes: int) -> float:
    """Agreement of two (S,) predictions beyond chance; 1 where both are the same single class.

    Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological
    Measurement 20, 1960.
    """
    shares = [np.bincount(part, minlength=num_classes) / len(part) for part in (one, other)]
    by_chance = float(shares[0] @ shares[1])
    agreed = float((one == other).mean())
    return (agreed - by_chance) / (1 - by_chance) if by_chance < 1 else 1.0


def entropies(probabilities: np.ndarray) -> np.ndarray:
    """(n,) entropy of (n, C) probabilities, divided by that of equal ones: from 0 to 1."""
    p = probabilities.astype(np.float64)
    logs = np.log(np.maximum(p, np.finfo(np.float32).tiny))
    return -(p * logs).sum(axis=1) / math.log(max(p.shape[1], 2))
