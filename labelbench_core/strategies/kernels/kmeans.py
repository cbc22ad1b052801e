"""k-means on the rows of a pool, scaled to unit length, without a copy of the pool.

Small pools: Lloyd's algorithm until it converges. Large pools: mini-batches (Sculley 2010), then
one pass that assigns every row. The nearest centre is found by a float32 matrix product; where the
error bound leaves it undecided, in float64. So clusters depend neither on threads nor on chunks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from labelbench_core.strategies.arrays import Array, Rows, chunk_rows, host, like, namespace
from labelbench_core.strategies.kernels.sphere import product_slack, unit_rows

LLOYD_ROWS = 16_384  # pools up to this size are clustered by Lloyd's algorithm
LLOYD_STEPS = 50
BATCH_ROWS, BATCH_STEPS = 4096, 30
SEEDS_FROM = 4  # rows per cluster among which k-means++ looks for the first centres


@dataclass(frozen=True)
class Clusters:
    """Cluster of each row, (n,) int64, and the centres, (K, D) float32."""

    labels: np.ndarray
    centers: np.ndarray


def cluster(
    embeddings: Any, count: int, rng: np.random.Generator, indices: np.ndarray | None = None
) -> Clusters:
    """Cluster rows of a pool into at most `count` clusters.

    Parameters
    ----------
    embeddings
        (N, D), as in `Pool`.
    count
        Number of clusters; with fewer distinct rows, there are fewer.
    indices
        (n,) the rows to cluster; None for all.
    """
    rows = Rows(embeddings)
    chosen = np.arange(len(rows)) if indices is None else indices
    total = len(chosen)

    def take(positions: np.ndarray) -> Array:
        return unit_rows(rows.take(chosen[positions]))

    sample = rng.permutation(total)[: max(SEEDS_FROM * count, 1024)]
    centers = _seeds(host(take(np.sort(sample))), count, rng)
    if total <= LLOYD_ROWS:
        points = take(np.arange(total))
        labels = np.full(total, -1)
        for _ in range(LLOYD_STEPS):
            before, labels = labels, nearest_centers(points, centers)
            if np.array_equal(before, labels):
                break
            centers = _means(host(points), labels, centers)
        return Clusters(labels, centers)
    centers = _mini_batches(take, total, centers, rng)
    labels = np.empty(total, np.int64)
    for first in range(0, total, BATCH_ROWS):
        stop = min(first + BATCH_ROWS, total)
        labels[first:stop] = nearest_centers(take(np.arange(first, stop)), centers)
    return Clusters(labels, centers)


def nearest_to_centers(
    embeddings: Any, candidates: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """(count,) candidates, one from each of `count` clusters: the row nearest to its centre.

    The rows nearest to their centres come first. Where candidates coincide so much that there are
    fewer clusters, the rest is drawn among the other candidates; there must be at least `count`
    candidates.
    """
    clusters = cluster(embeddings, count, rng, candidates)
    rows = Rows(embeddings)
    distances = np.empty(len(candidates))
    step = chunk_rows(rows.shape[1])
    for first in range(0, len(candidates), step):
        part = slice(first, first + step)
        points = host(unit_rows(rows.take(candidates[part]))).astype(np.float64)
        difference = points - clusters.centers[clusters.labels[part]]
        distances[part] = np.square(difference).sum(axis=1)
    # Centres are rounded: of two rows that form a cluster, which are equally near, the first
    # counts.
    order = np.argsort(np.round(distances, 6), kind="stable")
    first_of_cluster = np.sort(np.unique(clusters.labels[order], return_index=True)[1])
    chosen = candidates[order[first_of_cluster]]
    rest = rng.permutation(np.setdiff1d(candidates, chosen))
    return np.concatenate([chosen, rest])[:count]


def nearest_centers(points: Array, centers: np.ndarray) -> np.ndarray:
    """(n,) index of the centre nearest to each point; the lowest of equally near ones.

    Parameters
    ----------
    points
        (n, D) float32, of length at most 1.
    centers
        (K, D) float32, of length at most 1.
    """
    xp = namespace(points)
    labels = np.empty(len(points), np.int64)
    slack = 2 * product_slack(centers.shape[1], "float32")  # of two products
    wide = centers.astype(np.float64)
    columns = like(centers, points)
    half_norms = like((np.square(wide).sum(axis=1) / 2).astype(np.float32), points)
    step = chunk_rows(max(1, len(centers) // 4))
    for first in range(0, len(points), step):
        part = points[first : first + step]
        scores = part @ columns.T
        scores -= half_norms
        bar = xp.amax(scores, -1) - slack
        near = host(xp.where((scores >= bar[:, None]).reshape(-1))[0])
        rows, candidates = near // len(centers), near % len(centers)
        found = np.empty(len(part), np.int64)
        found[rows] = candidates
        doubtful = np.bincount(rows) > 1
        if doubtful.any():
            some = host(part[like(np.flatnonzero(doubtful), points)])
            unsure = doubtful[rows]
            places = (np.cumsum(doubtful) - 1)[rows[unsure]]
            found[doubtful] = _nearest_exactly(some, wide, places, candidates[unsure])
        labels[first : first + len(part)] = found
    return labels


def _nearest_exactly(
    points: np.ndarray, centers: np.ndarray, places: np.ndarray, candidates: np.ndarray
) -> np.ndarray:
    """(n,) nearest centre of each point by float64 differences, given all pairs that can be."""
    distances = np.empty(len(places))
    step = chunk_rows(4 * points.shape[1])
    for first in range(0, len(places), step):
        part = slice(first, first + step)
        difference = points[places[part]] - centers[candidates[part]]
        distances[part] = np.square(difference).sum(axis=1)
    order = np.lexsort((candidates, distances, places))
    return candidates[order[np.unique(places[order], return_index=True)[1]]]


def _seeds(points: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(K, D) first centres by k-means++ among `points`; fewer where points coincide."""
    wide = points.astype(np.float64)
    norms = np.square(wide).sum(axis=1)
    chosen = [int(rng.integers(len(points)))]
    nearest = np.full(len(points), np.inf)
    products = wide @ wide.T
    while True:
        last = chosen[-1]
        distances = norms + norms[last] - 2 * products[last]
        nearest = np.minimum(nearest, np.where(distances > 1e-12, distances, 0))
        if len(chosen) == count or not nearest.any():
            return points[chosen]
        cumulative = np.cumsum(nearest)
        target = rng.random() * cumulative[-1]
        chosen.append(int(cumulative.searchsorted(target, side="right")))


