"""TAILOR at its plainest: every row of the batch is a draw of all posteriors and a strategy's call.

So runs the published form for strategies that cannot be asked for their next row alone: each call
looks at the whole pool, less the rows that are taken. First round only: the posteriors are flat.
"""

from collections.abc import Sequence

import numpy as np

from labelbench_core.strategies import Pool
from labelbench_core.strategies import select as ask_strategy
from labelbench_core.strategies._sub_pool import sub_pool

CANDIDATES = ("random", "confidence", "margin", "badge", "typiclust")


def select(
    pool: Pool, budget: int, rng: np.random.Generator, *, candidates: Sequence[str] = CANDIDATES
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order proposed."""
    sizes = np.bincount(pool.labels, minlength=pool.num_classes)
    worth = 1 / np.maximum(sizes, 1)
    worth[sizes > len(pool.labels) / 2] *= -1
    counts = np.ones((len(candidates), pool.num_classes))
    chosen = np.empty(0, np.int64)
    for _ in range(budget):
        rewards = [rng.dirichlet(1 + a) @ worth for a in counts]
        left, rows = sub_pool(pool, np.setdiff1d(pool.unlabeled(), chosen))
        proposed = ask_strategy(candidates[int(np.argmax(rewards))], left, 1, rng)
        chosen = np.append(chosen, rows[proposed])
    return chosen
