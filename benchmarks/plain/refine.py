"""REFINE at its plainest: the authors' loop, with its candidates at their plainest."""

from collections.abc import Sequence
from importlib import import_module

import numpy as np

from benchmarks.plain import uherding
from labelbench_core.strategies import Pool
from labelbench_core.strategies.kernels.sub_pool import sub_pool
from labelbench_core.strategies.refine import select as ours


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    candidates: Sequence[str] = ours.__kwdefaults__["candidates"],
    depth: int = 5,
    batches: int = 100,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order chosen."""
    kept, size = pool.unlabeled(), 5000
    for _ in range(depth):
        size = min(max(size, budget), len(kept))
        union: set[int] = set()
        for name in candidates:
            strategy = import_module(f"benchmarks.plain.{name.replace('-', '_')}")
            for _ in range(batches // len(candidates)):
                part, rows = sub_pool(pool, rng.choice(kept, size, replace=False))
                union.update(rows[strategy.select(part, budget, rng)].tolist())
        kept = np.array(sorted(union))
        if len(kept) > 10_000:
            kept = np.sort(rng.choice(kept, 10_000, replace=False))
        size = int(0.4 * len(kept))
    part, rows = sub_pool(pool, kept)
    return rows[uherding.select(part, budget, rng)]
