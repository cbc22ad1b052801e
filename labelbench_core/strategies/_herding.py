"""Greedy maximisation of a weighted kernel coverage, evaluating few of its gains, and yet exactly.

The coverage of a set S is the weighted mean over targets y of max over s in S of k(s, y), with
k(s, y) = exp(−‖s − y‖² / h²) on rows of unit length. A row's gain only falls as S grows, so a gain
found earlier is an upper bound: as long as the largest bound is not up to date, rows are brought up
to date, a few at a time (the lazy greedy of Minoux 1978), by float64 matrix products. Gains that
differ by rounding alone go to the lowest index, whatever the number of threads and the chunks.
"""

from typing import Any

import numpy as np

from labelbench_core.strategies._arrays import Array, Rows, chunk_rows, host, namespace
from labelbench_core.strategies._sphere import directions

ROUNDING = 1e-13  # of a gain, which is at most 1, where h = 1; grows with 1 / h²
FEWEST, MOST = 8, 128  # rows brought up to date at once, doubling while one pick takes longer


def greedy_coverage(
    embeddings: Any,
    labeled: np.ndarray,
    unlabeled: np.ndarray,
    budget: int,
    targets: np.ndarray,
    weights: np.ndarray,
    bandwidth: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """(budget,) the rows of `unlabeled` that add most to the coverage, one after another.

    Where no row adds more than rounding, the rest is drawn at random.

    Parameters
    ----------
    labeled
        (L,) rows that are in S from the start.
    unlabeled
        Increasing indices of the rows to choose from.
    targets, weights
        (m,) rows whose coverage counts, and how much, at least 0 each.
    bandwidth
        h.
    """
    coverage = _Coverage(embeddings, targets, weights, bandwidth)
    if budget == 0 or len(coverage.weights) == 0:
        return rng.permutation(unlabeled)[:budget]
    coverage.add(labeled)
    bounds = coverage.gains(unlabeled)
    current = np.ones(len(unlabeled), bool)
    noise = ROUNDING * max(1.0, bandwidth**-2)
    chosen: list[int] = []
    while len(chosen) < budget:
        bar, count = _bar(bounds, current, noise), FEWEST
        while len(stale := np.flatnonzero(~current & (bounds >= bar))):
            if len(stale) > count:
                stale = np.sort(stale[np.argpartition(-bounds[stale], count)[:count]])
            bounds[stale] = np.minimum(bounds[stale], coverage.gains(unlabeled[stale]))
            current[stale] = True
            bar, count = _bar(bounds, current, noise), min(2 * count, MOST)
        if bounds.max() <= noise:
            break
        best = int(np.flatnonzero(current & (bounds >= bar))[0])
        chosen.append(int(unlabeled[best]))
        coverage.add(unlabeled[[best]])
        current[:] = False
        bounds[best] = -np.inf
    rest = rng.permutation(np.setdiff1d(unlabeled, chosen))[: budget - len(chosen)]
    return np.concatenate([np.array(chosen, np.int64), rest])


def _bar(bounds: np.ndarray, current: np.ndarray, noise: float) -> float:
    """What a gain must reach to be the largest, or as large but for rounding."""
    best = float(bounds.max(where=current, initial=-np.inf))
    return max(best - noise, noise) if best > -np.inf else noise


class _Coverage:
    """How well each target is covered so far, and what a row would add."""

    def __init__(
        self, embeddings: Any, targets: np.ndarray, weights: np.ndarray, bandwidth: float
    ) -> None:
        counted = weights > 0
        self.rows = Rows(embeddings)
        self.scale = -(bandwidth**-2)
        share = weights[counted] / max(weights.sum(), np.finfo(float).tiny)
        self.weights = self.rows.like(share)
        points = directions(self.rows.take(targets[counted]))
        self.norms = self.rows.like(np.square(points).sum(axis=1))
        self.points = self.rows.like(points)
        self.covered = self.rows.like(np.zeros(len(points)))

    def add(self, indices: np.ndarray) -> None:
        """Put rows into S."""
        xp = namespace(self.points)
        for part in self._parts(indices):
            self.covered = xp.maximum(self.covered, xp.amax(self._kernel(part), 0))

    def gains(self, indices: np.ndarray) -> np.ndarray:
        """(n,) what each row alone would add to the coverage."""
        gains = np.empty(len(indices))
        done = 0
        for part in self._parts(indices):
            added = self._kernel(part)
            added -= self.covered
            gains[done : done + len(part)] = host(added.clip(0) @ self.weights)
            done += len(part)
        return gains

    def _parts(self, indices: np.ndarray) -> list[np.ndarray]:
        step = chunk_rows(max(len(self.points), self.points.shape[1]))
        return [indices[first : first + step] for first in range(0, len(indices), step)]

    def _kernel(self, indices: np.ndarray) -> Array:
        """(n, m) float64 kernel of rows and targets."""
        xp = namespace(self.points)
        points = directions(self.rows.take(indices))
        norms = self.rows.like(np.square(points).sum(axis=1))
        squared = self.rows.like(points) @ self.points.T
        squared *= -2
        squared += norms[:, None]
        squared += self.norms
        squared *= self.scale
        return xp.exp(squared)