def _means(points: np.ndarray, labels: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """(K, D) mean of each cluster; an empty one keeps its centre."""
    sums, counts = _sums(points, labels, len(centers))
    means = sums / np.maximum(counts, 1)[:, None]
    return np.where(counts[:, None] > 0, means, centers).astype(np.float32)


def _sums(points: np.ndarray, labels: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(K, D) float64 sums and (K,) sizes of clusters, always summed in the same order."""
    sums, counts = np.zeros((count, points.shape[1])), np.bincount(labels, minlength=count)
    order = np.argsort(labels, kind="stable")
    stops = np.cumsum(counts)
    for label in np.flatnonzero(counts):
        members = order[stops[label] - counts[label] : stops[label]]
        sums[label] = points[members].sum(axis=0, dtype=np.float64)
    return sums, counts


def _mini_batches(
    take: Callable[[np.ndarray], Array], total: int, centers: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """(K, D) centres after `BATCH_STEPS` batches: each the mean of all points it was nearest to."""
    seen = np.zeros(len(centers))
    for _ in range(BATCH_STEPS):
        points = take(np.sort(rng.choice(total, BATCH_ROWS, replace=False)))
        sums, counts = _sums(host(points), nearest_centers(points, centers), len(centers))
        seen += counts
        change = (sums - counts[:, None] * centers) / np.maximum(seen, 1)[:, None]
        centers = (centers + change).astype(np.float32)
    return centers
