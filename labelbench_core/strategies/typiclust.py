"""TypiClust (Hacohen, Dekel & Weinshall 2022): the most typical row of each uncovered cluster.

The pool, scaled to unit length, is clustered by k-means into min(L + b, `max_clusters`) clusters.
Clusters with few labels come first, among those the large ones; they are visited in turn, and
from each the most typical unlabelled row is taken: the one with the smallest mean distance to its
nearest neighbours, `neighbors` of them but at most half of what is left of the cluster. Clusters
of `min_size` rows or fewer are visited only when all others are used up (the authors' code leaves
them out and fails then). Equally typical rows go to the lowest index.
"""

import numpy as np

from labelbench_core.errors import InputError
from labelbench_core.strategies._arrays import Array, Rows, cast, chunk_rows, host
from labelbench_core.strategies._kmeans import cluster, unit_rows
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "TypiClust",
    "paper": "Hacohen et al. 2022",
    "rule": "most typical row of the largest clusters with the fewest labels",
    "cost": "k-means; the sum over clusters of n_c^2 D",
    "needs": ["embeddings"],
    "multilabel": True,
    "kind": "strategy",
    "deterministic": False,
}


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    max_clusters: int = 500,
    neighbors: int = 20,
    min_size: int = 5,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order chosen."""
    for name, value in (("max_clusters", max_clusters), ("neighbors", neighbors)):
        if value < 1:
            raise InputError(f"typiclust: {name} = {value!r}; expected a whole number, at least 1")
    if budget == 0:
        return np.zeros(0, np.int64)
    count = min(len(pool.labeled) + budget, max_clusters, pool.num_rows)
    labels = cluster(pool.embeddings, count, rng).labels
    rows = Rows(pool.embeddings)
    left = {label: members for label, members in enumerate(_members(labels, pool.unlabeled()))}
    order = _visits(labels, pool.labeled, min_size)
    chosen: list[int] = []
    for group in order:
        waiting = [label for label in group if len(left[label])]
        while waiting and len(chosen) < budget:
            for label in waiting[: budget - len(chosen)]:
                members = left[label]
                best = _most_typical(unit_rows(rows.take(members)), neighbors)
                chosen.append(int(members[best]))
                left[label] = np.delete(members, best)
            waiting = [label for label in waiting if len(left[label])]
    return np.array(chosen, dtype=np.int64)


def _members(labels: np.ndarray, unlabeled: np.ndarray) -> list[np.ndarray]:
    """Increasing indices of the unlabelled rows of each cluster."""
    order = unlabeled[np.argsort(labels[unlabeled], kind="stable")]
    sizes = np.bincount(labels[unlabeled], minlength=labels.max() + 1)
    return np.split(order, np.cumsum(sizes)[:-1])


def _visits(labels: np.ndarray, labeled: np.ndarray, min_size: int) -> list[list[int]]:
    """Clusters in the order of visits: those that count, then the small ones."""
    sizes = np.bincount(labels)
    known = np.bincount(labels[labeled], minlength=len(sizes))
    order = np.lexsort((np.arange(len(sizes)), -sizes, known)).tolist()
    large = [label for label in order if sizes[label] > min_size]
    return [large, [label for label in order if sizes[label] <= min_size]]


def _most_typical(points: Array, neighbors: int) -> int:
    """Position of the row with the smallest mean distance to its nearest neighbours."""
    count = min(neighbors, len(points) // 2)
    if count == 0:
        return 0
    wide = cast(points, "float64")
    norms = (wide * wide).sum(-1)
    spread = np.empty(len(points))
    step = chunk_rows(len(points))
    for first in range(0, len(points), step):
        part = slice(first, first + step)
        squared = host(norms[part][:, None] + norms - 2 * (wide[part] @ wide.T))
        # What is rounding on the unit sphere counts as 0, so that equal rows are equally typical.
        squared = np.where(squared > 1e-12, squared, 0)
        nearest = np.sqrt(np.partition(squared, count, axis=1)[:, : count + 1])
        spread[part] = nearest.sum(axis=1) / count  # a row's distance to itself adds nothing
    return int(np.argmin(np.round(spread, 10)))
