"""TypiClust as its authors write it: the neighbours of a whole cluster anew for every pick.

The clusters are this project's, so that only the rest is compared.
"""

import numpy as np

from benchmarks.plain._shared import squared_distances, unit
from labelbench_core.strategies import Pool
from labelbench_core.strategies.kernels.kmeans import cluster


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    max_clusters: int = 500,
    neighbors: int = 20,
    min_size: int = 5,
    distance: str = "euclidean",
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order chosen."""
    count = min(len(pool.labeled) + budget, max_clusters, pool.num_rows)
    labels = cluster(pool.embeddings, count, rng).labels
    return from_clusters(pool, labels, budget, neighbors, min_size, distance)


def from_clusters(
    pool: Pool,
    labels: np.ndarray,
    budget: int,
    neighbors: int,
    min_size: int,
    distance: str = "euclidean",
) -> np.ndarray:
    """(budget,) the most typical rows of clusters in turn; of small ones when no other is left."""
    points = unit(pool.embeddings)
    sizes = np.bincount(labels)
    known = np.bincount(labels[pool.labeled], minlength=len(sizes))
    order = np.lexsort((-sizes, known))
    left = labels.copy()
    left[pool.labeled] = -1
    chosen: list[int] = []
    for group in (order[sizes[order] > min_size], order[sizes[order] <= min_size]):
        while len(chosen) < budget and np.isin(left, group).any():
            for label in group:
                members = np.flatnonzero(left == label)
                if len(members) and len(chosen) < budget:
                    best = members[most_typical(points[members], neighbors, distance)]
                    left[best] = -1
                    chosen.append(int(best))
    return np.array(chosen, np.int64)


def most_typical(points: np.ndarray, neighbors: int, distance: str) -> int:
    """The row with the smallest mean distance to its nearest neighbours, itself left out."""
    count = min(neighbors, len(points) // 2)
    distances = squared_distances(points, points) ** (1 if distance == "squared" else 0.5)
    np.fill_diagonal(distances, 0)
    return int(np.sort(distances, axis=1)[:, 1 : count + 1].mean(axis=1).argmin()) if count else 0
