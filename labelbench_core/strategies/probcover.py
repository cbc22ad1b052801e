"""ProbCover (Yehuda et al. 2022): the rows whose balls of radius δ cover most of what is uncovered.

Rows are scaled to unit length; a row covers those nearer than `delta`. One by one, the row whose
ball holds most rows not yet covered by labelled or chosen rows is selected, of equal ones that with
the lowest index. Once everything is covered, the rest is drawn at random among the unlabelled rows.

`delta` None: the largest radius for which at least `purity` of the rows have no row of another
pseudo-label in their ball, pseudo-labels being k-means clusters, as many as classes. That is a
quantile of the distances to the nearest row of another cluster, found with the balls in one pass.

In pools of more than `targets` rows, coverage (and purity) is over that many rows, drawn once, but
any row can be selected. These targets are halved until there are no more than `max_edges` pairs of
a ball and a row in it: that bounds the memory, at about 12 bytes per pair. `kernels.balls` computes
the distances. Multi-label: there are as many pseudo-labels as labels; true labels are not used.
"""

import numpy as np

from labelbench_core.registry.options import Count, Positive, PositiveShare
from labelbench_core.strategies.kernels.balls import Balls, NearPairs
from labelbench_core.strategies.kernels.fill import fill_at_random
from labelbench_core.strategies.kernels.kmeans import cluster
from labelbench_core.strategies.kernels.sphere import draw_targets
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "ProbCover",
    "paper": "Yehuda et al. 2022",
    "rule": "the ball of radius delta with most uncovered rows",
    "cost": "N m D, m targets, half for pairs of targets; each pair once; N b for maxima",
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
    delta: Positive | None = None,
    purity: PositiveShare = 0.95,
    targets: Count = 50_000,
    max_edges: Count = 100_000_000,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order chosen.

    Parameters
    ----------
    delta
        δ, the radius of a ball, as a distance between rows of unit length; null: the largest that
        reaches `purity`. Default: the paper's.
    purity
        Share of balls that must contain rows of a single pseudo-label only, if `delta` is null.
        Default: the paper's.
    targets
        Number of rows whose coverage counts, drawn at random if the pool has more. Default: ours.
    max_edges
        Largest number of pairs of a ball and a row in it; each takes about 12 bytes. Default: ours.
    """
    unlabeled = pool.unlabeled()
    if budget == 0:
        return unlabeled[:0]
    drawn = draw_targets(pool.embeddings, targets, rng)
    order = np.concatenate([drawn, np.setdiff1d(np.arange(pool.num_rows), drawn)])
    near = NearPairs(pool.embeddings, order, len(drawn))
    if delta is None:
        clusters = cluster(pool.embeddings, min(pool.num_classes, pool.num_rows), rng).labels
        balls = near.purest_balls(clusters, purity, max_edges)
    else:
        balls = near.balls(delta, max_edges)
    chosen = _greedy(balls, order, pool.labeled, budget)
    return fill_at_random(chosen, unlabeled, budget, rng)


def _greedy(balls: Balls, order: np.ndarray, labeled: np.ndarray, budget: int) -> np.ndarray:
    """Rows by the number of uncovered targets in their balls, until everything is covered.

    When a target becomes covered, the counts of the rows that cover it drop by one: each pair is
    visited once.
    """
    gains = balls.sizes.copy()
    uncovered = np.arange(len(order)) < balls.count

    def cover(place: int) -> None:
        reached = balls.around(place)
        for target in reached[uncovered[reached]]:
            gains[balls.around(target)] -= 1
        uncovered[reached] = False

    places = np.argsort(order)
    for row in labeled:
        cover(places[row])
    chosen: list[int] = []
    while len(chosen) < budget and gains.max() > 0:
        best = order[gains == gains.max()].min()
        chosen.append(best)
        cover(places[best])
    return np.array(chosen, np.int64)
