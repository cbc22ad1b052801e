"""Exact farthest-first traversal without computing most of the distances.

Every row carries an upper bound on the distance to its nearest centre. Centres are only ever added,
so that a bound never becomes wrong, only loose: as long as the row with the largest bound is not up
to date, it is updated; once it is, it is the farthest row (lazy greedy, Minoux 1978). Rows are
updated a few at a time, the most promising ones, by float32 matrix products with a proven error
bound; centres that could be a row's nearest are then compared in float64 by `exact_distances`. So
the picks are those of the plain algorithm, whatever the number of threads, the chunks and the order
of sums in the matrix product.

All distances are squared.
"""

from typing import Any

import numpy as np

from labelbench_core.strategies.arrays import Array, Rows, cast, chunk_rows, host, namespace
from labelbench_core.strategies.kernels.scores import lowest
from labelbench_core.strategies.kernels.sketch import Sketch

UNIT = 2.0**-24  # relative rounding of float32
CENTER_COLUMNS = 2048  # centres per matrix product
BLOCK_ROWS = 2048  # rows held in memory at a time, those of the largest bounds
FIRST_TIME, AGAIN = 256, 32  # rows brought up to date at once, at first and later
SKETCH_FROM = 256  # labelled rows from which guessing is cheaper than comparing with all
REFINED_ROWS = 8 * BLOCK_ROWS  # rows whose bounds are refined at a time, those of the largest


def exact_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(n,) squared Euclidean distances of rows to rows, in float64; the measure of all ties."""
    difference = first.astype(np.float64) - second.astype(np.float64)
    return np.square(difference).sum(axis=1)


class FarthestFirst:
    """The search for `budget` rows, each the farthest from all centres before it.

    Parameters
    ----------
    embeddings
        (N, D), as in `Pool`.
    labeled
        (L,) rows that are centres from the start.
    unlabeled
        Increasing indices of the rows to choose from.
    budget
        How many to choose.
    """

    def __init__(
        self, embeddings: Any, labeled: np.ndarray, unlabeled: np.ndarray, budget: int
    ) -> None:
        self.rows = Rows(embeddings)
        self.unlabeled, self.budget = unlabeled, budget
        total, width = self.rows.shape
        # A dot product of `width` terms, summed in any order, two norms summed pairwise, and the
        # subtraction of the offset: relative to the sum of both squared norms.
        self.slack = (width + 64) * UNIT
        sample = np.linspace(0, total - 1, min(total, 1024)).astype(np.int64)
        self.offset = cast(cast(self.rows.take(sample), "float64").mean(0), "float32")
        self.centers = np.concatenate([labeled, np.zeros(budget, np.int64)])
        self.count = len(labeled)
        stored = self.rows.take(self.centers)
        self.stored = host(stored)
        self.vectors = self.shifted(stored)
        self.norms = squared_norms(self.vectors)
        self.bounds = np.full(total, -np.inf)
        self.bounds[unlabeled] = np.inf
        self.exact = np.full(total, np.inf)  # distance to the nearest of the first `seen` centres
        self.seen = np.zeros(total, np.int64)
        self.sketch: Sketch | None = None
        self.rough = np.zeros(total, bool)  # bounds made by a first guess

    def run(self) -> np.ndarray:
        """(budget,) the rows chosen, in order."""
        start = self.count
        if self.budget == 0:
            return np.zeros(0, np.int64)
        if start == 0:
            self._add(_Block(self, np.array([self._largest_norm()])), 0)
        self._bound_all()
        while self.count < start + self.budget:
            self._refine_bounds()
            self._pick_from_block(start + self.budget - self.count)
        return self.centers[start:].copy()

    def shifted(self, rows: Array) -> Array:
        """Rows in float32, about their mean: rounding errors then scale with distances."""
        return cast(rows, "float32") - self.offset

    def _add(self, block: "_Block", place: int) -> None:
        """Make row `place` of a block a centre."""
        index, position = block.members[place], self.count
        self.centers[position] = index
        self.stored[position] = block.raw[place]
        self.vectors[position] = block.vectors[place]
        self.norms[position] = block.norms[place]
        self.bounds[index] = -np.inf
        self.count += 1

    def _largest_norm(self) -> int:
        norms = np.full(len(self.rows), -np.inf)
        for first, chunk in self.rows.chunks():
            wide = host(cast(chunk, "float64"))
            norms[first : first + len(wide)] = np.square(wide).sum(axis=1)
        return int(self.unlabeled[np.argmax(norms[self.unlabeled])])

    def _bound_all(self) -> None:
        """Bound every row by its distance to a labelled row that is probably near."""
        known = self.vectors[: self.count]
        if self.count > SKETCH_FROM:
            self.sketch = Sketch(known)
            self.rough[self.unlabeled] = True

        def bound(first: int, chunk: Array) -> None:
            # A product with all labelled rows needs shorter chunks.
            step = chunk_rows(self.count) if self.sketch is None else len(chunk)
            for begin in range(0, len(chunk), step):
                rows = self.shifted(chunk[begin : begin + step])
                if self.sketch is None:
                    nearest = (1 + self.slack) * self.norms[: self.count] - 2 * (rows @ known.T)
                    found = self._bounds(namespace(rows).amin(nearest, -1), rows)
                else:
                    found = self._bounds_by(self.sketch.first_guess(rows), rows)
                where = slice(first + begin, first + begin + len(rows))
                self.bounds[where] = np.minimum(self.bounds[where], found)

        self.rows.for_chunks(bound)

    def _bounds_by(self, guess: Array, rows: Array) -> np.ndarray:
        """(n,) bounds on the distances of shifted rows to the centres `guess`."""
        products = namespace(rows).einsum("nd,nd->n", rows, self.vectors[guess])
        return self._bounds((1 + self.slack) * self.norms[guess] - 2 * products, rows)

    def _bounds(self, nearest: Array, rows: Array) -> np.ndarray:
        """(n,) float64 bounds on distances, from these minus the rows' squared norms."""
        return host(nearest + (1 + self.slack) * squared_norms(rows)).astype(np.float64)

    def _refine_bounds(self) -> None:
        """Search all labelled rows for a nearer one, for rows whose bound is among the largest."""
        while self.rough.any():
            ranked = lowest(-self.bounds, self.unlabeled, min(REFINED_ROWS, len(self.unlabeled)))
            if not self.rough[ranked[: BLOCK_ROWS + 1]].any():
                break
            loose = np.sort(ranked[self.rough[ranked]])
            step = chunk_rows(self.vectors.shape[1])
            for first in range(0, len(loose), step):
                part = loose[first : first + step]
                rows = self.shifted(self.rows.take(part))
                found = self._bounds_by(self.sketch.guess(rows), rows)
                self.bounds[part] = np.minimum(self.bounds[part], found)
            self.rough[loose] = False

    def _pick_from_block(self, wanted: int) -> None:
        """Choose among the rows of largest bounds, as long as no other row can be farther."""
        size = min(BLOCK_ROWS + 1, len(self.unlabeled))
        ranked = lowest(-self.bounds, self.unlabeled, size)
        rival = int(ranked[-1]) if size > BLOCK_ROWS else None
        limit = -np.inf if rival is None else self.bounds[rival]
        block = _Block(self, np.sort(ranked[:BLOCK_ROWS]))
        for _ in range(wanted):
            place = block.farthest(limit)
            index = int(block.members[place])
            value = self.bounds[index]
            if value < limit or (value == limit and rival is not None and index > rival):
                break  # a row outside the block may be farther
            self._add(block, place)

    def update(self, members: np.ndarray, raw: np.ndarray, vectors: Array, norms: Array) -> None:
        """Bring `members` up to date: the exact distance to the nearest of all centres so far.

        Parameters
        ----------
        members
            (m,) indices.
        raw
            (m, D) their rows as stored, in main memory.
        vectors, norms
            (m, D) and (m,) the shifted rows and their squared norms.
        """
        best = self.exact[members]
        for first in range(int(self.seen[members].min()), self.count, CENTER_COLUMNS):
            stop = min(first + CENTER_COLUMNS, self.count)
            best = self._nearest(raw, vectors, norms, first, stop, best)
        self.exact[members] = self.bounds[members] = best
        self.seen[members] = self.count

    def _nearest(
        self, raw: np.ndarray, vectors: Array, norms: Array, first: int, stop: int, best: np.ndarray
    ) -> np.ndarray:
        """The smaller of `best` and the exact distance to the nearest of centres first..stop."""
        xp = namespace(vectors)
        columns = self.norms[first:stop]
        # Lower bounds on distances, minus what depends on the row alone. A product of few rows and
        # many centres is faster with the many first.
        low = cast((self.vectors[first:stop] @ (-2 * vectors).T).T, "float32")
        low += (1 - self.slack) * columns
        likely = host(low.argmin(-1)) + first
        best = np.minimum(best, self._exact_to(raw, likely))
        allowance = best - (1 - self.slack) * host(norms).astype(np.float64)
        # Rounded up, since it is compared in float32; a row at distance 0 cannot come nearer.
        allowance = np.where(best > 0, allowance + 4 * UNIT * abs(allowance), -np.inf)
        bar = self.rows.like(allowance.astype(np.float32))
        # One index for both: NumPy looks it up ten times as fast as two.
        hits = host(xp.where((low < bar[:, None]).reshape(-1))[0])
        rows, near = np.divmod(hits, low.shape[1])
        other = near + first != likely[rows]
        rows, near = rows[other], near[other] + first
        for begin in range(0, len(rows), BLOCK_ROWS):
            some = slice(begin, begin + BLOCK_ROWS)
            distances = self._exact_to(raw[rows[some]], near[some])
            np.minimum.at(best, rows[some], distances)
        return best

    def _exact_to(self, raw: np.ndarray, centers: np.ndarray) -> np.ndarray:
        return exact_distances(raw, self.stored[centers])


