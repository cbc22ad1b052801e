"""BAIT on a binary collapse of the classes (Huseljic et al. 2024): the minimum-variance design.

Each row is treated as a two-class problem, the predicted class against the rest. With p the largest
probability and h the embedding, its Fisher information is I(x) = p (1 − p) h hᵀ, whatever the
number of classes. Greedily, the row that makes trace(M⁻¹ F) smallest is selected, where M = λ 1 + Σ
I(x) over the labelled and selected rows, and F is the mean of I(x) over the whole pool. `ridge` is
λ. Gains that differ only by rounding are ties, which go to the lowest index.

`steps` "forward_backward", as in BAIT (Ash et al. 2021) and in the authors' code: `oversample`
times as many rows as the budget are selected (all, if there are fewer), then, one by one, the rows
whose removal raises the trace least are removed; of rows equally good to remove, the one selected
last is removed. The rows kept are in the order of selection. The result can be worse than the first
rows selected: then those are the batch, so that the trace is never above that of "forward", which
stops at the budget and takes half the time.

With x = √(p (1 − p)) h, A = M⁻¹, q = xᵀ A x and s = xᵀ A F A x, selecting a row lowers the trace by
s / (1 + q), and A changes by a matrix of rank one (Woodbury). So two numbers per row, updated by
two products with the embeddings, suffice: N D per pick instead of N D². They are recomputed from
time to time, and whenever a row that could be next has lost too many digits. Removing a row raises
the trace by s / (1 − q); that takes k D per step for k selected rows.

Multi-label: p (1 − p) is the mean over the labels, each a two-class problem.
"""

from typing import Annotated, Any, Literal

import numpy as np

from labelbench_core.registry.options import Interval, Positive
from labelbench_core.strategies.arrays import Array, Rows, cast, chunk_rows, host, like, namespace
from labelbench_core.strategies.kernels.design import (
    LOST,
    REFRESH_AFTER,
    TIE,
    contenders,
    inverse,
    raised,
)
from labelbench_core.strategies.kernels.scores import score_rows
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "BAIT (binary)",
    "paper": "Huseljic et al. 2024",
    "rule": "smallest trace of inverse times pool Fisher information of two classes, then pruned",
    "cost": "N D^2 once and every 64 picks; N D + D^2 per pick, 2 b of them; b D + D^2 per return",
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
    ridge: Positive = 1.0,
    steps: Literal["forward_backward", "forward"] = "forward_backward",
    oversample: Annotated[float, Interval(ge=1, le=1_000_000)] = 2.0,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order taken.

    Parameters
    ----------
    ridge
        λ, the multiple of the identity that M starts from; 1e-7 of the size of M if that is more.
        Default: ours, that of `bait`.
    steps
        "forward_backward" selects more rows than the budget and removes those that help least;
        "forward" only adds rows, in half the time. Default: the authors' code's.
    oversample
        Rows selected before some are removed, in multiples of the budget, for "forward_backward".
        Default: the authors' code's.
    """
    unlabeled = pool.unlabeled()
    if budget == 0:
        return unlabeled[:0]
    variance = label_variances if pool.multilabel else top_class_variances
    wanted = budget if steps == "forward" else int(min(oversample * budget, len(unlabeled)))
    design = _Design(pool.embeddings, score_rows(pool.probabilities, variance))
    design.add(pool.labeled)
    design.add_ridge(raised(ridge, design.information + wanted * design.target))
    design.refresh()
    start = design.information.copy()
    taken = _forward(design, unlabeled, wanted)
    if wanted == budget:
        return taken
    design.add(taken[-1:])  # M has the other rows already
    points = design.scaled(taken)
    kept = _prune(points, design.information, design.target, budget)
    first = np.arange(budget)
    after, before = (_trace(start, points[rows], design.target) for rows in (kept, first))
    return taken[first if before < (1 - TIE) * after else kept]


def _forward(design: "_Design", unlabeled: np.ndarray, count: int) -> np.ndarray:
    """(count,) rows, each the one that lowers the trace most; `design` lacks the last."""
    free = np.zeros(len(design.rows), bool)
    free[unlabeled] = True
    taken = np.empty(count, np.int64)
    for position in range(count):
        taken[position] = design.next_row(free)
        free[taken[position]] = False
        if position + 1 < count:
            design.take(taken[position])
    return taken


def _trace(start: np.ndarray, points: np.ndarray, target: np.ndarray) -> float:
    """trace(M⁻¹ F) with M = `start` and the rows whose vectors x are `points`."""
    return float(np.trace(inverse(start + points.T @ points) @ target))


def _prune(points: np.ndarray, full: np.ndarray, target: np.ndarray, count: int) -> np.ndarray:
    """(count,) increasing places: all but those whose removal, one by one, raises the trace least.

    Parameters
    ----------
    points
        (k, D) the vectors x of the selected rows.
    full, target
        (D, D) M with all of them, and F.
    """
    design = _Taken(points, full, target)
    kept = np.ones(len(points), bool)
    for _ in range(len(points) - count):
        place = design.next_place(kept)
        kept[place] = False
        design.give_back(place)
    return np.flatnonzero(kept)


def top_class_variances(p: Array) -> Array:
    """(n,) p (1 − p) of the most likely class of each column."""
    top = namespace(p).amax(p, 0)
    return top * (1 - top)


def label_variances(p: Array) -> Array:
    """(n,) mean of p (1 − p) over the labels of each column."""
    return (p * (1 - p)).mean(0)


class _Design:
    """M, its inverse A, and for every row q = xᵀ A x and s = xᵀ A F A x."""

    def __init__(self, embeddings: Any, variances: np.ndarray) -> None:
        self.rows, self.roots = Rows(embeddings), np.sqrt(np.maximum(variances, 0))
        dims = self.rows.shape[1]
        self.information = np.zeros((dims, dims))  # M
        self.target = np.zeros((dims, dims))  # F
        for first, chunk in self.rows.chunks():
            wide = cast(chunk, "float64")
            scaled = wide * like(self.roots[first : first + len(chunk)], wide)[:, None]
            self.target += host(scaled.T @ scaled) / len(self.rows)
        self.q = self.s = self.fresh = np.zeros(len(self.rows))
        self.updates = 0

    def add(self, indices: np.ndarray) -> None:
        """Add rows to M; q, s and A are not updated."""
        step = chunk_rows(self.rows.shape[1])
        for first in range(0, len(indices), step):
            x = self.scaled(indices[first : first + step])
            self.information += x.T @ x

    def add_ridge(self, ridge: float) -> None:
        """Add a multiple of the identity to M; q, s and A are not updated."""
        self.information.flat[:: len(self.information) + 1] += ridge

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
        """Select a row: A, q and s follow by Woodbury's identity."""
        x = self.scaled(np.array([index]))[0]
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

    def scaled(self, indices: np.ndarray) -> np.ndarray:
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


