"""What was bought elsewhere: the rows of a recorded list, in its order.

Our proxies are trained on what others' strategies bought, so that selection and training can be
checked separately. The job reads the list that the options name (`datasets/recorded_lists.py`),
and hands it over as the pool's `recorded`.
"""

from collections.abc import Sequence

import numpy as np

from labelbench_core.errors import InputError
from labelbench_core.registry.options import Seed
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "replay",
    "paper": "-",
    "rule": "the first rows of a recorded list that have no label yet, in its order",
    "cost": "length of the list",
    "needs": ["recorded"],
    "multilabel": True,
    "kind": "strategy",
    "deterministic": True,
    "required": ["recorded", "strategy"],
}


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    recorded: str = "",
    strategy: str = "",
    seeds: Sequence[Seed] | None = None,
) -> np.ndarray:
    """(budget,) int64 the first unlabelled rows of the list, in its order.

    Parameters
    ----------
    recorded
        Where the list is from: the name of published lists, or a file in the data directory.
        Default: ours.
    strategy
        Which strategy's list it is. Default: ours.
    seeds
        Recorded seeds: the first belongs to our seed 0, the next to 1, …; null: all of them,
        ascending. Default: ours.
    """
    labeled = np.zeros(pool.num_rows, bool)
    labeled[pool.labeled] = True
    left = pool.recorded[~labeled[pool.recorded]]
    if len(left) < budget:
        raise InputError(
            f"the recorded list of {strategy!r} in {recorded!r} has {len(left)} rows left without "
            f"a label; allowed: at least {budget}, the labels that a round buys"
        )
    return left[:budget].astype(np.int64)
