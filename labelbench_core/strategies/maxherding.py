"""MaxHerding (Bae, Noh & Sutherland 2024): the rows whose neighbourhoods cover the pool best.

Coverage of the pool by labelled and chosen rows S: the mean over rows y of max over s in S of
exp(−‖s − y‖² / `bandwidth`²), all rows scaled to unit length. One by one, the row that adds most is
selected. The picks are those of the plain algorithm; `kernels.herding` explains how most gains are
never computed. In pools of more than `targets` rows, the mean is over that many, drawn once, but
any row can be selected. Gains that differ only by rounding are ties, which go to the lowest index;
if no row adds anything (only copies of S are left), the rest is drawn at random. Multi-label:
labels are not used.
"""

from typing import Annotated

import numpy as np

from labelbench_core.registry.options import Count, Interval
from labelbench_core.strategies.kernels.herding import greedy_coverage
from labelbench_core.strategies.kernels.sphere import draw_targets
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "MaxHerding",
    "paper": "Bae et al. 2024",
    "rule": "largest gain in mean kernel coverage of the pool",
    "cost": "N m D, m targets; twice or more below some 100 labels; a few pairs per pick",
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
    bandwidth: Annotated[float, Interval(ge=1e-3, le=1_000_000)] = 1.0,
    targets: Count = 20_000,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order chosen.

    Parameters
    ----------
    bandwidth
        Width of the Gaussian kernel, as a distance between rows of unit length. Default: the
        authors' code's.
    targets
        Number of rows whose coverage counts, drawn at random if the pool has more. Default: ours.
    """
    drawn = draw_targets(pool.embeddings, targets, rng)
    return greedy_coverage(pool, budget, rng, drawn, np.ones(len(drawn)), bandwidth)
