"""Which centre is probably nearest to a row: guesses in few dimensions, from few groups of centres.

The guesses affect how tight a bound is, hence the time, but never a pick.
"""

import numpy as np

from labelbench_core.strategies.arrays import Array, chunk_rows, host, like, namespace

DIMENSIONS = 64  # of the sketch
PROBES = 4  # groups in which a row's centre is looked for at first
GROUPED_FROM = 1024  # centres from which looking in a few groups is cheaper than looking at all


class Sketch:
    """Centres in the few directions along which they vary most, in groups about some of them.

    Parameters
    ----------
    centers
        (L, D) float32.
    """

    def __init__(self, centers: Array) -> None:
        self._basis = _principal_directions(centers)
        points = centers @ self._basis
        self._all = _Points(points, np.arange(len(points)))
        self._pivots: _Points | None = None
        if len(points) >= GROUPED_FROM:
            self._pivots = _Points(points, np.arange(0, len(points), int(len(points) ** 0.5)))
            group = host(self._pivots.nearest(points))
            self._groups = [
                _Points(points, np.flatnonzero(group == pivot))
                for pivot in range(len(self._pivots))
            ]

    def first_guess(self, rows: Array) -> Array:
        """(n,) a centre near to each of the (n, D) `rows`: the nearest in a few groups."""
        if self._pivots is None:
            return self.guess(rows)
        points = rows @ self._basis
        groups = self._nearest_groups(points)
        order = np.argsort(groups, axis=None, kind="stable")  # group by group
        sorted_points = points[like(order % len(points), points)]
        found = np.full(len(order), -np.inf, np.float32)
        nearest = np.zeros(len(order), np.int64)
        stops = np.cumsum(np.bincount(groups.ravel(), minlength=len(self._groups)))
        for group, first, stop in zip(self._groups, [0, *stops], stops, strict=False):
            if stop > first and len(group):  # of equal pivots, only one has a group
                scores = group.closeness(sorted_points[first:stop])
                best = scores.argmax(-1)
                found[first:stop] = host(scores[like(np.arange(stop - first), scores), best])
                nearest[first:stop] = group.members[host(best)]
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        place = place.reshape(groups.shape)
        best = found[place].argmax(axis=0)
        return like(nearest[place[best, np.arange(len(points))]], points)

    def guess(self, rows: Array) -> Array:
        """(n,) the centre nearest to each of the (n, D) `rows` in the sketch."""
        return self._all.nearest(rows @ self._basis)

    def _nearest_groups(self, points: Array) -> np.ndarray:
        """(PROBES, n) groups whose pivots are nearest to the points, nearest first."""
        scores = self._pivots.closeness(points)
        rows = like(np.arange(len(points)), points)
        groups = np.empty((min(PROBES, len(self._pivots)), len(points)), np.int64)
        for probe in range(len(groups)):
            closest = scores.argmax(-1)
            groups[probe] = host(closest)
            scores[rows, closest] = -np.inf
        return groups


class _Points:
    """Some of (m, k) points, to find which of them is nearest to others."""

    def __init__(self, points: Array, members: np.ndarray) -> None:
        self.members = members
        self._points = points[like(members, points)]
        self._half_norms = 0.5 * (self._points * self._points).sum(-1)

    def __len__(self) -> int:
        return len(self.members)

    def closeness(self, others: Array) -> Array:
        """(n, m) half the squared norm of another point minus half its squared distance."""
        scores = others @ self._points.T
        scores -= self._half_norms
        return scores

    def nearest(self, others: Array) -> Array:
        """(n,) position of the point nearest to each of the others."""
        step = chunk_rows(len(self))
        starts = range(0, max(1, len(others)), step)
        parts = [self.closeness(others[start : start + step]).argmax(-1) for start in starts]
        return namespace(others).concatenate(parts)


def _principal_directions(vectors: Array) -> Array:
    """(D, k) orthonormal directions along which `vectors` vary most, by subspace iteration."""
    xp = namespace(vectors)
    some = vectors[:: max(1, len(vectors) // 4096)]
    width = min(DIMENSIONS, *some.shape)
    basis = some[:width].T
    for _ in range(3):
        basis = xp.linalg.qr(some.T @ (some @ basis))[0]
    return basis
