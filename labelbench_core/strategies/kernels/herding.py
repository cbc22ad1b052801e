"""Exact greedy maximisation of a weighted kernel coverage, computing only few of its gains.

The coverage of a set S is the weighted mean over targets y of max over s in S of k(s, y), with k(s,
y) = exp(−‖s − y‖² / h²) on rows of unit length. A row adds only to the coverage of targets that are
nearer to it than to S: a fraction of about 1 / |S|. Once that is small, one pass of products finds
these pairs, and from then on every gain is known: a pick changes the coverage of a few targets, and
with it the gains of the few rows paired with them.

Before that, all rows carry upper bounds of their gains. Gains only fall, so that a bound stays
valid: the gains of the rows with the largest bounds are computed in float64 until one is certainly
the largest (lazy greedy, Minoux 1978). If many gains must be computed, all bounds are updated, by
products with the targets whose coverage rose since the last update.

Products are float32 with a proven error bound, or float64 where rows are too near to one another
for that; gains that decide are sums of float64 kernels. Gains that differ only by rounding are
ties, which go to the lowest index, whatever the number of threads and the tiles.
"""

from collections.abc import Iterator
from itertools import count, islice
from typing import Any

import numpy as np

from labelbench_core.strategies.arrays import Array, Rows, chunk_rows, host, namespace
from labelbench_core.strategies.kernels.fill import fill_at_random
from labelbench_core.strategies.kernels.sphere import (
    TILE,
    UNIT,
    cosines,
    directions,
    product_slack,
    spans,
    tile_buffer,
    unit_points,
)
from labelbench_core.strategies.pool import Pool

ROUNDING = 1e-13  # of a gain, which is at most 1, where h = 1; grows with 1 / h²
FEWEST, MOST = 8, 128  # gains computed at once, doubling while one pick takes longer
PATIENCE = 56  # gains computed for one pick before all bounds are brought up to date
DENSEST, MAX_PAIRS = 1 / 128, 10_000_000  # with a larger share or number, pairs are not kept
SAMPLE = 256  # rows that tell how many pairs there are
LEAST = 1e-16  # of a kernel: all smaller ones together are less than rounding
NEAREST = 256  # times the error of a float32 product: typical rows must be that far apart


def greedy_coverage(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    targets: np.ndarray,
    weights: np.ndarray,
    bandwidth: float,
) -> np.ndarray:
    """(budget,) the unlabelled rows that add most to the coverage, one after another.

    Where no row adds more than rounding, the rest is drawn at random.

    Parameters
    ----------
    targets, weights
        (m,) rows whose coverage counts, and how much, at least 0 each.
    bandwidth
        h.
    """
    unlabeled = pool.unlabeled()
    if budget == 0 or not weights.any():
        return rng.permutation(unlabeled)[:budget]
    coverage = _Coverage(pool.embeddings, targets, weights, bandwidth)
    coverage.add(pool.labeled)
    chosen = np.fromiter(islice(_picks(coverage, unlabeled), budget), np.int64)
    return fill_at_random(chosen, unlabeled, budget, rng)


def _picks(coverage: "_Coverage", unlabeled: np.ndarray) -> Iterator[int]:
    """Rows in the order chosen, until none adds more than rounding."""
    bounds = None
    for done in count():
        left = unlabeled if bounds is None else bounds.left()
        if done & (done - 1) == 0 and coverage.few_pairs(left):
            yield from _picks_from_pairs(coverage, left)
            return
        bounds = bounds or _Bounds(coverage, unlabeled)
        best = bounds.largest()
        if best < 0:
            return
        yield int(unlabeled[best])
        bounds.take(best)


class _Bounds:
    """Upper bounds of the gains of rows, and the search for the largest gain among them."""

    def __init__(self, coverage: "_Coverage", rows: np.ndarray) -> None:
        self.coverage, self.rows = coverage, rows
        self.values = coverage.bounds(rows)
        self.old, self.covered = self.values.copy(), coverage.covered  # when all were up to date

    def left(self) -> np.ndarray:
        """The rows that were not selected."""
        return self.rows[self.values > -np.inf]

    def take(self, place: int) -> None:
        """Put a row into S."""
        self.coverage.add(self.rows[[place]])
        self.values[place] = -np.inf

    def largest(self) -> int:
        """The place of the row with the largest gain; −1 if none is above rounding."""
        noise = self.coverage.noise
        known = np.zeros(len(self.rows), bool)
        bar, size = noise, FEWEST
        while len(able := np.flatnonzero(~known & (self.values >= bar))):
            if np.count_nonzero(known) >= PATIENCE and self.covered is not self.coverage.covered:
                self._update()
                continue
            if len(able) > size:
                able = np.sort(able[np.argpartition(-self.values[able], size)[:size]])
            gains = self.coverage.gains(self.rows[able])
            self.values[able] = np.minimum(self.values[able], gains)
            known[able] = True
            bar, size = max(self.values[known].max() - noise, noise), min(2 * size, MOST)
        found = np.flatnonzero(known & (self.values >= bar))
        return int(found[0]) if len(found) and self.values[found].max() > noise else -1

    def _update(self) -> None:
        """Update all bounds."""
        self.old -= self.coverage.falls(self.rows, self.covered)
        self.values = np.minimum(self.values, self.old)
        self.covered = self.coverage.covered


