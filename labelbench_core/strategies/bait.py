"""BAIT (Ash et al. 2021): the design of least variance for the last layer, all classes at once.

The Fisher information of a row is I(x) = X Xᵀ = (diag(p) − p pᵀ) ⊗ h hᵀ, with probabilities p and
embedding h. Greedily, the row is taken that makes trace(M⁻¹ F) smallest, where M = λ 1 + Σ I(x)
over the rows labelled or taken, and F is the mean of I(x) over the whole pool, until there are
`oversample` times as many as asked for; then, one by one, those are given back that raise the trace
least. `ridge` is λ; M is a plain sum, where the authors' code weights labelled and new rows. Rows
whose gains are equal but for rounding go to the lowest index; of rows equally good to give back,
the last taken goes. What is kept is in the order taken.

Matrices have C · D rows, so embeddings are projected on the `dims` directions in which they are
longest (principal directions about the origin), if they have more: by default 30, as in LabelBench,
whose matrices have 270 rows for ten classes. Memory: 16 N C² bytes and a few times 8 (C D)²; with
many classes, `bait-binary` does without both.

With A = M⁻¹, Q = Xᵀ A X and S = Xᵀ A F A X, taking a row lowers the trace by tr((1 + Q)⁻¹ S), and A
changes by a matrix of rank C (Woodbury). So two matrices of C × C per row say all, and the
Kronecker structure brings them up to date in N D C² per pick instead of N C² D² · C. They are
computed anew from time to time, and whenever a row that could be next has lost too many digits.

Multi-label: the information of independent labels, diag(p (1 − p)) ⊗ h hᵀ.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from labelbench_core.errors import InputError
from labelbench_core.strategies._arrays import Rows, cast, chunk_rows, host, like
from labelbench_core.strategies._design import LOST, REFRESH_AFTER, contenders, inverse
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "BAIT",
    "paper": "Ash et al. 2021",
    "rule": "greedily smallest trace of inverse times pool Fisher information, then pruned",
    "cost": "N C^2 D^2 once and every 64 picks; N D C^2 + N C^3 + (C D)^2 C per pick, D <= dims",
    "needs": ["embeddings", "probabilities"],
    "multilabel": True,
    "kind": "strategy",
    "deterministic": True,
}


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    ridge: float = 1.0,
    dims: int = 30,
    oversample: float = 2.0,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order taken."""
    if not ridge > 0:
        raise InputError(f"bait: ridge = {ridge!r}; expected a number above 0")
    if not dims >= 1:
        raise InputError(f"bait: dims = {dims!r}; expected a number of at least 1")
    if not oversample >= 1:
        raise InputError(f"bait: oversample = {oversample!r}; expected a number of at least 1")
    unlabeled = pool.unlabeled()
    if budget == 0:
        return unlabeled[:0]
    features = leading_directions(pool.embeddings, dims)
    probabilities = host(cast(Rows(pool.probabilities).take(np.arange(pool.num_rows)), "float64"))
    layer = _LastLayer(features, probabilities, pool.multilabel)
    target = layer.information() / pool.num_rows
    labeled = layer.part(pool.labeled).information()
    start = labeled + ridge * np.eye(len(target))
    taken = _forward(
        layer.part(unlabeled), start, target, min(int(oversample * budget), len(unlabeled))
    )
    if len(taken) == budget:
        return unlabeled[taken]
    candidates = layer.part(unlabeled[taken])
    kept = _prune(candidates, start + candidates.information(), target, budget)
    return unlabeled[taken[kept]]


def leading_directions(embeddings: Any, dims: int) -> np.ndarray:
    """(N, at most `dims`) float64 embeddings, in the directions of their largest squared sums."""
    rows = Rows(embeddings)
    columns = rows.shape[1]
    directions = np.eye(columns)
    if columns > dims:
        squares = np.zeros((columns, columns))
        for _, chunk in rows.chunks():
            wide = cast(chunk, "float64")
            squares += host(wide.T @ wide)
        directions = np.linalg.eigh(squares)[1][:, : -dims - 1 : -1]
    features = np.empty((len(rows), directions.shape[1]))
    for first, chunk in rows.chunks():
        wide = cast(chunk, "float64")
        features[first : first + len(chunk)] = host(
            wide @ like(np.ascontiguousarray(directions), wide)
        )
    return features


