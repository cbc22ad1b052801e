"""ProbCover (Yehuda et al. 2022): the rows whose balls of radius δ cover most of what is uncovered.

Rows of unit length; a row covers those nearer than `delta`. What labelled and chosen rows cover is
covered; one by one, the row is taken whose ball holds most of the rest, the lowest index of equal
ones. Once everything is covered, the rest is drawn at random among the unlabelled rows.

`delta` None: the largest radius for which at least `purity` of the rows have no row of another
pseudo-label in their ball, pseudo-labels being k-means clusters, as many as classes. That is a
quantile of the distances to the nearest row of another cluster, found in one pass.

In pools of more than `targets` rows, coverage (and purity) is that of so many rows, drawn once; the
rows to choose from are all. Of these targets, as many are kept, by halving, as make no more than
`max_edges` pairs of a ball and a row in it: that bounds the memory, about 12 bytes per pair.
Distances are float32 matrix products with a proven error bound; where it leaves a doubt, float64
differences decide. Multi-label: the pseudo-labels are as many as labels; true labels play no part.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from labelbench_core.errors import InputError
from labelbench_core.strategies._arrays import Array, Rows, cast, chunk_rows, host, namespace
from labelbench_core.strategies._kmeans import cluster
from labelbench_core.strategies._sphere import directions, draw_targets
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "ProbCover",
    "paper": "Yehuda et al. 2022",
    "rule": "the ball of radius delta with most uncovered rows",
    "cost": "N m D for the balls, m targets, and again for delta; each pair once; N b for maxima",
    "needs": ["embeddings"],
    "multilabel": True,
    "kind": "strategy",
    "deterministic": False,
}
UNIT = {"float32": 2.0**-24, "float64": 2.0**-53}  # relative rounding
MANY = 64  # of so many pairs one in doubt is too many for float32


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    delta: float | None = None,
    purity: float = 0.95,
    targets: int = 50_000,
    max_edges: int = 100_000_000,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order chosen."""
    if delta is not None and not 0 < delta < np.inf:
        raise InputError(f"probcover: delta = {delta!r}; expected a number above 0, or none")
    if not 0 < purity <= 1:
        raise InputError(f"probcover: purity = {purity!r}; expected a number up to 1, above 0")
    for name, value in (("targets", targets), ("max_edges", max_edges)):
        if value < 1:
            raise InputError(f"probcover: {name} = {value!r}; expected a whole number, at least 1")
    unlabeled = pool.unlabeled()
    if budget == 0:
        return unlabeled[:0]
    drawn = draw_targets(pool.embeddings, targets, rng)
    products = _Products(pool.embeddings, drawn)
    if delta is None:
        clusters = cluster(pool.embeddings, min(pool.num_classes, pool.num_rows), rng).labels
        delta = purest_radius(products.distances_to_others(clusters), purity)
    balls = products.balls(delta, max_edges)
    chosen = _greedy(balls, pool.labeled, budget)
    rest = rng.permutation(np.setdiff1d(unlabeled, chosen))[: budget - len(chosen)]
    return np.concatenate([chosen, rest])


def purest_radius(distances: np.ndarray, purity: float) -> float:
    """The largest radius that keeps a share `purity` of the rows without another cluster's row."""
    allowed = int(np.floor((1 - purity) * len(distances) + 1e-9))
    return float(np.sort(distances)[min(allowed, len(distances) - 1)])


@dataclass(frozen=True)
class Balls:
    """Which of m targets each row covers, in compressed rows.

    Attributes
    ----------
    starts
        (N + 1,) where a row's targets start.
    columns
        Targets, increasing in each row.
    count
        m.
    """

    starts: np.ndarray
    columns: np.ndarray
    count: int


def _greedy(balls: Balls, labeled: np.ndarray, budget: int) -> np.ndarray:
    """Rows by the number of uncovered targets in their balls, until everything is covered.

    When a target becomes covered, the rows that cover it count one less: each pair is met once.
    """
    from scipy.sparse import csr_array

    shape = (len(balls.starts) - 1, balls.count)
    values = np.ones(len(balls.columns), np.bool_)
    reverse = csr_array((values, balls.columns, balls.starts), shape=shape).tocsc()
    degrees = np.diff(balls.starts).astype(np.int64)
    uncovered = np.ones(balls.count, bool)

    def cover(row: int) -> None:
        reached = balls.columns[balls.starts[row] : balls.starts[row + 1]]
        for target in reached[uncovered[reached]]:
            degrees[reverse.indices[reverse.indptr[target] : reverse.indptr[target + 1]]] -= 1
        uncovered[reached] = False

    for row in labeled:
        cover(int(row))
    chosen: list[int] = []
    while len(chosen) < budget:
        best = int(np.argmax(degrees))
        if degrees[best] == 0:
            break
        chosen.append(best)
        cover(best)
    return np.array(chosen, np.int64)


