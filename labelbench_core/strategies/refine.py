"""REFINE (Huseljic et al. 2026): the pool is filtered by many strategies, then covered by one.

`depth` times, each of `candidates` selects a batch from each of several random subsets of the pool,
`batches` // (number of candidates) of them; the union of these batches is the next pool. Subsets
have `first_subset` rows in the first step, later the share `alpha` of the pool, never fewer than
the budget nor more than the pool. A pool of more than `largest_pool` rows is subsampled to that
many at random. From the last pool, `final` selects the batch. Defaults are those of the authors'
code, whose BAIT is the binary one.

Labelled rows belong to every subset. A deterministic strategy is run once if all its subsets are
the whole pool, since it would give the same batch each time. Filtering ends early if no more rows
are left than the budget. UHerding, as `final` and among the `candidates`, calibrates on the pool's
`held_out`; strategies named without options are run with their own defaults.
"""

from collections.abc import Sequence
from typing import Annotated

import numpy as np

from labelbench_core import registry
from labelbench_core.registry.options import Count, Interval, PositiveShare
from labelbench_core.registry.run_by_others import parted
from labelbench_core.strategies import dispatch
from labelbench_core.strategies.kernels.sub_pool import sub_pool
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "REFINE",
    "paper": "Huseljic et al. 2026",
    "rule": "many strategies filter the pool, selecting from random subsets; one covers the rest",
    "cost": "depth x batches runs of the candidates on subsets, and one of the final strategy",
    "needs": ["embeddings", "probabilities", "head", "labels"],
    "multilabel": False,
    "kind": "strategy",
    "deterministic": False,
    "runs": ["candidates", "final"],
    "at_least": {"batches": "candidates"},
}


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    candidates: Sequence[str] = (
        "random",
        "margin",
        "badge",
        "bait-binary",
        "typiclust",
        "alfa-mix",
        "dropquery",
        "maxherding",
        "uherding",
    ),
    final: str = "uherding",
    depth: Annotated[int, Interval(ge=0)] = 5,
    batches: Count = 100,
    alpha: PositiveShare = 0.4,
    first_subset: Count = 5000,
    largest_pool: Count = 10_000,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order of the final strategy.

    Parameters
    ----------
    candidates
        Names of the strategies that filter the pool. Default: the authors' code's.
    final
        Name of the strategy that selects from what is left. Default: the authors' code's.
    depth
        Number of times that the pool is filtered. Default: the authors' code's.
    batches
        Number of batches that all candidates together select in each step. Default: the authors'
        code's.
    alpha
        Size of a subset, as a share of the pool, after the first step. Default: the authors'
        code's.
    first_subset
        Number of rows of a subset in the first step. Default: the authors' code's.
    largest_pool
        Largest number of rows of a pool; larger ones are subsampled at random. Default: the
        authors' code's.
    """
    kept = pool.unlabeled()
    if budget == 0:
        return kept[:0]
    size = first_subset
    for _ in range(depth):
        if len(kept) == budget:
            break
        size = min(max(size, budget), len(kept))
        kept = _filter(pool, kept, size, budget, candidates, batches // len(candidates), rng)
        if len(kept) > max(largest_pool, budget):
            kept = np.sort(rng.choice(kept, max(largest_pool, budget), replace=False))
        size = int(alpha * len(kept))
    left, rows = sub_pool(pool, kept)
    return rows[dispatch.select(final, left, budget, rng)]


def _filter(
    pool: Pool,
    kept: np.ndarray,
    size: int,
    budget: int,
    candidates: Sequence[str],
    repeats: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Increasing indices of all rows that any candidate selects from any subset of `kept`."""
    found = np.zeros(pool.num_rows, bool)
    for name in candidates:
        deterministic = registry.describe("strategies", parted(name)[0]).info["deterministic"]
        for _ in range(1 if deterministic and size == len(kept) else repeats):
            subset = rng.choice(kept, size, replace=False)
            part, rows = sub_pool(pool, subset, in_memory=True)
            found[rows[dispatch.select(name, part, budget, rng)]] = True
    return np.flatnonzero(found)
