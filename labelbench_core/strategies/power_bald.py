"""Power BALD: the stochastic batch of Kirsch et al. 2023, on the score of BALD.

Rows are drawn one after another without replacement, each with probability proportional to s(x) **
`power` among those left, where s is the score of `bald`: a batch of the highest scores is
redundant. `power` 0 is random sampling, a large one is `bald`, but for rows with s = 0, which come
after all others, in random order. Drawn as in the paper: the rows with the largest `power` ·
log s(x) + Gumbel noise. Multi-label: as in `bald`.
"""

from typing import Annotated

import numpy as np

from labelbench_core.registry.options import Interval
from labelbench_core.strategies.bald import disagreements
from labelbench_core.strategies.kernels.power import draw_by_power
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "power BALD",
    "paper": "Kirsch et al. 2023",
    "rule": "drawn without replacement in proportion to a power of the BALD score",
    "cost": "M N C",
    "needs": ["member_probabilities"],
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
        Rows are drawn in proportion to this power of the score; 0 draws uniformly among rows of
        score above 0. Default: the paper's.
    """
    scores = disagreements(pool.member_probabilities, multilabel=pool.multilabel)
    return draw_by_power(pool, scores[pool.unlabeled()], budget, rng, power)
