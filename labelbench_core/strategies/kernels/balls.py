"""Which rows lie within a radius of which others on the unit sphere, each pair found once.

Rows are numbered by their place in a given order, the m targets first. A pair is a row and a target
at a smaller place, so that only half of the products of targets with one another are computed. They
are float32 matrix products with a proven error bound; pairs within the bound are decided by float64
differences. So balls depend neither on threads nor on the size of the tiles.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from labelbench_core.strategies.arrays import Array, Rows, chunk_rows, host, namespace
from labelbench_core.strategies.kernels.sphere import (
    UnitPoints,
    cosines,
    directions,
    product_slack,
    spans,
    tile_buffer,
    unit_points,
)

MANY = 64  # one pair in doubt of so many is too many for float32
EVERYTHING = 3.0  # a radius that reaches all rows
WAITING = 4_000_000  # pairs that may wait to be measured
SAMPLE = 1024  # targets that tell about how large the purest radius is


class Pairs(NamedTuple):
    """Pairs of a row and a target: their places, (n,) int32, the target's the smaller one.

    `squared` has their squared distances, (n,), and `slack` is an error bound of these.
    """

    rows: np.ndarray
    targets: np.ndarray
    squared: np.ndarray
    slack: float

    def only(self, kept: np.ndarray) -> "Pairs":
        """The pairs that a mask or indices select."""
        return Pairs(self.rows[kept], self.targets[kept], self.squared[kept], self.slack)


class Balls:
    """Which of the first `count` targets each row covers, and which rows cover each of them.

    Parameters
    ----------
    rows, targets
        (n,) places of the pairs; a target is at a smaller place than its row.
    total
        N.

    Attributes
    ----------
    sizes
        (N,) how many targets a row covers, itself included.
    """

    def __init__(self, rows: np.ndarray, targets: np.ndarray, count: int, total: int) -> None:
        from scipy.sparse import coo_array

        self.count = count
        pairs = coo_array((np.ones(len(rows), bool), (rows, targets)), shape=(total, total))
        pairs.has_canonical_format = True  # no pair is there twice
        self._parts = pairs.tocsr(), pairs.tocsc()
        self.sizes = np.bincount(rows, minlength=total) + (np.arange(total) < count)
        self.sizes += np.bincount(targets[rows < count], minlength=total)

    def around(self, place: int) -> np.ndarray:
        """Places of all rows near a target, or of all targets near another row; and of itself."""
        found = [part.indices[slice(*part.indptr[place : place + 2])] for part in self._parts]
        return np.concatenate([*found, [place]])


class NearPairs:
    """The pairs within a radius, found a tile of products at a time.

    Parameters
    ----------
    embeddings
        (N, D), as in `Pool`.
    order
        (N,) the rows in the order of their places.
    count
        m, how many of them are targets, the first ones.
    """

    def __init__(self, embeddings: Any, order: np.ndarray, count: int) -> None:
        self.rows, self.order, self.count = Rows(embeddings), order, count
        self.targets = unit_points(self.rows.take(order[:count]), "float32")

    def balls(self, radius: float, max_pairs: int, near: Iterable[Pairs] | None = None) -> Balls:
        """Targets nearer than `radius` to each row.

        Only the first half, quarter, … of the targets count if all would make more than `max_pairs`
        pairs of a row and a target in its ball.

        Parameters
        ----------
        near
            All pairs up to `radius` apart, if they are known.
        """
        count = total = self.count
        rows: list[np.ndarray] = []
        targets: list[np.ndarray] = []
        for pairs in self._near(radius) if near is None else near:
            inside = self._inside(pairs, radius) & (pairs.targets < count)
            rows.append(pairs.rows[inside])
            targets.append(pairs.targets[inside])
            total += _covering(rows[-1], count)
            while count > 1 and total > max_pairs:
                count //= 2
                for i, part in enumerate(targets):
                    rows[i], targets[i] = rows[i][part < count], part[part < count]
                total = count + sum(_covering(part, count) for part in rows)
        return Balls(np.concatenate(rows), np.concatenate(targets), count, len(self.rows))

    def purest_balls(self, clusters: np.ndarray, purity: float, max_pairs: int) -> Balls:
        """As `balls`, of the largest radius that has the `purity`.

        Products are computed once: a sample gives a radius that is hardly larger, and the pairs
        within it are kept until the radius is known. If there are more than `max_pairs`, they are
        not kept but found again.
        """
        clusters, sample = clusters[self.order], min(SAMPLE, self.count)
        while True:
            bound = self._bound_of_radius(clusters, purity, sample)
            others = _NearestOthers(self.count, self.distances)
            kept: list[Pairs] = []
            total = 0
            for pairs in self._near(bound):
                others.add(pairs.only(clusters[pairs.rows] != clusters[pairs.targets]))
                kept.append(pairs)
                total += 2 * len(pairs.rows)
                if total > max_pairs:
                    kept.clear()
            radius = purest_radius(others.distances(), purity)
            if radius <= bound or bound >= EVERYTHING:
                return self.balls(radius, max_pairs, kept if total <= max_pairs else None)
            sample = min(4 * sample, self.count)  # unlikely: the bound was too small

    def distances(self, rows: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """(n,) float64 distances of pairs, by differences of rows; equal rows are at 0."""
        distances = np.empty(len(rows))
        step = chunk_rows(self.rows.shape[1])
        for first in range(0, len(rows), step):
            part = slice(first, first + step)
            ends = [directions(self.rows.take(self.order[end[part]])) for end in (rows, targets)]
            distances[part] = np.sqrt(np.square(ends[0] - ends[1]).sum(axis=1))
        return distances

    def _inside(self, pairs: Pairs, radius: float) -> np.ndarray:
        """(n,) which pairs are nearer than `radius`."""
        square = min(radius, EVERYTHING) ** 2
        inside = pairs.squared < square
        unsure = np.flatnonzero(abs(pairs.squared - square) <= pairs.slack)
        inside[unsure] = self.distances(pairs.rows[unsure], pairs.targets[unsure]) < radius
        return inside

    def _near(self, radius: float) -> Iterator[Pairs]:
        """All pairs up to `radius` apart, and a few more, tile by tile."""
        square = min(radius, EVERYTHING) ** 2
        buffer = tile_buffer(self.rows, "float32")
        for first, stop in self._row_spans():
            points = self._points(first, stop)
            for left, right in spans(0, min(stop, self.count)):
                pairs = _pairs_within(square, points, self._points(left, right), buffer)
                unsure = np.count_nonzero(pairs.squared >= square - pairs.slack)
                if unsure > (stop - first) * (right - left) / MANY:
                    wide = [self._points(*s, "float64") for s in ((first, stop), (left, right))]
                    pairs = _pairs_within(square, *wide)
                pairs.rows[:] += first
                pairs.targets[:] += left
                yield pairs.only(pairs.targets < pairs.rows) if right > first else pairs

    def _row_spans(self) -> list[tuple[int, int]]:
        return [*spans(0, self.count), *spans(self.count, len(self.rows))]

    def _points(self, first: int, stop: int, dtype: str = "float32") -> UnitPoints:
        """The rows at consecutive places, of length 1."""
        if stop <= self.count and dtype == "float32":
            return self.targets[0][first:stop], self.targets[1][first:stop]
        return unit_points(self.rows.take(self.order[first:stop]), dtype)

    def _bound_of_radius(self, clusters: np.ndarray, purity: float, sample: int) -> float:
        """A radius that is rarely smaller than the purest, never if the `sample` is all targets."""
        targets = self._points(0, sample)
        theirs = self.rows.like(clusters[:sample])
        nearest = np.full(sample, np.inf)
        for first, stop in self._row_spans():
            found = cosines(self._points(first, stop), targets)
            found[self.rows.like(clusters[first:stop])[:, None] == theirs] = -np.inf
            squared = 2 - 2 * host(namespace(found).amax(found, 0)).astype(np.float64)
            nearest = np.minimum(nearest, squared)
        nearest += product_slack(self.rows.shape[1], "float32")
        spread = 4 * np.sqrt(purity * (1 - purity) / sample) if sample < self.count else 0.0
        return float(np.sqrt(purest_radius(nearest, max(0.0, purity - spread))))


class _NearestOthers:
    """The distance of each target to the nearest row of another cluster, from pairs of the two.

    Parameters
    ----------
    count
        m.
    measure
        Gives exact distances of rows and targets.
    """

    def __init__(self, count: int, measure: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
        self.measure = measure
        self.nearest = np.full(count, np.inf)
        self.bars = np.full(count, np.inf)  # squared distances that the nearest row is within
        self.waiting: list[Pairs] = []
        self.count = 0

    def add(self, pairs: Pairs) -> None:
        """Add pairs; if both are targets, each is a row for the other."""
        turned = pairs.only(pairs.rows < len(self.bars))
        turned = Pairs(turned.targets, turned.rows, *turned[2:])
        for some in (pairs, turned):
            np.minimum.at(self.bars, some.targets, some.squared.astype(np.float64) + some.slack)
            self.waiting.append(self._promising(some))
            self.count += len(self.waiting[-1].rows)
        if self.count > WAITING:
            self.distances()

    def distances(self) -> np.ndarray:
        """(m,) exact distances; inf where there was no pair."""
        for pairs in map(self._promising, self.waiting):
            found = self.measure(pairs.rows, pairs.targets)
            np.minimum.at(self.nearest, pairs.targets, found)
        self.waiting, self.count = [], 0
        return self.nearest

    def _promising(self, pairs: Pairs) -> Pairs:
        return pairs.only(pairs.squared - pairs.slack <= self.bars[pairs.targets])


def purest_radius(distances: np.ndarray, purity: float) -> float:
    """The largest radius at which a share `purity` of the balls has no row of another cluster."""
    allowed = int(np.floor((1 - purity) * len(distances) + 1e-9))
    return float(np.sort(distances)[min(allowed, len(distances) - 1)])


def _covering(rows: np.ndarray, count: int) -> int:
    """The number of balls that pairs are in: two for a pair of targets, else one."""
    return len(rows) + int(np.count_nonzero(rows < count))


def _pairs_within(
    square: float, rows: UnitPoints, targets: UnitPoints, buffer: Array | None = None
) -> Pairs:
    """Pairs whose squared distance is up to `square`, and a few more; places begin at 0."""
    found = cosines(rows, targets, buffer).reshape(-1)
    dtype = str(found.dtype).removeprefix("torch.")
    slack = product_slack(targets[0].shape[1], dtype)
    near = namespace(found).where(found >= 1 - (square + slack) / 2)[0]
    squared = 2 - 2 * host(found[near])
    near = host(near)
    rows = near // len(targets[0])
    columns = near - rows * len(targets[0])
    return Pairs(rows.astype(np.int32), columns.astype(np.int32), squared, slack)
