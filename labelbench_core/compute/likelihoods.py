"""The likelihood of labels given logits: one class per row, or any number of classes.

What the solver and the choice of a penalty need of it; arrays are (n, C) float32 blocks of rows.
"""

from typing import Protocol

import numpy as np


class Likelihood(Protocol):
    """What follows from how labels depend on logits."""

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """(n, C) probabilities, in the logits' precision."""
        ...

    def subtract(self, labels: np.ndarray, probabilities: np.ndarray) -> None:
        """Subtract 1 at the labels, in place: the gradient of the loss with respect to logits."""
        ...

    def at_labels(self, logits: np.ndarray, labels: np.ndarray) -> float:
        """The sum of the logits at the labels."""
        ...

    def moments(
        self, probabilities: np.ndarray, change: np.ndarray, weights: np.ndarray | None = None
    ) -> tuple[float, float]:
        """Mean and variance of the change at random labels, summed over rows, times (n,) weights.

        The probabilities are overwritten.
        """
        ...

    def uncertainty(self, probabilities: np.ndarray) -> float:
        """Sum over rows and classes of p (1 − p)."""
        ...

    def degrees(self, num_classes: int) -> int:
        """Over how many independent directions of the logits `uncertainty` is spread."""
        ...

    def loss(
        self, logits: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None
    ) -> float:
        """Negative log-likelihood in nats, summed over rows, times (n,) weights."""
        ...


def softmax(logits: np.ndarray) -> np.ndarray:
    """(N, C) probabilities that sum to one, from logits, in the logits' precision."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    np.exp(shifted, out=shifted)
    shifted /= shifted.sum(axis=1, keepdims=True)
    return shifted


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """(N, C) probabilities, of each class by itself, from logits, in the logits' precision."""
    small = np.exp(-np.abs(logits))  # never overflows
    return np.where(logits >= 0, 1, small) / (1 + small)


class Categorical:
    """Every row has one class: labels are (n,) classes."""

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """See `Likelihood`."""
        return softmax(logits)

    def subtract(self, labels: np.ndarray, probabilities: np.ndarray) -> None:
        """See `Likelihood`."""
        probabilities[np.arange(len(labels)), labels] -= 1

    def at_labels(self, logits: np.ndarray, labels: np.ndarray) -> float:
        """See `Likelihood`."""
        return float(logits[np.arange(len(labels)), labels].sum(dtype=np.float64))

    def moments(
        self, probabilities: np.ndarray, change: np.ndarray, weights: np.ndarray | None = None
    ) -> tuple[float, float]:
        """See `Likelihood`."""
        probabilities *= change
        mean = probabilities.sum(axis=1)
        probabilities *= change
        variance = probabilities.sum(axis=1) - mean**2
        if weights is not None:
            mean, variance = mean * weights, variance * weights
        return float(mean.sum(dtype=np.float64)), float(variance.sum(dtype=np.float64))

    def uncertainty(self, probabilities: np.ndarray) -> float:
        """See `Likelihood`."""
        return float((1 - (probabilities**2).sum(axis=1, dtype=np.float64)).sum())

    def degrees(self, num_classes: int) -> int:
        """See `Likelihood`."""
        return num_classes - 1

    def loss(
        self, logits: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None
    ) -> float:
        """See `Likelihood`."""
        truth = softmax(logits)[np.arange(len(logits)), labels]
        logs = np.log(np.maximum(truth, np.finfo(np.float32).tiny))
        if weights is not None:
            logs *= weights
        return -float(logs.sum(dtype=np.float64))


class Bernoulli:
    """A row belongs to any number of classes: labels are (n, C) of 0 and 1."""

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """See `Likelihood`."""
        return sigmoid(logits)

    def subtract(self, labels: np.ndarray, probabilities: np.ndarray) -> None:
        """See `Likelihood`."""
        probabilities -= labels

    def at_labels(self, logits: np.ndarray, labels: np.ndarray) -> float:
        """See `Likelihood`."""
        return float(np.where(labels, logits, 0).sum(dtype=np.float64))

    def moments(
        self, probabilities: np.ndarray, change: np.ndarray, weights: np.ndarray | None = None
    ) -> tuple[float, float]:
        """See `Likelihood`."""
        if weights is not None:  # the mean is linear in the change, the variance in its square
            column = weights[:, None]
            mean = float((probabilities * change * column).sum(dtype=np.float64))
            change = change * np.sqrt(column)
        else:
            mean = float((probabilities * change).sum(dtype=np.float64))
        probabilities *= 1 - probabilities
        probabilities *= change**2
        return mean, float(probabilities.sum(dtype=np.float64))

    def uncertainty(self, probabilities: np.ndarray) -> float:
        """See `Likelihood`."""
        return float((probabilities * (1 - probabilities)).sum(dtype=np.float64))

    def degrees(self, num_classes: int) -> int:
        """See `Likelihood`."""
        return num_classes

    def loss(
        self, logits: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None
    ) -> float:
        """See `Likelihood`."""
        wrong = np.where(labels, -logits, logits).astype(np.float64)
        losses = np.logaddexp(0, wrong)
        return float(losses.sum() if weights is None else weights @ losses.sum(axis=1))


def likelihood_of(labels: np.ndarray) -> Likelihood:
    """The likelihood of labels: (N,) classes, or (N, C) of 0 and 1."""
    return Bernoulli() if labels.ndim > 1 else Categorical()
