"""TAILOR as Huseljic et al. 2026 run it: for every row, a draw of all posteriors and a whole query.

Each query looks at the pool anew, less the rows that are taken. Its first round only: posteriors
are flat.
"""

from collections.abc import Sequence
from importlib import import_module

import numpy as np

from labelbench_core.strategies import Pool
from labelbench_core.strategies.kernels.sub_pool import sub_pool
from labelbench_core.strategies.tailor import select as ours


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    candidates: Sequence[str] = ours.__kwdefaults__["candidates"],
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order proposed."""
    strategies = [
        import_module(f"benchmarks.plain.{name.replace('-', '_')}") for name in candidates
    ]
    sizes = np.bincount(pool.labels, minlength=pool.num_classes)
    worth = 1 / np.maximum(sizes, 1)
    worth[sizes > len(pool.labels) / 2] *= -1
    flat = np.ones(pool.num_classes)
    chosen = np.empty(0, np.int64)
    for _ in range(budget):
        winner = int(np.argmax([rng.dirichlet(1 + flat) @ worth for _ in candidates]))
        left, rows = sub_pool(pool, np.setdiff1d(pool.unlabeled(), chosen))
        chosen = np.append(chosen, rows[strategies[winner].select(left, 1, rng)])
    return chosen
