"""Falcun (Gilhuber et al. 2024): uncertain rows whose predictions differ from those chosen.

A row's relevance starts as its uncertainty, 1 − (difference between the two most likely classes),
and is capped by its distance (L1) to the nearest prediction chosen so far. Rows are drawn one by
one in proportion to relevance ** `gamma`; if no relevance is left, uniformly. Relevance only falls,
so that rows can be drawn by rejection, with the exact distribution: see `kernels.seeding`.
"""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from labelbench_core.registry.options import Interval
from labelbench_core.strategies.arrays import Rows, cast, host
from labelbench_core.strategies.kernels.scores import score_rows
from labelbench_core.strategies.kernels.seeding import draw_centers
from labelbench_core.strategies.margin import margins
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "Falcun",
    "paper": "Gilhuber et al. 2024",
    "rule": "drawn by a power of the distance to chosen predictions, at most the uncertainty",
    "cost": "N C for each pass, few passes; b^2 C",
    "needs": ["probabilities"],
    "multilabel": False,
    "kind": "strategy",
    "deterministic": False,
}


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    gamma: Annotated[float, Interval(gt=0, le=100)] = 10.0,
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order drawn.

    Parameters
    ----------
    gamma
        Rows are drawn in proportion to this power of their relevance; larger is greedier. Default:
        another code's (dal-toolbox, scikit-activeml).
    """
    unlabeled = pool.unlabeled()
    if budget == 0:
        return unlabeled[:0]
    weights = np.full(pool.num_rows, np.nan)
    scores = score_rows(pool.probabilities, margins)[unlabeled]
    weights[unlabeled] = np.clip(1 - scores, 0, 1) ** gamma
    total = weights[unlabeled].sum()
    shares = weights[unlabeled] / total if total > 0 else None
    first = int(rng.choice(unlabeled, p=shares))
    return draw_centers(_Predictions(pool.probabilities, gamma), weights, first, budget, rng)


@dataclass(frozen=True)
class _Sample:
    """Predictions (n, C) of some rows, float64, whose weights are powers of their distances."""

    values: np.ndarray
    gamma: float

    def distances(self, other: "_Sample") -> np.ndarray:
        """(n, m) sums of absolute differences to the power of gamma."""
        sums = np.zeros((len(self.values), len(other.values)))
        for mine, theirs in zip(self.values.T, other.values.T, strict=True):
            sums += np.abs(mine[:, None] - theirs)
        return sums**self.gamma

    def room(self, count: int) -> "_Sample":
        """Space for `count` predictions."""
        return _Sample(np.zeros((count, self.values.shape[1])), self.gamma)

    def put(self, position: int, other: "_Sample", index: int) -> None:
        """Store prediction `index` of `other` at `position`."""
        self.values[position] = other.values[index]

    def part(self, first: int, stop: int) -> "_Sample":
        """The predictions first..stop."""
        return _Sample(self.values[first:stop], self.gamma)


class _Predictions:
    """The predictions of all rows of a pool."""

    def __init__(self, probabilities: Any, gamma: float) -> None:
        self.rows, self.gamma = Rows(probabilities), gamma

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, indices: np.ndarray) -> _Sample:
        """The sample of the rows `indices`."""
        return _Sample(cast(host(self.rows.take(indices)), "float64"), self.gamma)

    def lower(self, weights: np.ndarray, centers: _Sample) -> np.ndarray:
        """(N,) the smaller of `weights` and what the nearest of `centers` leaves."""
        lowered = np.empty(len(self))
        for first, chunk in self.rows.chunks():
            part = _Sample(cast(host(chunk), "float64"), self.gamma)
            where = slice(first, first + len(chunk))
            for begin in range(0, len(centers.values), 16):  # chunk times 16 stays in memory
                some = centers.part(begin, begin + 16)
                nearest = part.distances(some).min(axis=1)
                weights_here = lowered[where] if begin else weights[where]
                lowered[where] = np.minimum(weights_here, nearest)
        return lowered
