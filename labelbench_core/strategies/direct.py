"""DIRECT (Nuggehalli et al. 2023): finds where each class ends on its line, and buys there.

For each class, all rows are ordered on a line as in GALAXY, and a cut of the line assigns the rows
above it to the class. The version space of a class contains the cuts above its lowest labelled
rows, as far as none of them is of the class, and below its highest, as far as all are.

1. `reduction_share` of the budget is spent on the rarest classes among the labelled rows: as many
   as can have at least `labels_per_class` each, or one. Each narrows its version space: `parallel`
   unlabelled rows drawn uniformly from it are bought; then the end with more errors among all
   labelled rows moves in, row by row, until n^(1 - 1 / calls left) of n unlabelled rows are between
   the ends. After the last call it is not narrowed again.
2. The rest of the budget is shared by all classes, in random order. A class takes the cut with the
   fewest errors, which is robust to wrong labels, and buys the unlabelled rows nearest to it in
   position, on the side of the class first.

Labels are bought in calls of at most `parallel` rows, in step 2 as well. What a class leaves of its
share of step 1, because no row of its version space is unlabelled, is spent in step 2.

The rule is that of the authors' code, which is the code in LabelBench, without its bugs; the
paper's own listing was not available. In that code, no class is left out if there are fewer than
`labels_per_class` labels for each, and each gets no more than that if there are more (`share_bound`
= `most` does so); the ends of a version space are rows, so its cuts are off by one; if the budget
is not a multiple of a call, it shrinks less often; each of two classes has a line, although that of
the rarer class suffices; and few unlabelled rows lower the shares of all later classes. Ties are
left open: in the errors at both ends (there a coin is tossed for each row, here the ends move in
turn), in the errors of cuts (there and here the one with fewer rows on the class's side), between
rare classes (here the lower index). `threshold` = `interval` keeps the cut inside what remains of
the version space after step 1; `line` lets all labels decide, as the authors' code does.

Memory: at most 1 GB of probabilities, and 2 GB of lines of step 1 that step 2 reuses. Multi-label:
the lines are ordered by p(k | x), and a row can be of any number of classes.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np

from labelbench_core.registry.options import Count, Share
from labelbench_core.strategies.kernels.lines import VALUES_AHEAD, Lines
from labelbench_core.strategies.kernels.purchase import Purchase
from labelbench_core.strategies.kernels.threshold import (
    best_cut,
    errors,
    nearest,
    shrink,
    target_size,
    version_space,
)
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "DIRECT",
    "paper": "Nuggehalli et al. 2023",
    "rule": "narrows down each rare class's threshold on its line, then buys around all thresholds",
    "cost": "C N log N",
    "needs": ["probabilities", "labels"],
    "multilabel": True,
    "kind": "sequential",
    "deterministic": False,
}


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    ask: Callable[[np.ndarray], np.ndarray],
    *,
    parallel: Count = 20,
    labels_per_class: Count = 60,
    share_bound: Literal["least", "most"] = "least",
    reduction_share: Share = 0.5,
    threshold: Literal["line", "interval"] = "line",
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order bought through `ask`.

    Parameters
    ----------
    parallel
        Largest number of labels bought in one call of `ask`. Default: LabelBench's.
    labels_per_class
        Bound on the labels per class in step 1; `share_bound` says of which kind. Default:
        LabelBench's.
    share_bound
        What `labels_per_class` is: "least", the fewest labels that each class of step 1 gets, so
        that fewer classes share the budget; "most", the most that it can get, as in LabelBench.
        Default: ours.
    reduction_share
        Share of the budget that step 1 gets. Default: the authors' code's.
    threshold
        Where a class's cut is searched for: on the whole "line", or in the "interval" that remains
        of its version space after step 1. Default: the authors' code's.
    """
    purchase = Purchase(pool, budget, ask)
    classes = np.argsort(purchase.counts, kind="stable")  # the rarest first
    if pool.num_classes == 2 and not pool.multilabel:
        classes = classes[:1]
    orders = Lines(pool)

    shares = reduction_shares(
        int(reduction_share * budget), len(classes), labels_per_class, share_bound
    )
    rare = classes[: len(shares)].tolist()
    spaces: dict[int, tuple[int, int]] = {}
    kept: dict[int, ThresholdLine] = {}
    for number, (k, share) in enumerate(zip(rare, shares, strict=True)):
        line = ThresholdLine(orders.order(k, rare[number:]), k, purchase)
        spaces[k] = line.reduce(share, parallel, rng)
        if len(kept) < max(1, VALUES_AHEAD // pool.num_rows):
            kept[k] = line

    turns = rng.permutation(classes).tolist()
    for number, (k, share) in enumerate(zip(turns, even(purchase.left, len(turns)), strict=True)):
        line = kept.pop(k, None)
        if line is None:
            later = [other for other in turns[number:] if other not in kept]
            line = ThresholdLine(orders.order(k, later), k, purchase)
        space = (0, pool.num_rows)
        if threshold == "interval":
            space = spaces[k] if k in spaces else line.version_space()
        line.buy_around(line.best_cut(space), share, parallel)
    return purchase.bought


def reduction_shares(total: int, classes: int, bound: int, share_bound: str) -> list[int]:
    """Labels for the version space of the rarest class, the next one, …: at most `total` in all."""
    if share_bound == "most":
        return [min(bound, total // classes)] * classes
    return even(total, min(classes, max(1, total // bound)))


def even(total: int, parts: int) -> list[int]:
    """`total` divided into `parts` that differ by at most 1."""
    return [total * (part + 1) // parts - total * part // parts for part in range(parts)]


class ThresholdLine:
    """Rows in the order of class k, and their known labels.

    Parameters
    ----------
    order
        (N,) row at each place.
    """

    def __init__(self, order: np.ndarray, k: int, purchase: Purchase) -> None:
        self._k, self._purchase = k, purchase
        self._order = order.astype(np.min_scalar_type(len(order)))
        self._place = np.empty_like(self._order)
        self._place[order] = np.arange(len(order))

    def version_space(self) -> tuple[int, int]:
        """The lowest and the highest cut that the labels leave open."""
        return version_space(*self._labeled(), len(self._order))

    def reduce(self, share: int, parallel: int, rng: np.random.Generator) -> tuple[int, int]:
        """Narrow the version space with up to `share` labels; returns what remains of it."""
        low, high = self.version_space()
        while share:
            free = low + np.flatnonzero(self._purchase.free[self._order[low:high]])
            count = min(parallel, share, len(free))
            if count == 0:
                break
            self._purchase.buy(self._rows(rng.choice(free, count, replace=False)))
            calls_left = -(-share // parallel)
            if calls_left > 1:
                places, of_class = self._labeled()
                target = target_size(len(free) - count, calls_left)
                low, high = shrink(places, errors(of_class), low, high, target)
            share -= count
        return low, high

    def best_cut(self, space: tuple[int, int]) -> int:
        """The cut in a version space with the fewest errors."""
        places, of_class = self._labeled()
        return best_cut(places, errors(of_class), *space)

    def buy_around(self, cut: int, count: int, parallel: int) -> None:
        """Buy the `count` unlabelled rows nearest to a cut."""
        rows = self._rows(nearest(self._purchase.free[self._order], cut, count))
        for first in range(0, count, parallel):
            self._purchase.buy(rows[first : first + parallel])

    def _rows(self, places: np.ndarray) -> np.ndarray:
        """(k,) int64 rows at some places."""
        return self._order[places].astype(np.int64)

    def _labeled(self) -> tuple[np.ndarray, np.ndarray]:
        """(m,) int64 places with a label, increasing, and whether they are of the class."""
        places = self._place[self._purchase.rows].astype(np.int64)
        order = np.argsort(places)
        return places[order], self._purchase.of_class(self._k)[order]
