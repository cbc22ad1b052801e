"""Greedy optimal design: what the strategies that minimise a trace of Fisher matrices share."""

import numpy as np

TIE = 1e-9  # gains that differ by a smaller part are equal: what is left is rounding
LOST = 1e-3  # an updated value below this part of the one computed anew has lost its last digits
REFRESH_AFTER = 64  # updates after which everything is computed anew
# Smallest ridge, as a part of the matrix's size, with which the inverse still has five digits.
SMALLEST_RIDGE = 1e-7
# Where there is no information at all: the square of its inverse is finite.
LEAST = float(np.finfo(float).tiny) ** 0.5


def contenders(gains: np.ndarray) -> np.ndarray:
    """Increasing indices of the largest gains, equal up to rounding; -inf is excluded."""
    best = gains.max()
    return np.flatnonzero(gains >= best - TIE * abs(best))


def inverse(matrix: np.ndarray) -> np.ndarray:
    """Inverse of a positive definite matrix, symmetric to the last bit."""
    inverted = np.linalg.inv(matrix)
    return (inverted + inverted.T) / 2


def raised(ridge: float, matrix: np.ndarray) -> float:
    """`ridge`, or the smallest with which a matrix that is singular has a useful inverse.

    The inverse of a matrix that lacks a direction (classes that exclude each other, features that
    are always zero, few rows) grows with 1 / ridge there, and so does its rounding everywhere.

    Parameters
    ----------
    matrix
        (k, k) about as large as the one that the ridge is added to will be in the end.
    """
    return max(ridge, SMALLEST_RIDGE * float(np.linalg.norm(matrix)), LEAST)
