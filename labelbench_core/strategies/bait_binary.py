"""BAIT on a binary collapse of the classes (Huseljic et al. 2024): the design of least variance.

Each row is seen as a problem of two classes, the predicted one against the rest. With p the largest
probability and h the embedding, its Fisher information is I(x) = p (1 − p) h hᵀ, whatever the
number of classes. Greedily, the row is taken that makes trace(M⁻¹ F) smallest, where
M = λ 1 + Σ I(x) over the rows labelled or taken, and F is the mean of I(x) over the whole pool.
`ridge` is λ. Forward steps only; rows whose gains are equal but for rounding go to the lowest
index.

With x = √(p (1 − p)) h, A = M⁻¹, q = xᵀ A x and s = xᵀ A F A x, taking a row lowers the trace by
s / (1 + q), and A changes by a matrix of rank one (Woodbury). So two numbers per row, brought up to
date by two products with the embeddings, say all: N D per pick instead of N D². They are computed
anew from time to time, and whenever a row that could be next has lost too many digits.

Multi-label: p (1 − p) is the mean over the labels, each a problem of two classes of its own.
"""

from typing import Any

import numpy as np

from labelbench_core.options import Positive
from labelbench_core.strategies._arrays import Array, Rows, cast, chunk_rows, host, like, namespace
from labelbench_core.strategies._design import LOST, REFRESH_AFTER, contenders, inverse
from labelbench_core.strategies._scores import score_rows
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "BAIT (binary)",
    "paper": "Huseljic et al. 2024",
    "rule": "greedily smallest trace of inverse times pool Fisher information of two classes",
    "cost": "N D^2 once and every 64 picks; N D + D^2 per pick",
    "needs": ["embeddings", "probabilities"],
    "multilabel": True,
    "kind": "strategy",
    "deterministic": True,
}


def select(
    pool: Pool, budget: int, rng: np.random.Generator, *, ridge: Positive = 1.0
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order taken."""
    unlabeled = pool.unlabeled()
    if budget == 0:
        return unlabeled[:0]
    variance = label_variances if pool.multilabel else top_class_variances
    design = _Design(pool.embeddings, score_rows(pool.probabilities, variance), ridge)
    design.add(pool.labeled)
    design.refresh()
    free = np.zeros(pool.num_rows, bool)
    free[unlabeled] = True
    chosen = np.empty(budget, np.int64)
    for position in range(budget):
        chosen[position] = design.next_row(free)
        free[chosen[position]] = False
        if position + 1 < budget:
            design.take(chosen[position])
    return chosen


def top_class_variances(p: Array) -> Array:
    """(n,) p (1 − p) of the most likely class of each column."""
    top = namespace(p).amax(p, 0)
    return top * (1 - top)


def label_variances(p: Array) -> Array:
    """(n,) mean of p (1 − p) over the labels of each column."""
    return (p * (1 - p)).mean(0)


class _Design:
    """M, its inverse A, and for every row q = xᵀ A x and s = xᵀ A F A x."""

    def __init__(self, embeddings: Any, variances: np.ndarray, ridge: float) -> None:
        self.rows, self.roots = Rows(embeddings), np.sqrt(np.maximum(variances, 0))
        self.information = ridge * np.eye(self.rows.shape[1])  # M
        self.target = np.zeros_like(self.information)  # F
        for first, chunk in self.rows.chunks():
            wide = cast(chunk, "float64")
            scaled = wide * like(self.roots[first : first + len(chunk)], wide)[:, None]
            self.target += host(scaled.T @ scaled) / len(self.rows)
        self.q = self.s = self.fresh = np.zeros(len(self.rows))
        self.updates = 0

    def add(self, indices: np.ndarray) -> None:
        """Let M contain rows; q, s and A do not know yet."""
        step = chunk_rows(self.rows.shape[1])
        for first in range(0, len(indices), step):
            x = self._scaled(indices[first : first + step])
            self.information += x.T @ x

    def refresh(self) -> None:
        """Compute A, q and s anew."""
        self.inverse = inverse(self.information)
        left = self.inverse @ self.target
        middle = left @ self.inverse
        self.q, self.s = np.empty(len(self.rows)), np.empty(len(self.rows))
        for first, chunk in self.rows.chunks():
            x = cast(chunk, "float64")
            where = slice(first, first + len(chunk))
            for values, matrix in ((self.q, self.inverse), (self.s, middle)):
                values[where] = host(((x @ like(matrix, x)) * x).sum(-1))
        squares = np.square(self.roots)
        self.q *= squares
        self.s *= squares
        self.fresh, self.updates = self.s.copy(), 0

    def next_row(self, free: np.ndarray) -> int:
        """The free row that lowers the trace most."""
        best = self._contenders(free)
        if self.updates and (
            self.updates >= REFRESH_AFTER or (self.s[best] < LOST * self.fresh[best]).any()
        ):
            self.refresh()
            best = self._contenders(free)
        return int(best[0])

    def take(self, index: int) -> None:
        """Take a row: A, q and s follow by Woodbury's identity."""
        x = self._scaled(np.array([index]))[0]
        self.information += np.outer(x, x)
        u = self.inverse @ x
        shrink = 1 / (1 + x @ u)
        z = self.inverse @ (self.target @ u)
        products = self._products(np.stack([u, z], axis=1)) * self.roots[:, None]
        v, t = products[:, 0], products[:, 1]
        self.q -= shrink * v * v
        self.s -= shrink * v * (2 * t - shrink * (u @ self.target @ u) * v)
        self.inverse -= shrink * np.outer(u, u)
        self.updates += 1

    def _contenders(self, free: np.ndarray) -> np.ndarray:
        return contenders(np.where(free, self.s / (1 + self.q), -np.inf))

    def _scaled(self, indices: np.ndarray) -> np.ndarray:
        """(k, D) the vectors x of some rows."""
        embeddings = host(self.rows.take(indices)).astype(np.float64)
        return self.roots[indices][:, None] * embeddings

    def _products(self, vectors: np.ndarray) -> np.ndarray:
        """(N, k) products of the embeddings with the columns of `vectors`."""
        products = np.empty((len(self.rows), vectors.shape[1]))
        for first, chunk in self.rows.chunks():
            wide = cast(chunk, "float64")
            products[first : first + len(chunk)] = host(wide @ like(vectors, wide))
        return products