def _picks_from_pairs(coverage: "_Coverage", unlabeled: np.ndarray) -> Iterator[int]:
    """Rows in the order chosen, with all gains known throughout."""
    from scipy.sparse import coo_array

    rows, targets, kernel = coverage.pairs(unlabeled)
    pairs = coo_array((kernel, (rows, targets)), shape=(len(unlabeled), len(coverage.weights)))
    pairs.has_canonical_format = True  # no pair occurs twice
    by_row, by_target = pairs.tocsr(), pairs.tocsc()
    added = np.maximum(kernel - coverage.covered[targets], 0) * coverage.weights[targets]
    gains = np.bincount(rows, added, len(unlabeled))
    while len(gains) and gains.max() > coverage.noise:
        best = int(np.flatnonzero(gains >= gains.max() - coverage.noise)[0])
        yield int(unlabeled[best])
        near = slice(*by_row.indptr[best : best + 2])
        for target, value in zip(by_row.indices[near], by_row.data[near], strict=True):
            before = coverage.covered[target]
            if value > before:
                part = slice(*by_target.indptr[target : target + 2])
                lost = np.clip(by_target.data[part] - before, 0, value - before)
                gains[by_target.indices[part]] -= coverage.weights[target] * lost
                coverage.covered[target] = value
        gains[best] = -np.inf


