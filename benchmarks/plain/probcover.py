"""ProbCover as its authors write it: a list of all pairs, filtered anew after every pick.

Targets and clusters are this project's, so that the picks are the same. The radius is found in one
pass over all distances, where the authors build the list for every radius that they try.
"""

import numpy as np

from benchmarks.plain._shared import squared_distances, unit
from labelbench_core.strategies import Pool
from labelbench_core.strategies.kernels.kmeans import cluster
from labelbench_core.strategies.kernels.sphere import draw_targets

ROWS_AT_ONCE = 500


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    delta: float | None = None,
    purity: float = 0.95,
    targets: int = 50_000,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order chosen."""
    points, drawn = unit(pool.embeddings), draw_targets(pool.embeddings, targets, rng)
    if delta is None:
        labels = cluster(pool.embeddings, min(pool.num_classes, pool.num_rows), rng).labels
        delta = purest_radius(points, drawn, labels, purity)
    chosen = greedy(*pairs(points, drawn, delta), pool.labeled, budget)
    rest = rng.permutation(np.setdiff1d(pool.unlabeled(), chosen))[: budget - len(chosen)]
    return np.concatenate([chosen, rest])


def purest_radius(
    points: np.ndarray, targets: np.ndarray, labels: np.ndarray, purity: float
) -> float:
    """The largest radius at which a share `purity` of the targets has no other cluster near."""
    nearest = np.full(len(targets), np.inf)
    for first in range(0, len(points), ROWS_AT_ONCE):
        part = slice(first, first + ROWS_AT_ONCE)
        squared = squared_distances(points[part], points[targets])
        squared[labels[part][:, None] == labels[targets]] = np.inf
        nearest = np.minimum(nearest, squared.min(axis=0))
    rank = min(int(np.floor((1 - purity) * len(targets) + 1e-9)), len(targets) - 1)
    return float(np.sqrt(np.sort(nearest)[rank])) * (1 - 1e-12)  # itself is not nearer than that


def pairs(
    points: np.ndarray, targets: np.ndarray, delta: float
) -> tuple[np.ndarray, np.ndarray, int]:
    """Rows and the places of the targets nearer to them than `delta`; and how many rows."""
    found = []
    for first in range(0, len(points), ROWS_AT_ONCE):
        squared = squared_distances(points[first : first + ROWS_AT_ONCE], points[targets])
        rows, places = np.nonzero(squared < delta**2)
        found.append((rows + first, places))
    rows, places = (np.concatenate(part) for part in zip(*found, strict=True))
    return rows, places, len(points)


def greedy(
    rows: np.ndarray, places: np.ndarray, count: int, labeled: np.ndarray, budget: int
) -> np.ndarray:
    """(at most budget,) rows near to most uncovered targets, until everything is covered."""
    covered = np.zeros(places.max(initial=0) + 1, bool)
    covered[places[np.isin(rows, labeled)]] = True
    chosen: list[int] = []
    while len(chosen) < budget:
        left = ~covered[places]
        rows, places = rows[left], places[left]
        if not len(rows):
            break
        best = int(np.bincount(rows, minlength=count).argmax())
        covered[places[rows == best]] = True
        chosen.append(best)
    return np.array(chosen, np.int64)
