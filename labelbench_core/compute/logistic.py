"""Logistic regression with an L2 penalty, solved to a checked tolerance in NumPy.

Rows have one class each, or belong to any number of classes.

The objective is strictly convex (the bias is penalised too, as the weight of a constant feature, so
that a class without a label has a finite solution): its minimum depends on the labelled set only.
"""

from dataclasses import dataclass, replace

import numpy as np

from labelbench_core.compute.logistic_design import Curvature, Design, curvature_pays

MEMORY = 10  # pairs that the quasi-Newton approximation keeps
# So many times the direction is no step: a slope that rounding left, over no curvature.
LONGEST = 1e18
# Beyond this, single precision leaves too little of the differences that count: no place to start.
LARGEST_LOGIT = 1e4


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
        Steps taken, since it began anew if it did.
    gradient_ratio
        Norm of the gradient at the end relative to its norm at the prior, zero by default.
    converged
        Whether `gradient_ratio` is within the tolerance.
    flops
        Floating-point operations, estimated: two products with the features for every step and for
        the start, and the product of the features with themselves where it is needed. The line
        searches, which never touch the features, are left out.
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
    weights: np.ndarray | None = None,
) -> Solution:
    """Minimise  Σᵢ −wᵢ log p(yᵢ | xᵢW + b) + penalty/2 · (‖W − W₀‖² + ‖b − b₀‖²).

    p is the softmax for one class per row; for labels of 0 and 1, the product over the classes of
    logistic functions: one binary regression per class.

    L-BFGS (Liu & Nocedal 1989). The line search is nearly free: the logits are linear in
    the step, so that one matrix product gives the objective and its slope at every step length.

    With many classes, where a step is dear, it begins from an approximation of the Hessian (Böhning
    1992) instead of a multiple of the identity: a half to a seventh of the steps.

    Parameters
    ----------
    features
        (L, D) float32, of comparable scale in all columns.
    labels
        (L,) int64 classes, or (L, C) of 0 and 1.
    tolerance
        Stop when the gradient's norm has fallen to this fraction of that at W₀ and b₀.
    threads
        Threads to use; no influence on the result.
    start
        (D + 1, C) parameters to start from; default: W₀ and b₀. From far out, where logits are so
        large that nothing says how far to go back, a search may break off: then another begins
        from W₀ and b₀, and it alone does where logits exceed `LARGEST_LOGIT` in size.
    prior
        (D + 1, C) W₀ and b₀; default: zero.
    weights
        (L,) float32 w, above 0; default: all are 1.
    """
    design = Design(features, labels, num_classes, threads, weights)
    spent = 0
    if start is not None:
        with np.errstate(all="ignore"):  # from far out: then it breaks off
            logits = design.times(start)
            if np.abs(logits).max(initial=0) <= LARGEST_LOGIT:
                begin = start, logits
                found = _descend(design, penalty, tolerance, max_iterations, begin, prior)
                has_ended = found.converged or found.iterations == max_iterations
                if has_ended and np.isfinite(found.gradient_ratio):
                    return found
                spent = found.flops
    anew = _descend(design, penalty, tolerance, max_iterations, None, prior)
    return replace(anew, flops=anew.flops + spent)


def _descend(
    design: Design,
    penalty: float,
    tolerance: float,
    max_iterations: int,
    start: tuple[np.ndarray, np.ndarray] | None,
    prior: np.ndarray | None,
) -> Solution:
    """L-BFGS from parameters and their logits, by default those of the prior: see `solve`."""
    features, num_classes = design.features, design.num_classes
    # One extra column: the weights of the constant feature. All are relative to the prior.
    point = np.zeros((features.shape[1] + 1, num_classes))
    shape = (len(features), num_classes)
    logits = np.zeros(shape, np.float32) if prior is None else design.times(prior)
    gradient = design.gradient(logits, point, penalty)
    first_norm = norm = float(np.linalg.norm(gradient))
    # Where no label pulls away from the prior, that is the minimum, from wherever one would start.
    if start is not None and first_norm > 0:
        point, logits = start
        point = point if prior is None else point - prior
        gradient = design.gradient(logits, point, penalty)
        norm = float(np.linalg.norm(gradient))
    steps: list[tuple[np.ndarray, np.ndarray]] = []
    iterations = 0
    pays = curvature_pays(len(features), features.shape[1], num_classes)
    curvature = Curvature(design, logits, penalty) if pays else None
    change = np.empty(shape, np.float32)
    while norm > tolerance * first_norm and iterations < max_iterations:
        direction = -_inverse_hessian_times(gradient, steps, curvature)
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
    flops = 4 * len(features) * features.shape[1] * num_classes * (iterations + 1)
    if curvature is not None:
        flops += 2 * len(features) * features.shape[1] ** 2
    return Solution(point[:-1], point[-1], iterations, ratio, ratio <= tolerance, flops)


def _line_search(
    design: Design,
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
        proposal = length - slope / curvature if curvature > 0 else np.inf
        if not low < proposal < min(high, LONGEST):
            proposal = (low + high) / 2 if np.isfinite(high) else 2 * length
        if abs(proposal - length) <= 0.05 * length:
            return proposal
        length = proposal
    return low


def _inverse_hessian_times(
    gradient: np.ndarray,
    steps: list[tuple[np.ndarray, np.ndarray]],
    curvature: Curvature | None,
) -> np.ndarray:
    """The two-loop recursion of L-BFGS."""
    result = gradient.copy()
    weights = []
    for step, change in reversed(steps):
        weight = np.vdot(step, result) / np.vdot(step, change)
        result -= weight * change
        weights.append(weight)
    if curvature is not None:
        result = curvature.inverse @ result
    if steps:
        step, change = steps[-1]
        scaled = change if curvature is None else curvature.inverse @ change
        result *= np.vdot(step, change) / np.vdot(change, scaled)
    elif curvature is None:
        result /= np.linalg.norm(gradient)
    for (step, change), weight in zip(steps, reversed(weights), strict=True):
        result += (weight - np.vdot(change, result) / np.vdot(step, change)) * step
    return result
