"""TypiClust (Hacohen, Dekel & Weinshall 2022): the most typical row of each uncovered cluster.

The pool, scaled to unit length, is clustered by k-means into min(L + b, `max_clusters`) clusters.
Clusters with few labels come first, and of those the large ones; they are visited in turn, and from
each the most typical unlabelled row is selected: the one with the smallest mean distance to its
nearest neighbours, `neighbors` of them but at most half of what is left of the cluster. Clusters of
`min_size` rows or fewer are visited only when all others are used up (the authors' code leaves them
out and then fails). If rows coincide so much that there are fewer clusters than requested, those
are visited more often. Equally typical rows go to the lowest index.

A million rows in few clusters have more pairs within them than anyone waits for. Where these are
more than `PAIRS`, what is left of large clusters is represented by random rows of it, equally many
from each, which are the candidates and the neighbours.
"""

import math
from itertools import count
from typing import Annotated, Literal

import numpy as np

from labelbench_core.registry.options import Count, Interval
from labelbench_core.strategies.arrays import Array, Rows, cast, chunk_rows, host, like
from labelbench_core.strategies.kernels.kmeans import cluster
from labelbench_core.strategies.kernels.sphere import unit_rows
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "TypiClust",
    "paper": "Hacohen et al. 2022",
    "rule": "most typical row of the largest clusters with the fewest labels",
    "cost": "k-means; the sum over clusters of n_c^2 D, at most 1e9 D",
    "needs": ["embeddings"],
    "multilabel": True,
    "kind": "strategy",
    "deterministic": False,
}
AT_ONCE = 64  # rows taken from a cluster before distances are computed again
PAIRS = 1_000_000_000  # of rows within clusters, whose distances are computed


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    max_clusters: Count = 500,
    neighbors: Count = 20,
    min_size: Annotated[int, Interval(ge=0)] = 5,
    distance: Literal["euclidean", "squared"] = "euclidean",
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order chosen.

    Parameters
    ----------
    max_clusters
        Largest number of clusters. Default: the authors' code's.
    neighbors
        Number of nearest neighbours that define how typical a row is, at most half of what is left
        of its cluster. Default: the authors' code's.
    min_size
        Clusters of up to this size are visited only when all larger ones are used up.
        Default: the authors' code's.
    distance
        What is averaged over the neighbours: "euclidean" distances, or "squared" ones, as in the
        authors' code, which give far neighbours more weight. Default: the paper's.
    """
    if budget == 0:
        return np.zeros(0, np.int64)
    clusters = min(len(pool.labeled) + budget, max_clusters, pool.num_rows)
    labels = cluster(pool.embeddings, clusters, rng).labels
    rows = Rows(pool.embeddings)
    members = _members(labels, pool.unlabeled())
    visits = _visits(labels, pool.labeled, [len(group) for group in members], min_size, budget)
    visited, all_times = np.unique(visits, return_counts=True)
    most = _most_of_each(np.array([len(members[label]) for label in visited]), PAIRS)
    typical = {}
    for label, times in zip(visited, all_times.tolist(), strict=True):
        some, enough = members[label], max(most, times + 2 * neighbors)
        if len(some) > enough:
            some = np.sort(rng.choice(some, enough, replace=False))
        found = most_typical(unit_rows(rows.take(some)), neighbors, times, distance)
        typical[label] = iter(some[found])
    return np.array([next(typical[label]) for label in visits], np.int64)


def _members(labels: np.ndarray, unlabeled: np.ndarray) -> list[np.ndarray]:
    """Increasing indices of the unlabelled rows of each cluster."""
    order = unlabeled[np.argsort(labels[unlabeled], kind="stable")]
    sizes = np.bincount(labels[unlabeled], minlength=labels.max() + 1)
    return np.split(order, np.cumsum(sizes)[:-1])


def _visits(
    labels: np.ndarray, labeled: np.ndarray, left: list[int], min_size: int, budget: int
) -> list[int]:
    """The clusters in the order of `budget` visits: the small ones last."""
    sizes = np.bincount(labels)
    known = np.bincount(labels[labeled], minlength=len(sizes))
    order = np.lexsort((np.arange(len(sizes)), -sizes, known)).tolist()
    visits: list[int] = []
    for small in (False, True):
        waiting = [label for label in order if (sizes[label] <= min_size) == small and left[label]]
        for done in count(1):
            if not waiting or len(visits) >= budget:
                break
            visits += waiting
            waiting = [label for label in waiting if left[label] > done]
    return visits[:budget]


def _most_of_each(sizes: np.ndarray, pairs: int) -> int:
    """How many rows of each group can be taken, so that they have at most so many pairs."""
    sizes = np.sort(sizes)
    before = np.cumsum(sizes**2) - sizes**2  # of the smaller groups, which are taken whole
    for place, size in enumerate(sizes.tolist()):
        most = math.isqrt(max(0, pairs - int(before[place])) // (len(sizes) - place))
        if most < size:
            return most
    return int(sizes[-1])


def most_typical(
    points: Array, neighbors: int, times: int, distance: str = "euclidean"
) -> np.ndarray:
    """Positions of `times` rows: of those left, each has the smallest mean distance to its nearest.

    Parameters
    ----------
    points
        (n, D) of unit length.
    neighbors
        How many nearest rows count, but at most half of what is left.
    """
    left = np.arange(len(points))
    chosen: list[np.ndarray] = []
    while times:
        some = min(times, AT_ONCE)
        found = _typical_at_once(points[like(left, points)], neighbors, some, distance)
        chosen.append(left[found])
        left = np.delete(left, found)
        times -= some
    return np.concatenate(chosen)


def _typical_at_once(points: Array, neighbors: int, times: int, distance: str) -> np.ndarray:
    """`most_typical`; holds the `neighbors + times` nearest rows of each."""
    squared, places = _nearest(points, min(neighbors + times, len(points)))
    distances = squared if distance == "squared" else np.sqrt(squared)
    left = np.ones(len(points), bool)
    chosen = []
    for done in range(times):
        count = min(neighbors, (len(points) - done) // 2)
        inside = left[places]
        inside &= np.cumsum(inside, axis=1) <= count + 1  # with itself, at distance 0
        spread = np.where(inside, distances, 0).sum(axis=1) / max(count, 1)
        chosen.append(int(np.argmin(np.where(left, np.round(spread, 10), np.inf))))
        left[chosen[-1]] = False
    return np.array(chosen)


def _nearest(points: Array, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, count) increasing squared distances to the nearest rows, with itself, and which."""
    wide = cast(points, "float64")
    norms = (wide * wide).sum(-1)
    found = []
    step = chunk_rows(len(points))
    for first in range(0, len(points), step):
        part = slice(first, first + step)
        squared = host(norms[part][:, None] + norms - 2 * (wide[part] @ wide.T))
        # Values within rounding on the unit sphere count as 0, so that equal rows are equally
        # typical.
        squared = np.where(squared > 1e-12, squared, 0)
        places = np.argpartition(squared, count - 1, axis=1)[:, :count]
        nearest = np.take_along_axis(squared, places, 1)
        order = np.argsort(nearest, axis=1)
        found.append([np.take_along_axis(values, order, 1) for values in (nearest, places)])
    squared, places = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return squared, places