class _LastLayer:
    """Rows as X = V ⊗ h with V = (1 − m 1ᵀ) diag(r), so that V Vᵀ is the labels' covariance."""

    def __init__(self, features: np.ndarray, probabilities: np.ndarray, multilabel: bool) -> None:
        self.features, self.probabilities, self.multilabel = features, probabilities, multilabel
        p = np.maximum(probabilities, 0)
        self.means = np.zeros_like(p) if multilabel else p
        self.roots = np.sqrt(np.maximum(p * (1 - p), 0)) if multilabel else np.sqrt(p)
        self.classes, self.dims = p.shape[1], features.shape[1]

    def __len__(self) -> int:
        return len(self.features)

    def part(self, rows: np.ndarray) -> "_LastLayer":
        """Some of the rows."""
        return _LastLayer(self.features[rows], self.probabilities[rows], self.multilabel)

    def information(self) -> np.ndarray:
        """(C D, C D) sum of X Xᵀ."""
        total = np.zeros((self.classes**2, self.dims**2))
        for where in self.chunks():
            transposed = self._left(where, np.eye(self.classes)[None])
            covariance = transposed.transpose(0, 2, 1) @ transposed
            total += covariance.reshape(len(covariance), -1).T @ self._squares(where)
        shape = (self.classes, self.classes, self.dims, self.dims)
        return total.reshape(shape).transpose(0, 2, 1, 3).reshape(self.classes * self.dims, -1)

    def vectors(self, row: int) -> np.ndarray:
        """(C D, C) X of one row."""
        v = (np.eye(self.classes) - self.means[row][:, None]) * self.roots[row]
        return np.kron(v, self.features[row][:, None])

    def quadratic(self, matrix: np.ndarray) -> np.ndarray:
        """(n, C, C) Xᵀ · matrix · X for each row."""
        c, d = self.classes, self.dims
        blocks = matrix.reshape(c, d, c, d).transpose(1, 3, 0, 2).reshape(d * d, c * c)
        values = np.empty((len(self), c, c))
        for where in self.chunks():
            inner = (self._squares(where) @ blocks).reshape(-1, c, c)
            half = self._left(where, inner).transpose(0, 2, 1)
            values[where] = self._left(where, half).transpose(0, 2, 1)
        return values

    def products(self, where: slice, vectors: np.ndarray) -> np.ndarray:
        """(n, C, k) Xᵀ · vectors for the rows `where`, for vectors (C D, k)."""
        columns = vectors.reshape(self.classes, self.dims, -1).transpose(1, 0, 2)
        inner = self.features[where] @ columns.reshape(self.dims, -1)
        return self._left(where, inner.reshape(len(inner), self.classes, -1))

    def chunks(self) -> Iterator[slice]:
        """Rows whose matrices fit the caches together."""
        step = chunk_rows(max(self.classes, self.dims) ** 2)
        for first in range(0, len(self), step):
            yield slice(first, first + step)

    def _left(self, where: slice, matrices: np.ndarray) -> np.ndarray:
        """Vᵀ · matrix for each of the (n, C, k) matrices."""
        mean = self.means[where][:, None, :] @ matrices
        return self.roots[where][:, :, None] * (matrices - mean)

    def _squares(self, where: slice) -> np.ndarray:
        """(n, D²) h hᵀ of each row."""
        h = self.features[where]
        return (h[:, :, None] * h[:, None, :]).reshape(len(h), -1)


class _Design:
    """M, its inverse A, and for every row Q = Xᵀ A X and S = Xᵀ A F A X."""

    def __init__(self, layer: _LastLayer, matrix: np.ndarray, target: np.ndarray) -> None:
        self.layer, self.matrix, self.target = layer, matrix.copy(), target
        self.identity = np.eye(layer.classes)
        self.refresh()

    def refresh(self) -> None:
        """Compute A, Q and S anew."""
        self.inverse = inverse(self.matrix)
        self.q = self.layer.quadratic(self.inverse)
        self.s = self.layer.quadratic(self.inverse @ self.target @ self.inverse)
        self.fresh, self.updates = self._sizes(), 0

    def changes(self, sign: int) -> np.ndarray:
        """(n,) by how much the trace falls with each row taken (+1) or rises given back (−1)."""
        solved = np.linalg.solve(self.identity + sign * self.q, self.s)
        return np.trace(solved, axis1=1, axis2=2)

    def best(self, free: np.ndarray, sign: int) -> np.ndarray:
        """Increasing rows, equal but for rounding, that are best to take or to give back."""
        best = contenders(np.where(free, sign * self.changes(sign), -np.inf))
        lost = self._sizes()[best] < LOST * self.fresh[best]
        if self.updates and (self.updates >= REFRESH_AFTER or lost.any()):
            self.refresh()
            best = contenders(np.where(free, sign * self.changes(sign), -np.inf))
        return best

    def update(self, row: int, sign: int) -> None:
        """Take a row (+1) or give it back (−1): A, Q and S follow by Woodbury's identity."""
        x = self.layer.vectors(row)
        self.matrix += sign * (x @ x.T)
        u = self.inverse @ x
        core = sign * inverse(self.identity + sign * (x.T @ u))
        middle = u.T @ self.target @ u
        w = self.inverse @ (self.target @ u)
        for where in self.layer.chunks():
            t = self.layer.products(where, u)
            b = t @ core
            outer = (self.layer.products(where, w) - b @ (middle / 2)) @ b.transpose(0, 2, 1)
            self.s[where] -= outer + outer.transpose(0, 2, 1)
            self.q[where] -= b @ t.transpose(0, 2, 1)
        self.inverse -= u @ core @ u.T
        self.updates += 1

    def _sizes(self) -> np.ndarray:
        return np.trace(self.s, axis1=1, axis2=2)


def _forward(layer: _LastLayer, start: np.ndarray, target: np.ndarray, count: int) -> np.ndarray:
    """(count,) rows, each the one that lowers the trace most."""
    design = _Design(layer, start, target)
    free = np.ones(len(layer), bool)
    taken = np.empty(count, np.int64)
    for position in range(count):
        taken[position] = design.best(free, 1)[0]
        free[taken[position]] = False
        if position + 1 < count:
            design.update(taken[position], 1)
    return taken


def _prune(layer: _LastLayer, full: np.ndarray, target: np.ndarray, count: int) -> np.ndarray:
    """(count,) increasing rows: all but those that, one by one, raise the trace least."""
    design = _Design(layer, full, target)
    kept = np.ones(len(layer), bool)
    for _ in range(len(layer) - count):
        row = int(design.best(kept, -1)[-1])
        kept[row] = False
        design.update(row, -1)
    return np.flatnonzero(kept)