class _Products:
    """Distances of all rows to the targets, a block at a time, and what they leave in doubt."""

    def __init__(self, embeddings: Any, targets: np.ndarray) -> None:
        self.rows = Rows(embeddings)
        self.targets = targets
        self.stored = self.rows.take(targets)
        self.points: dict[str, tuple[Array, Array]] = {}

    def balls(self, radius: float, max_edges: int) -> Balls:
        """Targets nearer than `radius` to each row; the first half, quarter, … if too many."""
        radius = min(radius, 3.0)  # all are nearer than that
        count = len(self.targets)
        sizes = np.zeros(len(self.rows), np.int64)
        kept: list[np.ndarray] = []
        total = 0

        def doubtful(_: int, squared: Array, slack: float) -> Array:
            return abs(squared - radius**2) <= slack

        for first, squared, unsure in self._blocks(doubtful):
            near = host(squared < radius**2)
            i, j = _pairs(unsure)
            near[i, j] = self._exactly(first + i, j) < radius
            near = near[:, :count]
            sizes[first : first + len(near)] = near.sum(axis=1)
            kept.append(_pairs(near)[1].astype(np.int32))
            total += len(kept[-1])
            while count > 1 and total > max_edges:
                count //= 2
                kept, sizes = _without(kept, sizes, count)
                total = int(sizes.sum())
        starts = np.concatenate([[0], np.cumsum(sizes)])
        return Balls(starts, np.concatenate(kept), count)

    def distances_to_others(self, clusters: np.ndarray) -> np.ndarray:
        """(m,) distance of each target to the nearest row of another cluster; inf if none."""
        nearest = np.full(len(self.targets), np.inf)
        labels = self.rows.like(clusters[self.targets])

        def candidates(first: int, squared: Array, slack: float) -> Array:
            xp = namespace(squared)
            own = self.rows.like(clusters[first : first + len(squared)])
            squared[own[:, None] == labels] = np.inf
            known = self.rows.like(np.square(nearest)) + slack
            bar = cast(
                xp.minimum(xp.amin(squared, 0) + 2 * slack, known),
                str(squared.dtype).removeprefix("torch."),
            )
            return (squared <= bar) & (squared < np.inf)

        for first, _, unsure in self._blocks(candidates):
            i, j = _pairs(unsure)
            np.minimum.at(nearest, j, self._exactly(first + i, j))
        return nearest

    def _blocks(
        self, doubtful: Callable[[int, Array, float], Array]
    ) -> Iterator[tuple[int, Array, np.ndarray]]:
        """(first row, squared distances (n, m) of consecutive rows to all targets, doubtful ones).

        In float32; where that leaves many in doubt, in float64.
        """
        step = chunk_rows(max(len(self.targets), self.rows.shape[1]) // 4)
        for first in range(0, len(self.rows), step):
            points = np.arange(first, min(first + step, len(self.rows)))
            squared, slack = self._squared(points, "float32")
            unsure = host(doubtful(first, squared, slack))
            if np.count_nonzero(unsure) > unsure.size / MANY + len(self.targets):
                squared, slack = self._squared(points, "float64")
                unsure = host(doubtful(first, squared, slack))
            yield first, squared, unsure

    def _squared(self, indices: np.ndarray, dtype: str) -> tuple[Array, float]:
        """Squared distances (n, m) of rows to all targets, and a bound of their errors."""
        if dtype not in self.points:
            self.points[dtype] = self._points(self.targets, dtype)
        targets, theirs = self.points[dtype]
        points, mine = self._points(indices, dtype)
        squared = points @ targets.T
        squared *= -2
        squared += mine[:, None]
        squared += theirs
        # Of a product of `width` terms of rounded unit vectors, and of three sums with it.
        return squared, 4 * (self.rows.shape[1] + 64) * UNIT[dtype]

    def _points(self, indices: np.ndarray, dtype: str) -> tuple[Array, Array]:
        """(n, D) rows of length 1, and their lengths (0 for zero rows)."""
        points = np.empty((len(indices), self.rows.shape[1]), dtype)
        step = chunk_rows(self.rows.shape[1])
        for first in range(0, len(indices), step):
            part = slice(first, first + step)
            points[part] = directions(self.rows.take(indices[part]))
        lengths = points.any(axis=1).astype(dtype)
        return self.rows.like(points), self.rows.like(lengths)

    def _exactly(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """(n,) float64 distances of rows to targets, by differences; what is equal is at 0."""
        distances = np.empty(len(rows))
        step = chunk_rows(self.rows.shape[1])
        for first in range(0, len(rows), step):
            part = slice(first, first + step)
            ends = directions(self.stored[self.rows.like(columns[part])])
            difference = directions(self.rows.take(rows[part])) - ends
            distances[part] = np.sqrt(np.square(difference).sum(axis=1))
        return distances


def _pairs(marked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of what is marked; several times faster than `nonzero` of a matrix."""
    rows, columns = np.divmod(np.flatnonzero(marked), marked.shape[1])
    return rows, columns


def _without(
    kept: list[np.ndarray], sizes: np.ndarray, count: int
) -> tuple[list[np.ndarray], np.ndarray]:
    """The columns below `count`, and how many of them each row has."""
    ends = np.cumsum(sizes)
    sizes, done, left = np.zeros_like(sizes), 0, []
    for columns in kept:
        inside = np.flatnonzero(columns < count)
        sizes += np.bincount(np.searchsorted(ends, done + inside, "right"), minlength=len(sizes))
        left.append(columns[inside])
        done += len(columns)
    return left, sizes
