"""BAIT (Ash et al. 2021): the minimum-variance design for the last layer, all classes at once.

The Fisher information of a row is I(x) = X Xᵀ = (diag(p) − p pᵀ) ⊗ h hᵀ, with probabilities p and
embedding h. The batch should make trace(M⁻¹ F) small, where M is the sum of I(x) over the labelled
and selected rows, and F its mean over the whole pool.

`method` "greedy", the paper's: the row that makes the trace smallest is selected, until there are
`oversample` times as many as the budget; then, one by one, the rows whose removal raises it least
are removed. M starts at `ridge` times the identity; it is a plain sum, where the authors' code
weights labelled and new rows. Gains that differ only by rounding are ties, which go to the lowest
index; of rows equally good to remove, the one selected last is removed. The rows kept are in the
order of selection.

`method` "swap", LabelBench's: see `kernels.swap`. It starts from a random batch, each row of which
is either swapped once for the best of `proposals` random rows, or kept. There is no ridge; features
are centred.

Matrices have C · D rows, so embeddings of more than `dims` dimensions are projected onto the `dims`
directions of largest extent (principal directions about the origin); LabelBench's matrices have 270
rows for ten classes. Memory: 8 N C² bytes and a few times 8 (C D)²; `bait-binary`, for many
classes, needs neither.

With A = M⁻¹, Q = Xᵀ A X and S = Xᵀ A F A X, selecting a row lowers the trace by tr((1 + Q)⁻¹ S),
which is at most tr(S). Both are computed for every row from time to time; A then changes to A − B
Bᵀ by a matrix of low rank (Woodbury), and the root of tr(S) by no more than that of ‖Bᵀ F B‖ tr(Q).
Therefore only a few rows can be next, and only their gains are computed.

Multi-label: the information of independent labels, diag(p (1 − p)) ⊗ h hᵀ.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np

from labelbench_core.registry.options import Count, Interval, Positive
from labelbench_core.strategies.arrays import Rows, cast, chunk_rows, host
from labelbench_core.strategies.kernels.design import (
    LOST,
    REFRESH_AFTER,
    TIE,
    contenders,
    inverse,
    raised,
)
from labelbench_core.strategies.kernels.last_layer import LastLayer, leading_directions, unpacked
from labelbench_core.strategies.kernels.swap import swapped
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "BAIT",
    "paper": "Ash et al. 2021",
    "rule": "greedily smallest trace of inverse times pool Fisher information, then pruned",
    "cost": "N C^2 D^2 every few picks, (C D)^2 C per pick, D <= dims; C^2 (C + D) per gain",
    "needs": ["embeddings", "probabilities"],
    "multilabel": True,
    "kind": "strategy",
    "deterministic": True,  # by the default method
}
FEWEST = 64  # rows whose gains are computed at once; doubles while one pick takes longer


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    method: Literal["greedy", "swap"] = "greedy",
    ridge: Positive = 1.0,
    dims: Count = 30,
    oversample: Annotated[float, Interval(ge=1, le=1_000_000)] = 2.0,
    proposals: Count = 10,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order taken.

    Parameters
    ----------
    method
        How the batch is found: "greedy", row by row, then pruned; "swap", as in LabelBench, a
        random batch each row of which is compared once with random others. Default: the paper's.
    ridge
        Multiple of the identity that M starts from, for "greedy"; 1e-7 of the size of M if that
        is more. Default: the paper's.
    dims
        Number of directions that embeddings are projected onto, those of largest extent.
        Default: LabelBench's.
    oversample
        Rows selected before some are removed, in multiples of the budget, for "greedy". Default:
        the paper's.
    proposals
        Number of random rows that each row of the batch is compared with, for "swap". Default:
        LabelBench's.
    """
    unlabeled = pool.unlabeled()
    if budget == 0:
        return unlabeled[:0]
    features = leading_directions(pool.embeddings, dims, centered=method == "swap")
    probabilities = host(cast(Rows(pool.probabilities).take(np.arange(pool.num_rows)), "float64"))
    layer = LastLayer(features, probabilities, pool.multilabel)
    target = layer.information() / pool.num_rows
    labeled = layer.part(pool.labeled).information()
    candidates = layer.part(unlabeled)
    if method == "swap":
        return unlabeled[swapped(candidates, labeled, target, budget, proposals, rng)]
    wanted = min(int(oversample * budget), len(unlabeled))
    start = labeled + raised(ridge, labeled + wanted * target) * np.eye(len(target))
    taken = _forward(candidates, start, target, wanted)
    if len(taken) == budget:
        return unlabeled[taken]
    candidates = layer.part(unlabeled[taken])
    kept = _prune(candidates, start + candidates.information(), target, budget)
    return unlabeled[taken[kept]]