class _Coverage:
    """How well each target is covered so far, and what rows would add."""

    def __init__(
        self, embeddings: Any, targets: np.ndarray, weights: np.ndarray, bandwidth: float
    ) -> None:
        counted = weights > 0
        self.rows = Rows(embeddings)
        self.scale = bandwidth**-2
        self.noise = ROUNDING * max(1.0, self.scale)
        self.weights = weights[counted] / weights.sum()
        self.covered = np.zeros(len(self.weights))
        self.exact = directions(self.rows.take(targets[counted]))
        self.norms = np.square(self.exact).sum(axis=1)
        self.points = self.rows.like(self.exact)
        some, width = self.exact[:SAMPLE], self.exact.shape[1]
        apart = np.median(self.norms[:SAMPLE, None] + self.norms[:SAMPLE] - 2 * some @ some.T)
        near = apart < NEAREST * product_slack(width, "float32")
        self.dtype = "float64" if near else "float32"
        self.slack = product_slack(width, self.dtype)
        self.targets = unit_points(self.points, self.dtype)

    def add(self, indices: np.ndarray) -> None:
        """Put rows into S."""
        for part in self._parts(indices):
            kernel = self._kernel(part)
            self.covered = np.maximum(self.covered, host(namespace(kernel).amax(kernel, 0)))

    def gains(self, indices: np.ndarray) -> np.ndarray:
        """(n,) what each row alone would add to the coverage."""
        covered, weights = self.rows.like(self.covered), self.rows.like(self.weights)
        gains = [
            host((self._kernel(part) - covered).clip(0) @ weights) for part in self._parts(indices)
        ]
        return np.concatenate(gains)

    def bounds(self, indices: np.ndarray) -> np.ndarray:
        """(n,) what each row alone would add; an upper bound, hardly larger."""
        everything = np.arange(len(self.weights))
        return self._sums(indices, everything, self.covered, np.ones(len(everything)), 1)

    def falls(self, indices: np.ndarray, before: np.ndarray) -> np.ndarray:
        """(n,) how much less rows add than with targets covered as `before`; a lower bound."""
        risen = np.flatnonzero(self.covered > before)
        return self._sums(indices, risen, before[risen], self.covered[risen], -1)

    def few_pairs(self, indices: np.ndarray) -> bool:
        """Whether rows would add to so few targets that `pairs` can be kept."""
        places = np.linspace(0, len(indices) - 1, min(SAMPLE, len(indices))).astype(np.int64)
        some = unit_points(self.rows.take(indices[places]), self.dtype)
        found = cosines(some, self.targets) >= self._bars()
        share = int(found.sum()) / max(1, found.shape[0] * found.shape[1])
        return share <= DENSEST and share * len(indices) * len(self.weights) <= MAX_PAIRS

    def pairs(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows (as places in `indices`), the targets that each would add to, and their kernel.

        A few targets to which it would not add are among them. Kernels are float64, computed pair
        by pair, and so the same in any tile.
        """
        buffer = tile_buffer(self.rows, self.dtype)
        bars = self._bars()
        found = []
        for first, stop in spans(0, len(indices)):
            raw = self.rows.take(indices[first:stop])
            points, exact = unit_points(raw, self.dtype), directions(raw)
            for left, right in spans(0, len(bars)):
                products = cosines(points, [part[left:right] for part in self.targets], buffer)
                near = (products >= bars[left:right]).reshape(-1)
                near = host(namespace(near).where(near)[0])
                rows = near // (right - left)
                targets = near - rows * (right - left) + left
                kernel = self._kernel_of_pairs(exact, rows, targets)
                found.append((np.int32(rows + first), np.int32(targets), kernel))
        return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))

    def _sums(
        self, indices: np.ndarray, targets: np.ndarray, low: np.ndarray, high: np.ndarray, side: int
    ) -> np.ndarray:
        """(n,) weighted sums over targets of the part of k from `low` to `high`, (t,) each.

        They are upper bounds of the exact sums where `side` is 1, lower bounds where it is −1.
        """
        unit = UNIT[self.dtype]
        buffer = tile_buffer(self.rows, self.dtype)
        offset = -2 * self.scale + side * (self.scale * self.slack + 16 * unit)
        low = low - side * 2 * unit
        limits = low, np.maximum(high - low, 0), self.weights[targets]
        limits = [self._like(values) for values in limits]
        ends = [values[self.rows.like(targets)] for values in self.targets]
        found = []
        for first, stop in spans(0, len(indices)):
            points = unit_points(self.rows.take(indices[first:stop]), self.dtype)
            sums = self.rows.like(np.zeros(stop - first))
            for left, right in spans(0, len(targets)):
                kernel = cosines(points, [values[left:right] for values in ends], buffer)
                part = [values[left:right] for values in limits]
                step = chunk_rows(8 * (right - left))  # what is still in the caches
                for begin in range(0, len(kernel), step):
                    some = slice(begin, begin + step)
                    sums[some] += _weighted(kernel[some], 2 * self.scale, offset, *part)
            found.append(host(sums) * (1 + side * 2 * (TILE + 64) * unit))
        return np.concatenate(found)

    def _bars(self) -> Array:
        """(m,) cosines above which a row can add to the coverage of a target."""
        squared = -np.log(np.maximum(self.covered, LEAST)) / self.scale
        return self._like(1 - (squared + self.slack) / 2)

    def _like(self, values: np.ndarray) -> Array:
        return self.rows.like(values.astype(self.dtype))

    def _kernel(self, indices: np.ndarray) -> Array:
        """(n, m) float64 kernel of rows and targets."""
        points = directions(self.rows.take(indices))
        norms = np.square(points).sum(axis=1)
        squared = self.rows.like(points) @ self.points.T
        squared *= -2
        squared += self.rows.like(norms)[:, None]
        squared += self.rows.like(self.norms)
        squared *= -self.scale
        return namespace(squared).exp(squared)

    def _kernel_of_pairs(
        self, points: np.ndarray, rows: np.ndarray, targets: np.ndarray
    ) -> np.ndarray:
        """(n,) float64 kernel of pairs of points and targets."""
        kernel = np.empty(len(rows))
        norms = np.square(points).sum(axis=1)
        step = chunk_rows(8 * points.shape[1])
        for first in range(0, len(rows), step):
            i, j = rows[first : first + step], targets[first : first + step]
            products = np.einsum("nd,nd->n", points[i], self.exact[j])
            squared = norms[i] + self.norms[j] - 2 * products
            kernel[first : first + step] = np.exp(-self.scale * squared)
        return kernel

    def _parts(self, indices: np.ndarray) -> list[np.ndarray]:
        step = chunk_rows(max(len(self.points) // 4, self.points.shape[1]))
        return [indices[first : first + step] for first in range(0, len(indices), step)]


def _weighted(
    cosines: Array, factor: float, offset: float, low: Array, span: Array, weights: Array
) -> Array:
    """(n,) weighted sums of exp(factor · cosine + offset) − low, cut to 0..span; overwrites."""
    xp = namespace(cosines)
    cosines *= factor
    cosines += offset
    with np.errstate(over="ignore"):
        xp.exp(cosines, out=cosines)
    cosines -= low
    xp.minimum(cosines, span, out=cosines)
    return xp.clip(cosines, 0, None, out=cosines) @ weights
