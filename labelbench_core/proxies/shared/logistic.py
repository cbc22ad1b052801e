"""Multinomial logistic regression with an L2 penalty, solved to a checked tolerance in NumPy.

The objective is strictly convex (the bias is penalised too, as the weight of a constant feature, so
that a class without a label has a finite solution): its minimum depends on the labelled set only.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from labelbench_core.compute.threads import ordered_map

BLOCK_ROWS = 1024  # fixed, so that sums are formed in the same order whatever the threads
MANY_CLASSES = 100  # from so many on, threads pay for what is done with the logits of a block
MEMORY = 10  # pairs that the quasi-Newton approximation keeps


@dataclass(frozen=True)
class Solution:
    """A minimum and how well it was reached.

    Attributes
    ----------
    weights
        (D, C) float64.
    bias
        (C,) float64.
    iterations
        Steps taken.
    gradient_ratio
        Norm of the gradient at the end relative to its norm at the prior, zero by default.
    converged
        Whether `gradient_ratio` is within the tolerance.
    flops
        Floating-point operations, estimated: those of the two products with the features that every
        step takes, and the start. The line searches, which never touch the features, are left out.
    """

    weights: np.ndarray
    bias: np.ndarray
    iterations: int
    gradient_ratio: float
    converged: bool
    flops: int


def solve(
    features: np.ndarray,
    labels: np.ndarray,
    num_classes: int,
    penalty: float,
    tolerance: float,
    max_iterations: int,
    threads: int = 1,
    start: np.ndarray | None = None,
    prior: np.ndarray | None = None,
) -> Solution:
    """Minimise  Σᵢ −log softmax(xᵢW + b)[yᵢ] + penalty/2 · (‖W − W₀‖² + ‖b − b₀‖²).

    L-BFGS (Liu & Nocedal 1989). The line search is nearly free: the logits are linear in
    the step, so that one matrix product gives the objective and its slope at every step length.

    Parameters
    ----------
    features
        (L, D) float32, of comparable scale in all columns.
    labels
        (L,) int64.
    tolerance
        Stop when the gradient's norm has fallen to this fraction of that at W₀ and b₀.
    threads
        Threads to use; no influence on the result.
    start
        (D + 1, C) parameters to start from; default: W₀ and b₀.
    prior
        (D + 1, C) W₀ and b₀; default: zero.
    """
    design = _Design(features, labels, num_classes, threads)
    # One extra column: the weights of the constant feature. All are relative to the prior.
    point = np.zeros((features.shape[1] + 1, num_classes))
    shape = (len(labels), num_classes)
    logits = np.zeros(shape, np.float32) if prior is None else design.times(prior)
    gradient = design.gradient(logits, point, penalty)
    first_norm = norm = float(np.linalg.norm(gradient))
    if start is not None:
        point, logits = start if prior is None else start - prior, design.times(start)
        gradient = design.gradient(logits, point, penalty)
        norm = float(np.linalg.norm(gradient))
    steps: list[tuple[np.ndarray, np.ndarray]] = []
    iterations = 0
    change = np.empty(shape, np.float32)
    while norm > tolerance * first_norm and iterations < max_iterations:
        direction = -_inverse_hessian_times(gradient, steps)
        design.times(direction, out=change)
        length = _line_search(design, logits, change, point, direction, penalty)
        if length == 0:
            break  # the objective cannot be told from its minimum in this precision
        step = length * direction
        point = point + step
        design.move(logits, change, length)
        previous, gradient = gradient, design.gradient(logits, point, penalty)
        norm = float(np.linalg.norm(gradient))
        steps = [*steps, (step, gradient - previous)][-MEMORY:]
        iterations += 1
    ratio = norm / first_norm if first_norm else 0.0
    point = point if prior is None else point + prior
    flops = 4 * len(labels) * features.shape[1] * num_classes * (iterations + 1)
    return Solution(point[:-1], point[-1], iterations, ratio, ratio <= tolerance, flops)


def softmax(logits: np.ndarray) -> np.ndarray:
    """(N, C) probabilities from logits, in the logits' precision."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    np.exp(shifted, out=shifted)
    shifted /= shifted.sum(axis=1, keepdims=True)
    return shifted


