"""Which center is probably nearest to a row: guesses in few dimensions, from few groups of centers.

What is guessed decides how tight a bound is, hence the time, never a pick.
"""

import numpy as np

from labelbench_core.strategies._arrays import Array, chunk_rows, host, like, namespace

DIMENSIONS = 64  # of the sketch
PROBES = 4  # groups in which a row's center is looked for at first
GROUPED_FROM = 1024  # centers from which looking in a few groups is cheaper than looking at all


class Sketch:
    """Centers in the few directions along which they vary most, in groups about some of them.

    Parameters
    ----------
    centers
        (L, D) float32.
    """

    def __init__(self, centers: Array) -> None:
        self._basis = _principal_directions(centers)
        flat = centers @ self._basis
        self._flat = flat
        count = int(len(centers) ** 0.5) if len(centers) >= GROUPED_FROM else 0
        self._pivots = flat[:: len(flat) // count] if count else None
        if self._pivots is not None:
            group = np.empty(len(flat), np.int64)
            step = chunk_rows(len(self._pivots))
            for first in range(0, len(flat), step):
                scores = _closeness(flat[first : first + step], self._pivots)
                group[first : first + len(scores)] = host(scores.argmax(-1))
            self._members = np.split(
                np.argsort(group, kind="stable"),
                np.cumsum(np.bincount(group, minlength=len(self._pivots)))[:-1],
            )

    def first_guess(self, rows: Array) -> Array:
        """(n,) a center near to each of the (n, D) `rows`: the nearest in a few groups."""
        if self._pivots is None:
            return self.guess(rows)
        flat = rows @ self._basis
        best = np.full(len(flat), -np.inf, np.float32)
        nearest = np.zeros(len(flat), np.int64)
        for group, some in self._probed(flat):
            members = self._members[group]
            scores = _closeness(flat[like(some, flat)], self._flat[like(members, flat)])
            place = scores.argmax(-1)
            closeness = host(namespace(scores).amax(scores, -1))
            closer = closeness > best[some]
            best[some[closer]] = closeness[closer]
            nearest[some[closer]] = members[host(place)[closer]]
        return like(nearest, flat)

    def guess(self, rows: Array) -> Array:
        """(n,) the center nearest to each of the (n, D) `rows` in the sketch."""
        return _closeness(rows @ self._basis, self._flat).argmax(-1)

    def _probed(self, flat: Array) -> list[tuple[int, np.ndarray]]:
        """Groups that have members, each with the rows that look for a center in it."""
        scores = _closeness(flat, self._pivots)
        rows = like(np.arange(len(flat)), flat)
        groups = np.empty((PROBES, len(flat)), np.int64)
        for probe in range(PROBES):
            closest = scores.argmax(-1)
            groups[probe] = host(closest)
            scores[rows, closest] = -np.inf
        order = np.argsort(groups, axis=None, kind="stable")
        stops = np.cumsum(np.bincount(groups.ravel(), minlength=len(self._members)))
        parts = np.split(order % len(flat), stops[:-1])
        return [
            (group, some)
            for group, some in enumerate(parts)
            if len(some) and len(self._members[group])
        ]


def _principal_directions(vectors: Array) -> Array:
    """(D, k) orthonormal directions along which `vectors` vary most, by subspace iteration."""
    xp = namespace(vectors)
    some = vectors[:: max(1, len(vectors) // 4096)]
    width = min(DIMENSIONS, *some.shape)
    basis = some[:width].T
    for _ in range(3):
        basis = xp.linalg.qr(some.T @ (some @ basis))[0]
    return basis


def _closeness(rows: Array, centers: Array) -> Array:
    """(n, m) half the squared norm of a row less half its squared distance to a center."""
    scores = rows @ centers.T
    scores -= 0.5 * (centers * centers).sum(-1)
    return scores
