"""Multinomial logistic regression with an L2 penalty, solved to a checked tolerance in NumPy.

The objective is strictly convex (the bias is penalised too, as the weight of a constant feature, so
that a class without a label has a finite solution): its minimum depends on the labelled set only.
"""

from dataclasses import dataclass

import numpy as np

from labelbench_core.compute.threads import ordered_map

BLOCK_ROWS = 1024  # fixed, so that sums are formed in the same order whatever the threads
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
    rows = len(labels)
    design = _Design(features, threads)
    truth = np.zeros((rows, num_classes), np.float32)
    truth[np.arange(rows), labels] = 1
    # One extra column: the weights of the constant feature. All are relative to the prior.
    point = np.zeros((features.shape[1] + 1, num_classes))
    logits = np.zeros((rows, num_classes), np.float32) if prior is None else design.times(prior)
    gradient = _gradient(design, truth, logits, point, penalty)
    first_norm = norm = float(np.linalg.norm(gradient))
    if start is not None:
        point, logits = start if prior is None else start - prior, design.times(start)
        gradient = _gradient(design, truth, logits, point, penalty)
        norm = float(np.linalg.norm(gradient))
    steps: list[tuple[np.ndarray, np.ndarray]] = []
    iterations = 0
    while norm > tolerance * first_norm and iterations < max_iterations:
        direction = -_inverse_hessian_times(gradient, steps)
        change = design.times(direction)
        length = _line_search(logits, change, truth, point, direction, penalty)
        if length == 0:
            break  # the objective cannot be told from its minimum in this precision
        step = length * direction
        point = point + step
        logits = logits + np.float32(length) * change
        previous, gradient = gradient, _gradient(design, truth, logits, point, penalty)
        norm = float(np.linalg.norm(gradient))
        steps = [*steps, (step, gradient - previous)][-MEMORY:]
        iterations += 1
    ratio = norm / first_norm if first_norm else 0.0
    point = point if prior is None else point + prior
    flops = 4 * rows * features.shape[1] * num_classes * (iterations + 1)
    return Solution(point[:-1], point[-1], iterations, ratio, ratio <= tolerance, flops)


def softmax(logits: np.ndarray) -> np.ndarray:
    """(N, C) probabilities from logits, in the logits' precision."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    np.exp(shifted, out=shifted)
    shifted /= shifted.sum(axis=1, keepdims=True)
    return shifted


class _Design:
    """The matrix of features, with a constant one appended, in fixed blocks of rows."""

    def __init__(self, features: np.ndarray, threads: int) -> None:
        starts = range(0, len(features), BLOCK_ROWS)
        self.blocks = [features[start : start + BLOCK_ROWS] for start in starts]
        self.threads = threads

    def times(self, point: np.ndarray) -> np.ndarray:
        """(L, C) float32 logits at (D + 1, C) parameters."""
        weights, bias = point[:-1].astype(np.float32), point[-1].astype(np.float32)
        return np.concatenate(
            list(ordered_map(lambda block: block @ weights + bias, self.blocks, self.threads))
        )

    def transposed_times(self, residual: np.ndarray) -> np.ndarray:
        """(D + 1, C) float64: the transposed matrix times (L, C) residuals."""
        parts = [residual[i * BLOCK_ROWS : (i + 1) * BLOCK_ROWS] for i in range(len(self.blocks))]
        products = ordered_map(
            lambda pair: pair[0].T @ pair[1], zip(self.blocks, parts, strict=True), self.threads
        )
        total = next(products).astype(np.float64)
        for product in products:
            total += product
        return np.concatenate([total, residual.sum(axis=0, keepdims=True, dtype=np.float64)])


def _gradient(
    design: _Design, truth: np.ndarray, logits: np.ndarray, point: np.ndarray, penalty: float
) -> np.ndarray:
    return design.transposed_times(softmax(logits) - truth) + penalty * point


def _line_search(
    logits: np.ndarray,
    change: np.ndarray,
    truth: np.ndarray,
    point: np.ndarray,
    direction: np.ndarray,
    penalty: float,
) -> float:
    """The step length at which the slope vanishes, by safeguarded Newton steps on one variable."""
    gain = float((change * truth).sum(dtype=np.float64))
    linear, quadratic = float(np.vdot(point, direction)), float(np.vdot(direction, direction))
    low, high, length = 0.0, np.inf, 1.0
    for _ in range(20):
        probabilities = softmax(logits + np.float32(length) * change)
        expected = (probabilities * change).sum(axis=1)
        slope = float(expected.sum(dtype=np.float64)) - gain
        slope += penalty * (linear + length * quadratic)
        spread = (probabilities * change * change).sum(axis=1) - expected**2
        curvature = float(spread.sum(dtype=np.float64)) + penalty * quadratic
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
