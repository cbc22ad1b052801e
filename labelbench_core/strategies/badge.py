"""BADGE (Ash et al. 2020): k-means++ on last-layer gradients at the predicted labels.

The gradient of the last layer's loss at row x, if the predicted class ŷ were right, is the outer
product of p(x) − onehot(ŷ) and the embedding of x. Rows are drawn by the seeding of k-means++
(Arthur & Vassilvitskii 2007): each with probability proportional to the squared distance from its
gradient to the nearest gradient drawn before. `first_center`: `uniform` draws the first row
uniformly, as in the paper's k-means++; `largest_norm` takes the row with the longest gradient, as
in the authors' code.

Gradients are never formed, see `kernels.gradients`; most distances are never computed, see
`kernels.seeding`. The distribution of the draws is exactly that of k-means++. If all rows left
coincide with drawn ones, the rest is drawn uniformly. Multi-label: p − 1[p > ½], the gradient of
the binary cross-entropies.
"""

from typing import Literal

import numpy as np

from labelbench_core.strategies.kernels.gradients import Gradients
from labelbench_core.strategies.kernels.seeding import draw_centers
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "BADGE",
    "paper": "Ash et al. 2020",
    "rule": "k-means++ seeding on last-layer gradients at the predicted labels",
    "cost": "N (C + D) for each pass, few passes; b^2 (C + D)",
    "needs": ["embeddings", "probabilities"],
    "multilabel": True,
    "kind": "strategy",
    "deterministic": False,
}


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    first_center: Literal["uniform", "largest_norm"] = "uniform",
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order drawn.

    Parameters
    ----------
    first_center
        First row: "uniform", drawn uniformly; "largest_norm", the row with the longest gradient, as
        in the authors' code and in LabelBench. Default: the paper's.
    """
    unlabeled = pool.unlabeled()
    if budget == 0:
        return unlabeled[:0]
    points = Gradients(pool.embeddings, pool.probabilities, pool.multilabel)
    if first_center == "uniform":
        first = int(rng.choice(unlabeled))
    else:
        first = int(unlabeled[np.argmax(points.squared_norms()[unlabeled])])
    weights = np.full(pool.num_rows, np.nan)
    weights[unlabeled] = np.inf
    return draw_centers(points, weights, first, budget, rng)
