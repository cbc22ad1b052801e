"""The seeding of k-means++ by rejection sampling: its exact distribution in few passes.

A point's weight, the squared distance to its nearest centre, only falls as centres are added (any
weights that only fall will do). So a point is proposed in proportion to an old weight and accepted
with probability (current weight) ÷ (old weight): accepted points then follow the current weights
exactly, whatever was rejected before. Only proposed points are compared with the centres. A
rejected point's weight is updated; when so many proposals are rejected that a pass over all points
is cheaper, all weights are updated.

Everything is computed in float64, where a difference in rounding (threads, chunks) moves a draw
with a probability of about 1e-11.
"""

from typing import Protocol, Self

import numpy as np

SMALLEST_BATCH, LARGEST_BATCH = 32, 512


class Sample(Protocol):
    """Some of the points, in main memory, with what distances between them need."""

    def distances(self, other: Self) -> np.ndarray:
        """(n, m) weights that the points of `other`, as centres, leave to these."""
        ...

    def room(self, count: int) -> Self:
        """Space for `count` points of this kind."""
        ...

    def put(self, position: int, other: Self, index: int) -> None:
        """Store point `index` of `other` at `position`."""
        ...

    def part(self, first: int, stop: int) -> Self:
        """The points first..stop."""
        ...


class Points(Protocol):
    """N points to draw from."""

    def __len__(self) -> int:
        """N."""
        ...

    def take(self, indices: np.ndarray) -> Sample:
        """The points `indices`."""
        ...

    def lower(self, weights: np.ndarray, centers: Sample) -> np.ndarray:
        """(N,) the smaller of `weights` and what the nearest of `centers` leaves."""
        ...


def draw_centers(
    points: Points,
    weights: np.ndarray,
    first: int,
    count: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """(count,) distinct points: `first`, then each drawn by its weight given those before.

    Parameters
    ----------
    points
        The points to draw from.
    weights
        (N,) weights before there is a centre; infinite where distances alone decide, NaN for
        points that must not be drawn. At least `count` points must not be NaN.
    """
    seeding = _Seeding(points, weights, first, count)
    seeding.refresh()
    while seeding.count < count and seeding.weights.any():
        wanted = count - seeding.count
        # Proposing pays off as long as it compares fewer points than a pass over all.
        if wanted > seeding.rate * len(seeding.candidates) and seeding.count > seeding.known:
            seeding.refresh()
        else:
            size = int(np.clip(wanted / seeding.rate, SMALLEST_BATCH, LARGEST_BATCH))
            seeding.propose(size, rng)
    return seeding.filled(rng)


class _Seeding:
    """The centres drawn so far and the weights, some of them old, of all points."""

    def __init__(self, points: Points, weights: np.ndarray, first: int, count: int) -> None:
        self.points, self.candidates = points, np.flatnonzero(~np.isnan(weights))
        self.weights = np.nan_to_num(weights, nan=0, posinf=np.inf)
        self.chosen = np.zeros(count, np.int64)
        one = points.take(np.array([first]))
        self.centers = one.room(count)
        self.count = 0
        self.known = 0  # centres that all weights take into account
        self.rate = 1.0  # of acceptance, in the last batch
        self._add(first, one, 0)

    def refresh(self) -> None:
        """Update all weights: one pass over the points."""
        self.weights = self.points.lower(self.weights, self.centers.part(self.known, self.count))
        self.weights[self.chosen[: self.count]] = 0
        self.known, self.rate = self.count, 1.0

    def propose(self, size: int, rng: np.random.Generator) -> None:
        """Propose `size` points in proportion to the weights; accept or update each."""
        cumulative = np.cumsum(self.weights)
        targets = rng.random(size) * cumulative[-1]
        proposed = np.minimum(cumulative.searchsorted(targets, side="right"), len(cumulative) - 1)
        old = self.weights[proposed]
        thresholds = rng.random(size) * old
        sample = self.points.take(proposed)
        now = old
        if self.count > self.known:
            recent = self.centers.part(self.known, self.count)
            now = np.minimum(old, sample.distances(recent).min(axis=1))
        between = sample.distances(sample)
        accepted = 0
        for position, index in enumerate(proposed):
            if thresholds[position] < now[position]:
                now = np.minimum(now, between[position])
                self._add(int(index), sample, position)
                accepted += 1
                if self.count == len(self.chosen):
                    break
        self.weights[proposed] = np.minimum(old, now)
        self.weights[self.chosen[: self.count]] = 0
        self.rate = (accepted + 0.5) / size

    def filled(self, rng: np.random.Generator) -> np.ndarray:
        """The choice; if no weight is left, the rest is drawn uniformly."""
        missing = len(self.chosen) - self.count
        if missing:
            rest = np.setdiff1d(self.candidates, self.chosen[: self.count])
            self.chosen[self.count :] = rng.choice(rest, size=missing, replace=False)
        return self.chosen

    def _add(self, index: int, sample: Sample, position: int) -> None:
        self.chosen[self.count] = index
        self.centers.put(self.count, sample, position)
        self.count += 1
