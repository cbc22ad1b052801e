"""Power margin: the stochastic batch of Kirsch et al. 2023, on the margin.

Rows are drawn one after another without replacement, each with probability proportional to
s(x) ** `power` among those left, where s = 1 − (difference between the two most likely classes). It
is the cheapest remedy for the likeness of the rows that a top-b rule picks. `power` 0 is random
sampling, a large one is `margin`. Drawn as in the paper: the rows with the largest
log s(x) + Gumbel noise / `power`. Rows with s = 0 come after all others, in random order.
"""

import numpy as np

from labelbench_core.errors import InputError
from labelbench_core.strategies._scores import lowest, score_rows
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


def select(pool: Pool, budget: int, rng: np.random.Generator, *, power: float = 1.0) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order drawn."""
    if not 0 <= power < np.inf:
        raise InputError(f"power-margin: power = {power!r}; expected a number, at least 0")
    score = mean_label_margins if pool.multilabel else margins
    unlabeled = pool.unlabeled()
    scores = np.clip(1 - score_rows(pool.probabilities, score)[unlabeled], 0, 1)
    noise = rng.gumbel(size=len(unlabeled))
    drawable = scores > 0
    keys = np.full(pool.num_rows, np.inf)
    keys[unlabeled[drawable]] = -(power * np.log(scores[drawable]) + noise[drawable])
    drawn = lowest(keys, unlabeled[drawable], min(budget, int(drawable.sum())))
    keys[unlabeled[~drawable]] = -noise[~drawable]
    return np.concatenate([drawn, lowest(keys, unlabeled[~drawable], budget - len(drawn))])
