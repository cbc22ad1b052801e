"""The rows and labels of a logistic regression, and what is computed from their logits."""

from collections.abc import Callable

import numpy as np

from labelbench_core.compute.likelihoods import likelihood_of
from labelbench_core.compute.threads import ordered_map

BLOCK_ROWS = 1024  # fixed, so that sums are formed in the same order whatever the threads
MANY_CLASSES = 100  # from this many on, threads pay for what is done with the logits of a block
# Multiplications up to which OpenBLAS, on processors with AVX-512, multiplies matrices as they lie,
# instead of packing them first, which takes half of the time where there are few classes.
UNPACKED = 1_000_000
# Multiplications of a product with all rows from which on threads may pay: in shorter ones they
# wait for each other, the longer the busier the machine is.
WORTH_THREADS = 40_000_000
SMALLEST_PENALTY = 1e-12  # as a part of the matrix's trace: below it, the inverse is rounding
FEWEST_ROWS = 32  # below this many rows at once, packing is the lesser evil


class Design:
    """The matrix of features, with a constant one appended, and labels, in fixed blocks of rows.

    All that is done with logits is done block by block: a block of 1,000 classes stays in the
    cache, where passes over the whole table would wait for memory, and threads take a block each.

    Attributes
    ----------
    likelihood
        Likelihood of the labels: (L,) classes, or (L, C) of 0 and 1.
    weights
        (L,) float32 factors of the rows in all sums; None: all are 1.
    threads
        Threads for products with the features.
    threads_of_logits
        Threads for all else: threads that do short operations wait for each other.
    rows_at_once
        Rows of a block that are multiplied together: few enough for a product without packing.
    """

    def __init__(
        self,
        features: np.ndarray,
        labels: np.ndarray,
        num_classes: int,
        threads: int,
        weights: np.ndarray | None = None,
    ) -> None:
        self.features, self.labels, self.num_classes = features, labels, num_classes
        self.weights = weights
        self.likelihood = likelihood_of(labels)
        starts = range(0, len(features), BLOCK_ROWS)
        self.blocks = [slice(start, start + BLOCK_ROWS) for start in starts]
        self.threads = threads if features.size * num_classes >= WORTH_THREADS else 1
        self.threads_of_logits = self.threads if num_classes >= MANY_CLASSES else 1
        self.residual = np.empty((len(labels), num_classes), np.float32)
        self.rows_at_once = _rows_at_once(features.shape[1] * num_classes)

    def times(self, point: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """(L, C) float32 logits at (D + 1, C) parameters."""
        weights, bias = point[:-1].astype(np.float32), point[-1].astype(np.float32)
        if out is None:
            out = np.empty((len(self.labels), self.num_classes), np.float32)

        def multiply(block: slice) -> None:
            rows, logits = self.features[block], out[block]
            whole = len(rows) - len(rows) % self.rows_at_once
            groups, of_groups = (
                one[:whole].reshape(-1, self.rows_at_once, one.shape[1]) for one in (rows, logits)
            )
            np.matmul(groups, weights, out=of_groups)
            np.matmul(rows[whole:], weights, out=logits[whole:])
            logits += bias

        _each(multiply, self.blocks, self.threads)
        return out

    def move(self, logits: np.ndarray, change: np.ndarray, length: float) -> None:
        """Add `length` times `change` to the logits, in place."""

        def add(block: slice) -> None:
            logits[block] += np.float32(length) * change[block]

        _each(add, self.blocks, self.threads_of_logits)

    def gradient(self, logits: np.ndarray, point: np.ndarray, penalty: float) -> np.ndarray:
        """(D + 1, C) float64 gradient of the objective."""
        residual, total = self.residual, penalty * point

        def subtract(block: slice) -> np.ndarray:
            residual[block] = self.likelihood.probabilities(logits[block])
            self.likelihood.subtract(self.labels[block], residual[block])
            if self.weights is not None:
                residual[block] *= self.weights[block, None]
            return residual[block].sum(axis=0, dtype=np.float64)

        def multiply(block: slice) -> np.ndarray:
            return residual[block].T @ self.features[block]

        for of_bias in ordered_map(subtract, self.blocks, self.threads_of_logits):
            total[-1] += of_bias
        for of_weights in ordered_map(multiply, self.blocks, self.threads):
            total[:-1] += of_weights.T
        return total

    def gain(self, change: np.ndarray) -> float:
        """What a step of length 1 adds to the logits of the labels, summed over all rows."""
        weighted = change if self.weights is None else change * self.weights[:, None]
        return self.likelihood.at_labels(weighted, self.labels)

    def expectation(
        self, logits: np.ndarray, change: np.ndarray, length: float
    ) -> tuple[float, float]:
        """Mean and variance of the change at a step of some length, summed over all rows."""

        def of(block: slice) -> tuple[float, float]:
            moved = logits[block] + np.float32(length) * change[block]
            weights = None if self.weights is None else self.weights[block]
            probabilities = self.likelihood.probabilities(moved)
            return self.likelihood.moments(probabilities, change[block], weights)

        means, variances = zip(*ordered_map(of, self.blocks, self.threads_of_logits), strict=True)
        return sum(means), sum(variances)


def _rows_at_once(values: int) -> int:
    """Rows, a part of a block, that are multiplied at once with a matrix of so many values."""
    rows = min(1 << (UNPACKED // values).bit_length() >> 1, BLOCK_ROWS)
    return rows if rows >= FEWEST_ROWS else BLOCK_ROWS


def curvature_pays(rows: int, dims: int, classes: int) -> bool:
    """Whether `Curvature` saves more time than it takes.

    The product of the features with themselves takes as long as D / (2 C) steps, the products with
    the inverse, in double precision, in each step 2 D / L of its time.
    """
    return classes >= max(MANY_CLASSES, dims // 8) and rows >= 8 * dims


class Curvature:
    """The inverse of an approximate Hessian, as if classes were equally likely and independent.

    The Hessian is the sum over rows of (diag p − p pᵀ) ⊗ x xᵀ (of diag p (1 − p) where a row can
    have any number of classes), plus the penalty. Böhning (Annals of
    the Institute of Statistical Mathematics 44, 1992) bounds its first factor by a constant; here
    that constant is the mean of p (1 − p) at the start: from zero, the first step is Newton's.
    """

    def __init__(self, design: Design, logits: np.ndarray, penalty: float) -> None:
        def of(block: slice) -> tuple[np.ndarray, np.ndarray, float]:
            rows = design.features[block]
            uncertain = likelihood.uncertainty(likelihood.probabilities(logits[block]))
            weighted = rows if design.weights is None else rows * design.weights[block, None]
            return weighted.T @ rows, weighted.sum(axis=0, dtype=np.float64), uncertain

        likelihood, dims = design.likelihood, design.features.shape[1]
        hessian, uncertain = np.zeros((dims + 1, dims + 1)), 0.0
        for product, total, of_block in ordered_map(of, design.blocks, design.threads):
            hessian[:-1, :-1] += product
            hessian[-1, :-1] += total
            hessian[:-1, -1] += total
            uncertain += of_block
        hessian[-1, -1] = len(design.labels) if design.weights is None else design.weights.sum()
        hessian *= uncertain / len(design.labels) / likelihood.degrees(design.num_classes)
        # Without a penalty to speak of, features that say the same leave a direction out.
        hessian[np.diag_indices(dims + 1)] += max(
            penalty, SMALLEST_PENALTY * float(np.trace(hessian))
        )
        self.inverse = np.linalg.inv(hessian)


def _each(function: Callable[[slice], None], blocks: list[slice], threads: int) -> None:
    for _ in ordered_map(function, blocks, threads):
        pass
