"""Greedy optimal design: what the strategies that minimise a trace of Fisher matrices share."""

import numpy as np

TIE = 1e-9  # gains that differ by a smaller part are equal: what is left is rounding
LOST = 1e-3  # an updated value below this part of the one computed anew has lost its last digits
REFRESH_AFTER = 64  # updates after which everything is computed anew


def contenders(gains: np.ndarray) -> np.ndarray:
    """Increasing indices of the largest gains, equal up to rounding; -inf is excluded."""
    best = gains.max()
    return np.flatnonzero(gains >= best - TIE * abs(best))


def inverse(matrix: np.ndarray) -> np.ndarray:
    """Inverse of a positive definite matrix, symmetric to the last bit."""
    inverted = np.linalg.inv(matrix)
    return (inverted + inverted.T) / 2
