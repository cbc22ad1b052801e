"""Cluster-Margin as GALAXY's authors write it: average linkage of all rows.

Pools of more than 4,096 rows are linked in groups here (`labelbench_core`), row by row there.
"""

import numpy as np

from benchmarks.plain._shared import lowest, unit
from benchmarks.plain.margin import margins
from labelbench_core.strategies import Pool


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    oversample: float = 10.0,
    clusters: int = 0,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order taken."""
    from scipy.cluster.hierarchy import fcluster, linkage

    labels = fcluster(linkage(unit(pool.embeddings), "average"), clusters or budget, "maxclust")
    count = min(int(np.ceil(oversample * budget)), len(pool.unlabeled()))
    candidates = lowest(margins(pool.probabilities), pool.unlabeled(), count)
    return in_turn(candidates, labels, rng)[:budget]


def in_turn(candidates: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """All candidates, of each cluster one at a time, from the clusters with few of them on."""
    ranks = {row: rank for rank, row in enumerate(candidates.tolist())}
    groups: dict[int, list[int]] = {}
    for row in candidates[rng.permutation(len(candidates))].tolist():
        groups.setdefault(int(labels[row]), []).append(row)
    order = sorted(groups.values(), key=lambda rows: (len(rows), min(ranks[row] for row in rows)))
    chosen: list[int] = []
    while len(chosen) < len(candidates):
        chosen += [rows.pop(0) for rows in order if rows]
    return np.array(chosen, np.int64)
