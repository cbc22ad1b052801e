"""The seeding of k-means++ by rejection: exactly its law, with few passes over the points.

A point's weight, the squared distance to its nearest center, only falls as centers are added. So a
point is proposed in proportion to an old weight and accepted with probability (weight now) ÷ (old
weight): what is accepted then follows the weights of now exactly, whatever was rejected before.
Only proposed points are compared with the centers. A rejected point's weight is brought up to date;
when so many proposals are rejected that a pass over all points is cheaper, all weights are.

Everything is computed in float64, where a difference in rounding (threads, chunks) moves a draw
with a probability of about 1e-11.
"""

from typing import Protocol

import numpy as np

from labelbench_core.strategies._gradients import Factors

SMALLEST_BATCH, LARGEST_BATCH = 32, 512


class Points(Protocol):
    """What is drawn from: N points with squared distances; see `Gradients`."""

    def __len__(self) -> int: ...

    def take(self, indices: np.ndarray) -> Factors: ...

    def lower(self, weights: np.ndarray, centers: Factors) -> np.ndarray: ...


def draw_centers(
    points: Points, candidates: np.ndarray, first: int, count: int, rng: np.random.Generator
) -> np.ndarray:
    """(count,) distinct candidates: `first`, then each drawn by its squared distance to those
    before.

    Parameters
    ----------
    points
        What is drawn from.
    candidates
        (n,) increasing indices of the points that may be drawn; at least `count`.
    """
    seeding = _Seeding(points, candidates, first, count)
    seeding.refresh()
    while seeding.count < count and seeding.weights.any():
        wanted = count - seeding.count
        # Proposing is worth while as long as it compares fewer points than a pass over all.
        if wanted > seeding.rate * len(candidates) and seeding.count > seeding.known:
            seeding.refresh()
        else:
            size = int(np.clip(wanted / seeding.rate, SMALLEST_BATCH, LARGEST_BATCH))
            seeding.propose(size, rng)
    return seeding.filled(rng)


class _Seeding:
    """The centers drawn so far and the weights, some of them old, of all points."""

    def __init__(self, points: Points, candidates: np.ndarray, first: int, count: int) -> None:
        self.points, self.candidates = points, candidates
        self.weights = np.zeros(len(points))
        self.weights[candidates] = np.inf
        self.chosen = np.zeros(count, np.int64)
        one = points.take(np.array([first]))
        self.centers = Factors(
            np.zeros((count, one.residuals.shape[1])),
            np.zeros((count, one.embeddings.shape[1])),
            np.zeros(count),
        )
        self.count = 0
        self.known = 0  # centers that all weights take into account
        self.rate = 1.0  # of acceptance, in the last batch
        self._add(first, one, 0)

    def refresh(self) -> None:
        """Bring all weights up to date: one pass over the points."""
        self.weights = self.points.lower(self.weights, self.centers.part(self.known, self.count))
        self.weights[self.chosen[: self.count]] = 0
        self.known, self.rate = self.count, 1.0

    def propose(self, size: int, rng: np.random.Generator) -> None:
        """Propose `size` points in proportion to the weights; accept or bring up to date each."""
        cumulative = np.cumsum(self.weights)
        targets = rng.random(size) * cumulative[-1]
        proposed = np.minimum(cumulative.searchsorted(targets, side="right"), len(cumulative) - 1)
        old = self.weights[proposed]
        thresholds = rng.random(size) * old
        factors = self.points.take(proposed)
        now = old
        if self.count > self.known:
            recent = self.centers.part(self.known, self.count)
            now = np.minimum(old, factors.squared_distances(recent).min(axis=1))
        between = factors.squared_distances(factors)
        accepted = 0
        for position, index in enumerate(proposed):
            if thresholds[position] < now[position]:
                now = np.minimum(now, between[position])
                self._add(int(index), factors, position)
                accepted += 1
                if self.count == len(self.chosen):
                    break
        self.weights[proposed] = np.minimum(old, now)
        self.weights[self.chosen[: self.count]] = 0
        self.rate = (accepted + 0.5) / size

    def filled(self, rng: np.random.Generator) -> np.ndarray:
        """The choice; what no weight was left for is drawn uniformly."""
        missing = len(self.chosen) - self.count
        if missing:
            rest = np.setdiff1d(self.candidates, self.chosen[: self.count])
            self.chosen[self.count :] = rng.choice(rest, size=missing, replace=False)
        return self.chosen

    def _add(self, index: int, factors: Factors, position: int) -> None:
        self.chosen[self.count] = index
        self.centers.residuals[self.count] = factors.residuals[position]
        self.centers.embeddings[self.count] = factors.embeddings[position]
        self.centers.norms[self.count] = factors.norms[position]
        self.count += 1