class _Taken:
    """M with all selected rows, A, and q and s of those rows, while some are removed."""

    def __init__(self, points: np.ndarray, information: np.ndarray, target: np.ndarray) -> None:
        self.points, self.information, self.target = points, information.copy(), target
        self.refresh()

    def refresh(self) -> None:
        """Compute A, q and s anew."""
        self.inverse = inverse(self.information)
        reached = self.points @ self.inverse
        self.q = (reached * self.points).sum(axis=1)
        self.s = ((reached @ self.target) * reached).sum(axis=1)
        self.fresh, self.updates = self.s.copy(), 0

    def next_place(self, kept: np.ndarray) -> int:
        """The kept row that raises the trace least; the last of equal ones."""
        best = self._contenders(kept)
        if self.updates and (
            self.updates >= REFRESH_AFTER or (self.s[best] < LOST * self.fresh[best]).any()
        ):
            self.refresh()
            best = self._contenders(kept)
        return int(best[-1])

    def give_back(self, place: int) -> None:
        """Remove a row: A, q and s follow by Woodbury's identity."""
        x = self.points[place]
        u = self.inverse @ x
        grow = 1 / (1 - x @ u)
        reached = self.target @ u
        v, t = self.points @ u, self.points @ (self.inverse @ reached)
        self.information -= np.outer(x, x)
        self.inverse += grow * np.outer(u, u)
        self.q += grow * v * v
        self.s += grow * v * (2 * t + grow * (u @ reached) * v)
        self.updates += 1

    def _contenders(self, kept: np.ndarray) -> np.ndarray:
        rises = self.s[kept] / (1 - self.q[kept])
        return np.flatnonzero(kept)[contenders(-rises)]
