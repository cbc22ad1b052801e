"""Cluster-Margin (Citovsky et al. 2021): small margins, spread over clusters of the embeddings.

The pool is clustered once by average linkage. Candidates are the `oversample` · budget unlabelled
rows of smallest margin (see `margin`), or all where there are fewer. Clusters are visited in turn,
from the one with the fewest candidates to the one with the most (equal ones by their smallest
margin), and each visit takes a candidate at random, until there are enough. The tree is cut into
`clusters` clusters; 0 stands for as many as the budget. If rows coincide there are fewer clusters,
and if candidates fall into few of them, those are visited more often.

Distances are Euclidean, between embeddings scaled to length 1. Average linkage needs all pairs, so
only pools of up to 4,096 rows are clustered row by row. Larger ones are first divided into 2,048
groups by k-means, whose centres are then linked, each counting as one row. Clusters depend on the
embeddings alone, not on `rng`: they are the same in every round with the same embeddings.
Multi-label: the margin is the mean over labels of |2p − 1|.
"""

from typing import Annotated, Any

import numpy as np

from labelbench_core.registry.options import Interval
from labelbench_core.strategies.arrays import Rows, cast, host
from labelbench_core.strategies.kernels.kmeans import cluster
from labelbench_core.strategies.kernels.scores import lowest, score_rows
from labelbench_core.strategies.margin import margins, mean_label_margins
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "Cluster-Margin",
    "paper": "Citovsky et al. 2021",
    "rule": "smallest margins in turn from clusters, the smallest cluster first",
    "cost": "N C; N^2 D up to 4,096 rows, k-means into 2,048 groups above",
    "needs": ["embeddings", "probabilities"],
    "multilabel": True,
    "kind": "strategy",
    "deterministic": False,
}
LINKED_ROWS = 4096  # pools up to this size are linked row by row
GROUPS = 2048


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    oversample: Annotated[float, Interval(ge=1, le=1_000_000)] = 10.0,
    clusters: Annotated[int, Interval(ge=0, le=1_000_000)] = 0,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order taken.

    Parameters
    ----------
    oversample
        Number of candidates, in multiples of the budget. Default: ours.
    clusters
        Number of clusters; 0: as many as the budget. Default: ours.
    """
    unlabeled = pool.unlabeled()
    if budget == 0:
        return unlabeled[:0]
    score = mean_label_margins if pool.multilabel else margins
    count = int(min(np.ceil(oversample * budget), len(unlabeled)))
    candidates = lowest(score_rows(pool.probabilities, score), unlabeled, count)
    labels = linked_clusters(pool.embeddings, clusters or budget)[candidates]
    return candidates[in_turn(labels, rng)[:budget]]


def in_turn(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """All positions in `labels`, in turns: one of each label at random, rare labels first.

    Of equally rare labels, the one that occurs first in `labels` comes first.
    """
    _, first, label, sizes = np.unique(
        labels, return_index=True, return_inverse=True, return_counts=True
    )
    shuffled = rng.permutation(len(labels))
    grouped = shuffled[np.argsort(label[shuffled], kind="stable")]
    visit = np.arange(len(labels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return grouped[np.lexsort((first[label[grouped]], sizes[label[grouped]], visit))]


def linked_clusters(embeddings: Any, count: int) -> np.ndarray:
    """(N,) cluster of each row, at most `count` clusters, by average linkage."""
    from scipy.cluster.hierarchy import fcluster, linkage

    rows = Rows(embeddings)
    if len(rows) <= LINKED_ROWS:
        points = host(cast(rows.take(np.arange(len(rows))), "float64"))
        norms = np.sqrt(np.square(points).sum(axis=1))
        points = points / np.where(norms > 0, norms, 1)[:, None]
        groups = np.arange(len(rows))
    else:
        found = cluster(embeddings, GROUPS, np.random.default_rng(0))
        points, groups = found.centers.astype(np.float64), found.labels
    if len(points) == 1:
        return np.zeros(len(rows), np.int64)
    return fcluster(linkage(points, "average"), count, "maxclust")[groups]