class _Block:
    """Rows held in memory: their indices, as stored, and about the mean in float32."""

    def __init__(self, search: FarthestFirst, members: np.ndarray) -> None:
        self.search, self.members = search, members
        rows = search.rows.take(members)
        self.raw = host(rows)
        self.vectors = search.shifted(rows)
        self.norms = squared_norms(self.vectors)

    def farthest(self, limit: float) -> int:
        """Place of the row of the largest bound, the first of equal ones.

        It is up to date, or its bound is below `limit`.
        """
        search, step = self.search, 0
        while True:
            bounds = search.bounds[self.members]
            best = int(np.argmax(bounds))
            seen = search.seen[self.members[best]]
            if bounds[best] < limit or seen == search.count:
                return best
            # Where many bounds are loose, ever more rows at once. A row never compared with the
            # labelled ones must not drag others along.
            alike = np.flatnonzero((search.seen[self.members] > 0) == (seen > 0))
            step = min(2 * step or (AGAIN if seen else FIRST_TIME), len(alike))
            top = alike[np.argpartition(-bounds[alike], step - 1)[:step]]
            top[0] = best  # of equal bounds, the partition may have left the first one out
            top = np.unique(top[bounds[top] > -np.inf])
            part = search.rows.like(top)
            search.update(self.members[top], self.raw[top], self.vectors[part], self.norms[part])


def squared_norms(vectors: Array) -> Array:
    """(n,) squared Euclidean norms."""
    return (vectors * vectors).sum(-1)