def _forward(layer: LastLayer, start: np.ndarray, target: np.ndarray, count: int) -> np.ndarray:
    """(count,) rows, in each step the one that lowers the trace most."""
    design = _Design(layer, start, target, 1)
    free = np.ones(len(layer), bool)
    taken = np.empty(count, np.int64)
    for position in range(count):
        taken[position] = design.best(free)[0]
        free[taken[position]] = False
        if position + 1 < count:
            design.update(taken[position])
    return taken


def _prune(layer: LastLayer, full: np.ndarray, target: np.ndarray, count: int) -> np.ndarray:
    """(count,) increasing rows: all but those whose removal, one by one, raises the trace least."""
    design = _Design(layer, full, target, -1)
    kept = np.ones(len(layer), bool)
    for _ in range(len(layer) - count):
        row = int(design.best(kept)[-1])
        kept[row] = False
        design.update(row)
    return np.flatnonzero(kept)


class _Design:
    """M, its inverse A, and for every row Q = Xᵀ A X and S = Xᵀ A F A X, perhaps outdated.

    Rows are selected (`sign` 1) or removed (−1). Each such update changes A to A − sign B Bᵀ, and A
    F A to A F A − sign (Y Bᵀ + B Yᵀ). Q and S of row i include the first `seen[i]` updates since
    the last refresh.
    """

    def __init__(self, layer: LastLayer, matrix: np.ndarray, target: np.ndarray, sign: int) -> None:
        self.layer, self.matrix, self.target = layer, matrix.copy(), target
        self.sign, self.identity = sign, np.eye(layer.classes)
        c, d = layer.classes, layer.dims
        # Cost of a refresh, and of applying an update to a row, roughly, in multiplications.
        self.cost_of_refresh = len(layer) * (c * d) ** 2 / 2 + 3 * (c * d) ** 3
        self.cost_of_row = 4 * c * c * (c + d)
        self.refresh()

    def refresh(self) -> None:
        """Recompute A, and Q and S of all rows."""
        self.inverse = inverse(self.matrix)
        middle = self.inverse @ self.target @ self.inverse
        self.q, self.s = self.layer.triangles(self.inverse, middle)
        self.q_sizes, self.s_sizes = self.layer.traces(self.q), self.layer.traces(self.s)
        self.fresh, self.seen = self.s_sizes.copy(), np.zeros(len(self.layer), np.int64)
        self.b = self.y = self.fb = np.zeros((len(self.matrix), 0))
        self.updates, self.spent = 0, 0.0

    def best(self, free: np.ndarray) -> np.ndarray:
        """Increasing rows, equal up to rounding, that are best to select or to remove."""
        if self.updates >= REFRESH_AFTER or self.spent > self.cost_of_refresh:
            self.refresh()
        rows = self._best(free)
        if self.updates and (self.s_sizes[rows] < LOST * self.fresh[rows]).any():
            self.refresh()
            rows = self._best(free)
        return rows

    def update(self, row: int) -> None:
        """Select a row or remove it: A follows by Woodbury's identity."""
        x = self.layer.vectors(np.array([row]))[0]
        self.matrix += self.sign * (x @ x.T)
        u = self.inverse @ x
        values, vectors = np.linalg.eigh(self.identity + self.sign * (x.T @ u))
        b = u @ (vectors / np.sqrt(np.maximum(values, np.finfo(float).eps)))
        fb = self.target @ b
        y = self.inverse @ fb - b @ (b.T @ fb) * (self.sign / 2)
        self.inverse -= self.sign * (b @ b.T)
        self.b, self.fb = np.hstack([self.b, b]), np.hstack([self.fb, fb])
        self.y = np.hstack([self.y, y])
        self.updates += 1

    def _best(self, free: np.ndarray) -> np.ndarray:
        """As `best`, without regard to lost digits."""
        bounds = np.where(free, self._bounds(), -np.inf)
        gains = np.full(len(bounds), -np.inf)
        count, bar = FEWEST, float(np.finfo(float).min)
        while len(waiting := np.flatnonzero(bounds >= bar)):
            if len(waiting) > count:
                waiting = waiting[np.argpartition(-bounds[waiting], count)[:count]]
            for rows, seen in self._groups(waiting):
                gains[rows] = self._gains(rows, seen, bar)
            bounds[waiting] = -np.inf
            best = gains.max()
            bar, count = best - 10 * TIE * abs(best), 2 * count
        return contenders(gains)

    def _bounds(self) -> np.ndarray:
        """(n,) upper bounds on how much each row lowers the trace, or minus its rise."""
        if self.sign < 0:
            return np.where(self.seen == self.updates, -self.s_sizes, 0.0)
        if self.updates == 0:
            return self.s_sizes
        # Frobenius norms of Bᵀ F B, B from each update on; after the last one, nothing.
        starts = np.arange(self.updates) * self.layer.classes
        blocks = np.square(self.b.T @ self.fb)
        blocks = np.add.reduceat(np.add.reduceat(blocks, starts, 0), starts, 1)
        moved = np.sqrt(np.diag(blocks[::-1, ::-1].cumsum(0).cumsum(1))[::-1])
        moved = np.append(moved, 0.0)[self.seen]
        return np.square(np.sqrt(self.s_sizes) + np.sqrt(moved * self.q_sizes))

    def _groups(self, rows: np.ndarray) -> Iterator[tuple[np.ndarray, int]]:
        """Groups of `rows` with equally many updates applied, as many as fit the caches."""
        known = self.seen[rows]
        step = chunk_rows(self.layer.classes * (self.layer.classes + self.b.shape[1]))
        for seen in np.unique(known).tolist():
            group = rows[known == seen]
            for first in range(0, len(group), step):
                yield group[first : first + step], seen

    def _gains(self, rows: np.ndarray, seen: int, bar: float) -> np.ndarray:
        """(n,) by how much the trace falls with each row, or minus its rise; -inf below `bar`."""
        q, s = self._up_to_date(rows, seen)
        for sizes, matrices in ((self.q_sizes, q), (self.s_sizes, s)):
            sizes[rows] = np.maximum(np.trace(matrices, axis1=1, axis2=2), 0)
        above = np.flatnonzero(self.sign * self.s_sizes[rows] >= bar)
        gains = np.full(len(rows), -np.inf)
        solved = np.linalg.solve(self.identity + self.sign * q[above], s[above])
        gains[above] = self.sign * np.trace(solved, axis1=1, axis2=2)
        return gains

    def _up_to_date(self, rows: np.ndarray, seen: int) -> tuple[np.ndarray, np.ndarray]:
        """(n, C, C) Q and S of rows that include `seen` updates, brought up to date."""
        layer = self.layer
        q, s = unpacked(self.q[rows], layer.classes), unpacked(self.s[rows], layer.classes)
        if seen < self.updates:
            start = seen * layer.classes
            t = layer.products(rows, self.b[:, start:])
            outer = layer.products(rows, self.y[:, start:]) @ t.transpose(0, 2, 1)
            q -= self.sign * (t @ t.transpose(0, 2, 1))
            s -= self.sign * (outer + outer.transpose(0, 2, 1))
            self.q[rows], self.s[rows] = (m[:, *layer.class_pairs] for m in (q, s))
            self.seen[rows] = self.updates
            self.spent += len(rows) * (self.updates - seen) * self.cost_of_row
        v = layer.factors(rows)
        q, s = (v.transpose(0, 2, 1) @ matrices @ v for matrices in (q, s))
        return q, s
