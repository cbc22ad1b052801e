"""TCM (Doucet et al. 2024): TypiClust for the first rounds, then margin.

Typical rows help in a cold start, when the model's uncertainty means little; once classes are
covered, margin refines the boundaries between them. `typiclust_rounds` counts queries, without the
initial pool. Its default is the one that Huseljic et al. (REFINE, 2026) compare with; pretrained
embeddings allow an early switch.
"""

from typing import Annotated

import numpy as np

from labelbench_core.registry.options import Interval
from labelbench_core.strategies import margin, typiclust
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "TCM",
    "paper": "Doucet et al. 2024",
    "rule": "TypiClust for the first rounds, then margin",
    "cost": "that of TypiClust, later that of margin",
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
    typiclust_rounds: Annotated[int, Interval(ge=0)] = 3,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order chosen.

    Parameters
    ----------
    typiclust_rounds
        Number of queries made by TypiClust, not counting the initial pool. Default: another
        paper's (REFINE, Huseljic et al. 2026).
    """
    strategy = typiclust if pool.round <= typiclust_rounds else margin
    return strategy.select(pool, budget, rng)
