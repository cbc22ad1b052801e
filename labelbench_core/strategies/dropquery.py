"""DropQuery (Gupte et al. 2024): diverse rows whose predicted class changes under dropout.

The head predicts the class of each embedding, and again `passes` times with a share `rate` of its
features dropped at random. Rows whose class changes in more than passes // 2 of these are
candidates; if there are fewer than `candidates_per_pick` per row of the batch, the required number
of changes is lowered, one pass at a time, as in the authors' code, but never to 0: however few the
candidates are, each changed at least once. Candidates, scaled to unit length, are clustered by
k-means into b clusters, and the row nearest to each centre is selected, in order of distance. If
candidates coincide so much that there are fewer clusters, the rest is drawn at random among the
candidates; if there are fewer candidates than the budget, all are selected and the rest is drawn at
random among the other rows.
"""

from typing import Annotated

import numpy as np

from labelbench_core.registry.options import Count, Interval
from labelbench_core.strategies.arrays import Rows, cast, chunk_rows, host, like
from labelbench_core.strategies.kernels.fill import fill_at_random
from labelbench_core.strategies.kernels.kmeans import nearest_to_centers
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "DropQuery",
    "paper": "Gupte et al. 2024",
    "rule": "nearest to the centers of clusters of rows whose class changes under dropout",
    "cost": "passes N D C; k-means",
    "needs": ["embeddings", "head"],
    "multilabel": False,
    "kind": "strategy",
    "deterministic": False,
}
LEVELS = 256  # a feature is kept or dropped by one random byte: `rate` is from 1 to 255 of them


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    passes: Annotated[int, Interval(ge=1, le=1000)] = 3,
    rate: Annotated[float, Interval(ge=0.00390625, le=0.99609375)] = 0.75,
    candidates_per_pick: Count = 25,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, nearest to their centres first.

    Parameters
    ----------
    passes
        Number of predictions with features dropped. Default: the authors' code's.
    rate
        Share of the features that a prediction drops, in expectation. Default: the authors' code's.
    candidates_per_pick
        Candidates per row of the batch; with fewer, the number of changed predictions required of
        them is lowered. Default: the authors' code's.
    """
    unlabeled = pool.unlabeled()
    if budget == 0:
        return unlabeled[:0]
    changes = changed_classes(pool, passes, rate, rng)[unlabeled]
    bar = passes // 2
    while bar > 0 and (changes > bar).sum() < candidates_per_pick * budget:
        bar -= 1
    candidates = unlabeled[changes > bar]
    if len(candidates) < budget:
        return fill_at_random(candidates, unlabeled, budget, rng)
    return nearest_to_centers(pool.embeddings, candidates, budget, rng)


def changed_classes(pool: Pool, passes: int, rate: float, rng: np.random.Generator) -> np.ndarray:
    """(N,) int64: in how many of `passes` predictions under dropout the class differs."""
    rows = Rows(pool.embeddings)
    weights, bias = (host(part).astype(np.float64) for part in (pool.head.weights, pool.head.bias))
    width = rows.shape[1]
    dropped_below = round(rate * LEVELS)
    changes = np.empty(len(rows), np.int64)
    step = chunk_rows(width * passes)
    for first, chunk in rows.chunks():
        for begin in range(0, len(chunk), step):
            part = cast(chunk[begin : begin + step], "float64")
            # Whole words per row: what a row draws does not depend on how rows are chunked.
            words = rng.integers(0, 2**64, (len(part), passes, -(-width // 8)), dtype=np.uint64)
            kept = words.view(np.uint8)[:, :, :width] >= dropped_below
            scaled = like(weights * (LEVELS / (LEVELS - dropped_below)), part)
            offset = like(bias, part)
            clean = (part @ like(weights, part) + offset).argmax(-1)
            varied = ((part[:, None, :] * like(kept, part)) @ scaled + offset).argmax(-1)
            where = slice(first + begin, first + begin + len(part))
            changes[where] = host((varied != clean[:, None]).sum(-1))
    return changes
