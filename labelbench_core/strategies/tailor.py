"""TAILOR (Zhang et al. 2023): Thompson sampling among strategies, for class-balanced batches.

For each strategy i there is a posterior of the classes of the rows that it proposes: Dirichlet with
parameters 1 + a_i; multi-label: for each class Beta with parameters a_i and b_i. For each row of
the batch a θ_i is drawn from every posterior, and the strategy with the largest reward Σ_c θ_ic v_c
proposes the row: v_c = 1 / (number of labelled rows of class c, at least 1), negative for a class
that more than half of them have. Once the labels are known, a_i and b_i are multiplied by `decay`,
and for each row that i proposed, its classes are added to a_i and the others to b_i. Both start at
1, which decays like the rest, as in the authors' code.

Draws do not depend on the labels of the batch, so all are made before the first row is chosen, and
a strategy proposes all its rows at once: in the order in which they first won, each strategy
selects among the rows not proposed before. (The authors' strategies propose row by row, passing
over what others have proposed.) `candidates` are strategies that select a batch at once; the
authors' GALAXY, which buys label by label, is not among them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from labelbench_core.errors import InputError
from labelbench_core.registry.options import PositiveShare
from labelbench_core.strategies import dispatch
from labelbench_core.strategies.arrays import chunk_rows
from labelbench_core.strategies.kernels.sub_pool import sub_pool
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "TAILOR",
    "paper": "Zhang et al. 2023",
    "rule": "Thompson sampling among strategies, rewarded for rows of rare classes",
    "cost": "that of the candidates; b C draws for each",
    "needs": ["embeddings", "probabilities"],
    "multilabel": True,
    "kind": "strategy",
    "deterministic": False,
    "runs": ["candidates"],
}


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    candidates: Sequence[str] = ("random", "confidence", "margin", "badge", "typiclust"),
    decay: PositiveShare = 0.9,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, strategy by strategy.

    Parameters
    ----------
    candidates
        Names of the strategies that propose rows. Default: ours.
    decay
        Factor by which earlier evidence is discounted in each round. Default: the authors' code's.
    """
    return select_with_state(pool, budget, rng, candidates=candidates, decay=decay)[0]


def select_with_state(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    candidates: Sequence[str] = select.__kwdefaults__["candidates"],
    decay: PositiveShare = select.__kwdefaults__["decay"],
) -> tuple[np.ndarray, dict[str, Any]]:
    """As `select`; also the posteriors, and the strategy that proposed each row of the batch."""
    counts = updated_counts(pool, list(candidates), decay)
    winners = thompson_winners(counts, rewards(pool), budget, rng)
    chosen = np.zeros(0, np.int64)
    shares = []
    for winner in winners[np.sort(np.unique(winners, return_index=True)[1])].tolist():
        share = int((winners == winner).sum())
        left, rows = sub_pool(pool, np.setdiff1d(pool.unlabeled(), chosen))
        chosen = np.append(chosen, rows[dispatch.select(candidates[winner], left, share, rng)])
        shares.append([winner, share])
    state = {
        "candidates": list(candidates),
        "counts": counts.tolist(),
        "num_labeled": len(pool.labeled),
        "shares": shares,
    }
    return chosen, state


def updated_counts(pool: Pool, candidates: list[str], decay: float) -> np.ndarray:
    """(1, K, C) a or, multi-label, (2, K, C) a and b of each candidate, the last batch included."""
    if not pool.state:
        return np.ones((1 + pool.multilabel, len(candidates), pool.num_classes))
    start, shares = pool.state["num_labeled"], pool.state["shares"]
    stop = start + sum(share for _, share in shares)
    if pool.state["candidates"] != candidates or stop > len(pool.labeled):
        raise InputError(
            f"tailor: its state was recorded with {stop} labelled rows and the candidates "
            f"{', '.join(pool.state['candidates'])}; found {len(pool.labeled)} rows and "
            f"{', '.join(candidates)}"
        )
    counts = decay * np.array(pool.state["counts"])
    for candidate, share in shares:
        has = _memberships(pool)[start : start + share]
        counts[0, candidate] += has.sum(axis=0)
        if pool.multilabel:
            counts[1, candidate] += (1 - has).sum(axis=0)
        start += share
    return counts


def rewards(pool: Pool) -> np.ndarray:
    """(C,) v: the reward of a row of each class."""
    sizes = _memberships(pool).sum(axis=0)
    worth = 1 / np.maximum(sizes, 1)
    return np.where(sizes > len(pool.labeled) / 2, -worth, worth)


def thompson_winners(
    counts: np.ndarray, worth: np.ndarray, draws: int, rng: np.random.Generator
) -> np.ndarray:
    """(draws,) the candidate of the largest reward in each draw of the posteriors."""
    winners = np.empty(draws, np.int64)
    step = chunk_rows(counts[0].size)
    for first in range(0, draws, step):
        shape = (min(step, draws - first), *counts.shape[1:])
        if len(counts) == 2:
            theta = rng.beta(*counts, size=shape)
        else:  # independent gamma variates divided by their sum are a Dirichlet variate
            theta = rng.standard_gamma(1 + counts[0], size=shape)
            theta /= theta.sum(axis=-1, keepdims=True)
        winners[first : first + step] = (theta @ worth).argmax(axis=1)
    return winners


def _memberships(pool: Pool) -> np.ndarray:
    """(L, C) whether each labelled row has each class."""
    if pool.multilabel:
        return np.asarray(pool.labels, dtype=np.int64).reshape(-1, pool.num_classes)
    return (np.asarray(pool.labels)[:, None] == np.arange(pool.num_classes)).astype(np.int64)
