"""A ceiling: many batches are tried out with their hidden labels, and the best one is bought.

BoSS (Huseljic et al. 2025). `batches` candidate batches come in turn from the strategies
`candidates` and from the mistakes: rows that are predicted wrongly, drawn at random (if there are
too few, also those whose true class is least likely). First each selects a batch from the whole
pool, then from random subsets, whose sizes are drawn log-uniformly between the batch and
`largest_subset`. Each batch is evaluated by `fit`: the proxy is trained with its labels as well.
So, by that measure, no candidate does better in this round; but what is best now need not be best
later: this shows how much there is to gain at least, not at most. The larger the batch, the less
its candidates differ, and the less is gained.

With `parts` above 1 the batch is composed greedily: part by part, each the best of `batches` given
those before; `parts` = budget is the greedy look-ahead, which buys one by one. The cost grows in
proportion to `parts`. All parts see the predictions made before the batch. Of equally good batches
the first is bought.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from labelbench_core.registry.options import Count
from labelbench_core.strategies import dispatch
from labelbench_core.strategies.arrays import Rows, host
from labelbench_core.strategies.kernels.scores import lowest
from labelbench_core.strategies.kernels.sub_pool import sub_pool
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "look-ahead",
    "paper": "BoSS: Huseljic et al. 2025",
    "rule": "the best of many batches, each tried out with its hidden labels",
    "cost": "parts x batches fits of the proxy",
    "needs": ["embeddings", "probabilities"],
    "multilabel": False,
    "kind": "ceiling",
    "deterministic": False,
    "runs": ["candidates"],
}


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    truth: np.ndarray,
    fit: Callable[[np.ndarray], float],
    *,
    candidates: Sequence[str] = ("random", "margin", "entropy", "confidence", "badge", "typiclust"),
    batches: Count = 100,
    parts: Count = 1,
    largest_subset: Count = 10_000,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices.

    Parameters
    ----------
    candidates
        Names of the strategies that propose batches; batches of misclassified rows are proposed in
        addition. Default: ours.
    batches
        Number of batches tried out for each part. Default: the authors' code's.
    parts
        Number of parts from which the batch is composed, one after the other, by strategies that
        see the true labels of the parts before; as many as the budget: the greedy look-ahead.
        Default: ours.
    largest_subset
        Largest number of rows in the random subsets that candidates select from. Default: ours.
    """
    chosen = np.zeros(0, np.int64)
    for part in np.array_split(np.arange(budget), min(parts, max(budget, 1))):
        seen = replace(
            pool,
            labeled=np.concatenate([pool.labeled, chosen]),
            labels=np.concatenate([pool.labels, truth[chosen]]),
        )
        best, highest = chosen[:0], -np.inf
        for number in range(batches if len(part) else 0):
            batch = _candidate(seen, len(part), rng, truth, candidates, number, largest_subset)
            score = fit(np.concatenate([chosen, batch]))
            if not number or score > highest:
                best, highest = batch, score
        chosen = np.concatenate([chosen, best])
    return chosen


def _candidate(
    pool: Pool,
    size: int,
    rng: np.random.Generator,
    truth: np.ndarray,
    candidates: Sequence[str],
    number: int,
    largest_subset: Count,
) -> np.ndarray:
    """(size,) the candidate batch `number`."""
    turn, source = divmod(number, len(candidates) + 1)
    rows = pool.unlabeled()
    if turn:
        most = max(size, min(len(rows), largest_subset))
        drawn = round(np.exp(rng.uniform(np.log(size), np.log(most))))
        rows = np.sort(rng.choice(rows, min(max(drawn, size), most), replace=False))
    if source == len(candidates):
        predicted = host(Rows(pool.probabilities).take(rows))
        likelihood = predicted[np.arange(len(rows)), truth[rows]].astype(np.float64)
        mistaken = predicted.argmax(axis=1) != truth[rows]
        likelihood[mistaken] = -rng.random(mistaken.sum())  # before all others, in random order
        return rows[lowest(likelihood, np.arange(len(rows)), size)]
    part, places = sub_pool(pool, rows, in_memory=bool(turn))
    return places[dispatch.select(candidates[source], part, size, rng)]
