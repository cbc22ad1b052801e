"""Power margin: the stochastic batch of Kirsch et al. 2023, on the margin.

Rows are drawn one after another without replacement, each with probability proportional to s(x) **
`power` among those left, where s = 1 − (difference between the two most likely classes). It is the
cheapest remedy for the redundancy of a top-b batch. `power` 0 is random sampling, a large one is
`margin`, but for rows with s = 0, which come after all others, in random order. Drawn as in the
paper: the rows with the largest `power` · log s(x) + Gumbel noise.
"""

from typing import Annotated

import numpy as np

from labelbench_core.registry.options import Interval
from labelbench_core.strategies.kernels.power import draw_by_power
from labelbench_core.strategies.kernels.scores import score_rows
from labelbench_core.strategies.margin import margins, mean_label_margins
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "power margin",
    "paper": "Kirsch et al. 2023",
    "rule": "drawn without replacement in proportion to a power of 1 - margin",
    "cost": "N C",
    "needs": ["probabilities"],
    "multilabel": True,
    "kind": "strategy",
    "deterministic": False,
}


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    power: Annotated[float, Interval(ge=0, le=1_000_000)] = 1.0,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order drawn.

    Parameters
    ----------
    power
        Rows are drawn in proportion to this power of 1 − margin; 0 draws uniformly among rows of
        margin below 1. Default: the paper's.
    """
    score = mean_label_margins if pool.multilabel else margins
    scores = np.clip(1 - score_rows(pool.probabilities, score)[pool.unlabeled()], 0, 1)
    return draw_by_power(pool, scores, budget, rng, power)
