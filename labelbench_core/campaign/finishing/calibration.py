"""Probabilities that mean what they say, by the audit's labels.

Temperature scaling: Guo et al., "On calibration of modern neural networks", ICML 2017, eq. 9, on
rows that no model was trained on. With a weak prior on the temperature, few rows, or rows on which
the model is always right, do not make it certain of everything.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from labelbench_core.compute.likelihoods import sigmoid, softmax

WIDEST = 3.0
"""Bounds of the logarithm of the temperature."""
FOLDS = 5
LEAST = 1e-7
"""A probability that is zero counts as this in a loss."""
SMALLEST, NEAREST_TO_1 = 1e-30, 1 - 6e-8
"""Of probabilities whose logarithms are divided: below, and above in single precision, is nothing
left to tell apart."""


@dataclass(frozen=True)
class Calibration:
    """A temperature, and what it changes on rows that it was not found on.

    Attributes
    ----------
    temperature
        By which logarithms of probabilities are divided; 1 where no row of the audit is decided.
    exponent
        Where a row can have several labels: the power of the product of its classes' probabilities
        that is the probability that all are right, since classes are not independent; else 1.
    rows
        Decided rows of the audit that it was found on.
    loss_before, loss_after
        Mean logarithmic loss of these rows in nats (of their classes, where a row can have
        several): as predicted; and each with the temperature of the other four fifths of the rows.
        NaN without rows.
    confidence_before, confidence_after
        Mean probability that the prediction is right, likewise.
    accuracy
        Share of these rows that are right.
    """

    temperature: float
    exponent: float
    rows: int
    loss_before: float
    loss_after: float
    confidence_before: float
    confidence_after: float
    accuracy: float


def calibrate(
    probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray, rng: np.random.Generator
) -> Calibration:
    """The temperature for a model, by labels that it has not seen.

    Parameters
    ----------
    probabilities
        (n, C) of the audit's decided rows.
    labels
        (n,) int64 their classes; (n, C) bool where a row can belong to any number of classes.
    weights
        (n,) what each row counts for, above 0.
    rng
        Divides the rows into folds, to measure what is gained.
    """
    count = len(probabilities)
    if not count:
        nan = float("nan")
        return Calibration(1.0, 1.0, 0, nan, nan, nan, nan, nan)
    weights = weights / weights.mean()
    folds = min(FOLDS, count)
    fold = rng.permutation(count) % folds
    multilabel = labels.ndim > 1
    held_out, sure = np.empty_like(probabilities, np.float64), np.empty(count)
    for one in range(folds):
        own = fold == one
        temperature, exponent = 1.0, 1.0
        if folds > 1:
            temperature, exponent = _found(probabilities[~own], labels[~own], weights[~own])
        held_out[own] = with_temperature(probabilities[own], temperature, multilabel=multilabel)
        sure[own] = confidence(held_out[own], multilabel=multilabel, exponent=exponent)
    temperature, exponent = _found(probabilities, labels, weights)

    def mean(values: np.ndarray) -> float:
        return float(np.average(values, weights=weights))

    return Calibration(
        temperature=temperature,
        exponent=exponent,
        rows=count,
        loss_before=mean(_losses(probabilities, labels)),
        loss_after=mean(_losses(held_out, labels)),
        confidence_before=mean(confidence(probabilities, multilabel=multilabel)),
        confidence_after=mean(sure),
        accuracy=mean(_right(probabilities, labels)),
    )


def with_temperature(
    probabilities: np.ndarray, temperature: float, *, multilabel: bool
) -> np.ndarray:
    """(n, C) float32 probabilities whose logarithms (logits) are divided by a temperature."""
    p = np.clip(probabilities.astype(np.float64), SMALLEST, NEAREST_TO_1 if multilabel else None)
    if multilabel:
        return sigmoid((np.log(p) - np.log1p(-p)) / temperature).astype(np.float32)
    return softmax(np.log(p) / temperature).astype(np.float32)


def confidence(probabilities: np.ndarray, *, multilabel: bool, exponent: float = 1.0) -> np.ndarray:
    """(n,) probability that the prediction is right; with several labels a row, that all are."""
    if multilabel:
        return np.exp(exponent * _log_of_all(probabilities))
    return probabilities.max(axis=1)


def _log_of_all(probabilities: np.ndarray) -> np.ndarray:
    """(n,) logarithm of the product of the probabilities of a row's decisions."""
    p = probabilities.astype(np.float64)
    return np.log(np.maximum(p, 1 - p)).sum(axis=1)


def _found(
    probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> tuple[float, float]:
    """Temperature and exponent."""
    temperature = _temperature(probabilities, labels, weights)
    if labels.ndim == 1:
        return temperature, 1.0
    p = with_temperature(probabilities, temperature, multilabel=True)
    logs, right = _log_of_all(p), _right(probabilities, labels).astype(np.float64)
    # One more row, half right, keeps few rows that are all right from being certain.
    logs, right = np.append(logs, logs.mean()), np.append(right, 0.5)
    counts = np.append(weights, 1.0)

    def cost(log_exponent: float) -> float:
        told = np.clip(np.exp(np.exp(log_exponent) * logs), LEAST, 1 - LEAST)
        losses = -(right * np.log(told) + (1 - right) * np.log1p(-told))
        return float((counts * losses).sum())

    # Classes that all go together count as one.
    bounds = -math.log(labels.shape[1]) - WIDEST, WIDEST
    return temperature, _least(cost, bounds)


def _temperature(probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
    """The most probable one, whose logarithm is normal, around 0 with a deviation of 1."""
    multilabel = labels.ndim > 1

    def cost(log_temperature: float) -> float:
        p = with_temperature(probabilities, float(np.exp(log_temperature)), multilabel=multilabel)
        per_row = _losses(p, labels) * (labels.shape[1] if multilabel else 1)
        return float((weights * per_row).sum())

    return _least(lambda log: cost(log) + log**2 / 2, (-WIDEST, WIDEST))


def _least(cost: Callable[[float], float], bounds: tuple[float, float]) -> float:
    """The value whose logarithm, within bounds, costs least."""
    from scipy.optimize import minimize_scalar

    return float(np.exp(minimize_scalar(cost, bounds=bounds, method="bounded").x))


def _losses(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n,) logarithmic loss; with several labels, the mean of a row's classes."""
    if labels.ndim > 1:
        p = np.clip(probabilities.astype(np.float64), LEAST, 1 - LEAST)
        return -np.where(labels, np.log(p), np.log1p(-p)).mean(axis=1)
    own = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return -np.log(np.maximum(own, LEAST))


def _right(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    if labels.ndim > 1:
        return ((probabilities >= 0.5) == labels).all(axis=1)
    return probabilities.argmax(axis=1) == labels
