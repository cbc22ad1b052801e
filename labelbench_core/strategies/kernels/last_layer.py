"""The Fisher information of the last layer, row by row, without forming its matrices.

The information of a row is I(x) = X Xᵀ = Σ ⊗ h hᵀ, with the labels' covariance Σ = diag(p) − p pᵀ
(independent labels: diag(p (1 − p))) and the features h. So for a matrix A, Xᵀ A X = Vᵀ G V with
V Vᵀ = Σ and a symmetric G that depends on h alone. Symmetric matrices are kept as their upper
triangles.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from labelbench_core.strategies.arrays import Rows, cast, chunk_rows, host, like


def leading_directions(embeddings: Any, dims: int, *, centered: bool = False) -> np.ndarray:
    """(N, at most `dims`) float64 embeddings, in the directions of their largest sums of squares.

    `centered`: about their mean, which makes these directions the principal components.
    """
    rows = Rows(embeddings)
    columns = rows.shape[1]
    mean = np.zeros(columns)
    if centered:
        for _, chunk in rows.chunks():
            mean += host(cast(chunk, "float64").sum(0)) / len(rows)
    directions = np.eye(columns)
    if columns > dims:
        squares = np.zeros((columns, columns))
        for _, chunk in rows.chunks():
            wide = cast(chunk, "float64") - like(mean, chunk)
            squares += host(wide.T @ wide)
        directions = np.linalg.eigh(squares)[1][:, : -dims - 1 : -1]
    features = np.empty((len(rows), directions.shape[1]))
    for first, chunk in rows.chunks():
        wide = cast(chunk, "float64") - like(mean, chunk)
        features[first : first + len(chunk)] = host(
            wide @ like(np.ascontiguousarray(directions), wide)
        )
    return features


class LastLayer:
    """Rows as X = V ⊗ h with V = (1 − m 1ᵀ) diag(r), so that V Vᵀ is the labels' covariance.

    Parameters
    ----------
    features
        (n, D) float64.
    probabilities
        (n, C) float64.
    multilabel
        Whether labels are independent.
    """

    def __init__(self, features: np.ndarray, probabilities: np.ndarray, multilabel: bool) -> None:
        self.features, self.probabilities, self.multilabel = features, probabilities, multilabel
        p = np.maximum(probabilities, 0)
        self.means = np.zeros_like(p) if multilabel else p
        self.roots = np.sqrt(np.maximum(p * (1 - p), 0)) if multilabel else np.sqrt(p)
        self.classes, self.dims = p.shape[1], features.shape[1]
        self.class_pairs = np.triu_indices(self.classes)
        self.dim_pairs = np.triu_indices(self.dims)

    def __len__(self) -> int:
        return len(self.features)

    def part(self, rows: np.ndarray) -> "LastLayer":
        """Some of the rows."""
        return LastLayer(self.features[rows], self.probabilities[rows], self.multilabel)

    def information(self) -> np.ndarray:
        """(C D, C D) sum of X Xᵀ."""
        c, d = self.classes, self.dims
        total = np.zeros((len(self.class_pairs[0]), len(self.dim_pairs[0])))
        for where in self.chunks():
            total += self._covariances(where).T @ self._squares(where)
        blocks = unpacked(unpacked(total, d).transpose(1, 2, 0), c)  # (D, D, C, C)
        return blocks.transpose(2, 0, 3, 1).reshape(c * d, c * d)

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        """(k, C D, C) X of some rows."""
        x = self.factors(rows)[:, :, None, :] * self.features[rows][:, None, :, None]
        return x.reshape(len(rows), -1, self.classes)

    def factors(self, rows: np.ndarray) -> np.ndarray:
        """(k, C, C) V of some rows."""
        return (np.eye(self.classes) - self.means[rows][:, :, None]) * self.roots[rows][:, None, :]

    def triangles(self, *matrices: np.ndarray) -> list[np.ndarray]:
        """For each of the matrices A, the (n, C (C + 1) / 2) triangles of G in Xᵀ A X = Vᵀ G V."""
        c, d = self.classes, self.dims
        (i, j), (k, m) = self.dim_pairs, self.class_pairs
        columns = []
        for matrix in matrices:
            blocks = matrix.reshape(c, d, c, d).transpose(1, 3, 0, 2)[:, :, k, m]
            columns.append((blocks[i, j] + blocks[j, i]) * np.where(i == j, 0.5, 1.0)[:, None])
        stacked = np.concatenate(columns, axis=1)
        values = np.empty((len(self), stacked.shape[1]))
        for where in self.chunks():
            values[where] = self._squares(where) @ stacked
        return np.split(values, len(matrices), axis=1)

    def traces(self, triangles: np.ndarray) -> np.ndarray:
        """(n,) trace of Vᵀ G V, at least 0."""
        k, m = self.class_pairs
        traces = np.empty(len(self))
        for where in self.chunks():
            weights = self._covariances(where) * np.where(k == m, 1.0, 2.0)
            traces[where] = (weights * triangles[where]).sum(axis=1)
        return np.maximum(traces, 0)

    def products(self, rows: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """(n, C, k) products of 1 ⊗ hᵀ with vectors (C D, k) for some rows."""
        columns = vectors.reshape(self.classes, self.dims, -1).transpose(1, 0, 2)
        inner = self.features[rows] @ columns.reshape(self.dims, -1)
        return inner.reshape(len(rows), self.classes, -1)

    def chunks(self) -> Iterator[slice]:
        """Rows whose matrices fit the caches together."""
        step = chunk_rows(max(self.classes, self.dims) ** 2)
        for first in range(0, len(self), step):
            yield slice(first, first + step)

    def _covariances(self, where: slice) -> np.ndarray:
        """(n, C (C + 1) / 2) triangles of V Vᵀ."""
        k, m = self.class_pairs
        variances = np.square(self.roots[where])
        means = self.means[where]
        twice = (2 - variances.sum(axis=1, keepdims=True)) * means  # sums are 1 but for rounding
        return np.where(k == m, variances[:, k], 0.0) - twice[:, k] * means[:, m]

    def _squares(self, where: slice) -> np.ndarray:
        """(n, D (D + 1) / 2) triangles of h hᵀ."""
        h, (i, j) = self.features[where], self.dim_pairs
        return h[:, i] * h[:, j]


def unpacked(triangles: np.ndarray, size: int) -> np.ndarray:
    """(…, size, size) symmetric matrices from their upper triangles, row by row."""
    places = np.empty((size, size), np.int64)
    places[np.triu_indices(size)] = np.arange(size * (size + 1) // 2)
    places = np.where(np.tri(size, dtype=bool), places.T, places)
    return triangles[..., places]