class _Design:
    """The matrix of features, with a constant one appended, and labels, in fixed blocks of rows.

    All that is done with logits is done block by block: one of 1,000 classes stays in the cache,
    where passes over the whole table would wait for memory, and threads take a block each.

    Attributes
    ----------
    threads
        For products with the features.
    threads_of_logits
        For all else: threads that do short operations wait for each other.
    """

    def __init__(
        self, features: np.ndarray, labels: np.ndarray, num_classes: int, threads: int
    ) -> None:
        self.features, self.labels, self.num_classes = features, labels, num_classes
        starts = range(0, len(features), BLOCK_ROWS)
        self.blocks = [slice(start, start + BLOCK_ROWS) for start in starts]
        self.threads = threads if len(self.blocks) > 1 else 1
        self.threads_of_logits = self.threads if num_classes >= MANY_CLASSES else 1
        self.residual = np.empty((len(labels), num_classes), np.float32)

    def times(self, point: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """(L, C) float32 logits at (D + 1, C) parameters."""
        weights, bias = point[:-1].astype(np.float32), point[-1].astype(np.float32)
        if out is None:
            out = np.empty((len(self.labels), self.num_classes), np.float32)

        def multiply(block: slice) -> None:
            np.matmul(self.features[block], weights, out=out[block])
            out[block] += bias

        _each(multiply, self.blocks, self.threads)
        return out

    def move(self, logits: np.ndarray, change: np.ndarray, length: float) -> None:
        """Add `length` times `change` to the logits, in place."""

        def add(block: slice) -> None:
            logits[block] += np.float32(length) * change[block]

        _each(add, self.blocks, self.threads_of_logits)

    def gradient(self, logits: np.ndarray, point: np.ndarray, penalty: float) -> np.ndarray:
        """(D + 1, C) float64: that of the objective."""
        residual, total = self.residual, penalty * point

        def subtract(block: slice) -> np.ndarray:
            residual[block] = softmax(logits[block])
            residual[block][np.arange(len(logits[block])), self.labels[block]] -= 1
            return residual[block].sum(axis=0, dtype=np.float64)

        def multiply(block: slice) -> np.ndarray:
            return self.features[block].T @ residual[block]

        for of_bias in ordered_map(subtract, self.blocks, self.threads_of_logits):
            total[-1] += of_bias
        for of_weights in ordered_map(multiply, self.blocks, self.threads):
            total[:-1] += of_weights
        return total

    def gain(self, change: np.ndarray) -> float:
        """What a step of length 1 adds to the logits of the labels, summed over all rows."""
        return float(change[np.arange(len(change)), self.labels].sum(dtype=np.float64))

    def expectation(
        self, logits: np.ndarray, change: np.ndarray, length: float
    ) -> tuple[float, float]:
        """Mean and variance of the change at a step of some length, summed over all rows."""

        def of(block: slice) -> tuple[float, float]:
            weighted = softmax(logits[block] + np.float32(length) * change[block])
            weighted *= change[block]
            mean = weighted.sum(axis=1)
            weighted *= change[block]
            variance = weighted.sum(axis=1) - mean**2
            return float(mean.sum(dtype=np.float64)), float(variance.sum(dtype=np.float64))

        means, variances = zip(*ordered_map(of, self.blocks, self.threads_of_logits), strict=True)
        return sum(means), sum(variances)


def _each(function: Callable[[slice], None], blocks: list[slice], threads: int) -> None:
    for _ in ordered_map(function, blocks, threads):
        pass


def _line_search(
    design: _Design,
    logits: np.ndarray,
    change: np.ndarray,
    point: np.ndarray,
    direction: np.ndarray,
    penalty: float,
) -> float:
    """The step length at which the slope vanishes, by safeguarded Newton steps on one variable."""
    gain = design.gain(change)
    linear, quadratic = float(np.vdot(point, direction)), float(np.vdot(direction, direction))
    low, high, length = 0.0, np.inf, 1.0
    for _ in range(20):
        mean, variance = design.expectation(logits, change, length)
        slope = mean - gain + penalty * (linear + length * quadratic)
        curvature = variance + penalty * quadratic
        if slope < 0:
            low = length
        else:
            high = length
        proposal = length - slope / curvature
        if not low < proposal < high:
            proposal = (low + high) / 2 if np.isfinite(high) else 2 * length
        if abs(proposal - length) <= 0.05 * length:
            return proposal
        length = proposal
    return low


def _inverse_hessian_times(
    gradient: np.ndarray, steps: list[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """The two-loop recursion of L-BFGS."""
    result = gradient.copy()
    weights = []
    for step, change in reversed(steps):
        weight = np.vdot(step, result) / np.vdot(step, change)
        result -= weight * change
        weights.append(weight)
    if steps:
        step, change = steps[-1]
        result *= np.vdot(step, change) / np.vdot(change, change)
    else:
        result /= np.linalg.norm(gradient)
    for (step, change), weight in zip(steps, reversed(weights), strict=True):
        result += (weight - np.vdot(change, result) / np.vdot(step, change)) * step
    return result
