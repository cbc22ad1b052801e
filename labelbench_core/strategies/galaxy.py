"""GALAXY (Zhang et al. 2022): bisection, one label at a time, on a line of rows for each class.

For each class k, all rows are on a line, ordered by p(k | x) minus the largest probability; ties,
such as all rows predicted as k, by the largest probability, then by index. A query bisects the
shortest path on a line between neighbouring labelled rows of which one is of class k and the other
is not. If all such paths are cut, so that the two are next to each other, it takes the unlabelled
row nearest to a cut. Of equal lengths the lowest place on the line counts.

`class_order`: `round_robin` takes the classes in turn, as the authors' code does, and here skips a
class whose line has no cut and no path; `random_class` draws a class for each query, as LabelBench
does. If no class can be queried, a row is drawn among all unlabelled ones. Taking the row nearest
to a cut is LabelBench's form; the authors' code lets the order of its graph grow.

Sequential: each label is known before the next row is chosen. A line is made when it is first used,
and takes in the rows bought since only when it is used again. It keeps the place of each row.
Memory: 4 C N bytes, as the probabilities in float32, half of it below 65,536 rows, and at most 1 GB
of probabilities (ImageNet: 6 GB). Multi-label: the lines are ordered by p(k | x), and a row can be
of any number of classes.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np

from labelbench_core.strategies.kernels.lines import Lines
from labelbench_core.strategies.kernels.purchase import Purchase
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "GALAXY",
    "paper": "Zhang et al. 2022",
    "rule": "bisects between rows of opposite labels on each class's line, then widens the cuts",
    "cost": "C N log N once; N + L per query",
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
    class_order: Literal["round_robin", "random_class"] = "round_robin",
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order bought through `ask`.

    Parameters
    ----------
    class_order
        How the class of a query is chosen: "round_robin", the classes in turn; "random_class", one
        drawn for each query, as in LabelBench. Default: the authors' code's.
    """
    unlabeled = pool.unlabeled()
    if budget == 0:
        return unlabeled[:0]
    purchase = Purchase(pool, budget, ask)
    orders = Lines(pool)
    lines: dict[int, BisectionLine] = {}
    fallback = iter(rng.permutation(unlabeled))
    turn = 0
    while purchase.left:
        if class_order == "random_class":
            turn = int(rng.integers(pool.num_classes))
        askable = ((purchase.counts > 0) & (purchase.counts < len(purchase.rows))).nonzero()[0]
        first = int(askable.searchsorted(turn)) % max(1, len(askable))
        if len(askable) and (class_order == "round_robin" or askable[first] == turn):
            k = int(askable[first])
            if k not in lines:
                turns = np.roll(askable, -first).tolist()
                lines[k] = BisectionLine(
                    orders.order(k, [other for other in turns if other not in lines])
                )
            row = lines[k].query(purchase.rows, purchase.of_class(k, lines[k].known))
            turn = k + 1
        else:
            row = next(int(index) for index in fallback if purchase.free[index])
        purchase.buy(np.array([row]))
    return purchase.bought


class BisectionLine:
    """Rows in the order of one class, some labelled; finds the next row to query.

    Parameters
    ----------
    order
        (N,) row at each place.
    """

    def __init__(self, order: np.ndarray) -> None:
        self._place = np.empty(len(order), np.min_scalar_type(len(order)))
        self._place[order] = np.arange(len(order))
        self._labeled = np.zeros(0, np.int64)  # places with a label, increasing
        self._signs = np.zeros(0, bool)  # whether they are of the class

    @property
    def known(self) -> int:
        """Number of labelled rows that the line knows."""
        return len(self._labeled)

    def query(self, rows: np.ndarray, signs: np.ndarray) -> int:
        """The row to query, if there are labelled rows of both signs.

        Parameters
        ----------
        rows
            (L,) labelled rows; the first `known` are as in the previous query.
        signs
            (L − known,) whether the others are of the class.
        """
        places = np.concatenate([self._labeled, self._place[rows[self.known :]]])
        order = np.argsort(places, kind="stable")  # fast, because most are in order
        self._labeled = places = places[order]
        self._signs = signs = np.concatenate([self._signs, signs])[order]
        cuts = (signs[1:] != signs[:-1]).nonzero()[0]
        lengths = places[cuts + 1] - places[cuts]
        paths = (lengths > 1).nonzero()[0]
        if len(paths):
            first = paths[lengths[paths].argmin()]
            place = int(places[cuts[first]] + lengths[first] // 2)
        else:
            place = self._nearest_to(cuts)
        return int((self._place == place).argmax())

    def _nearest_to(self, cuts: np.ndarray) -> int:
        """Unlabelled place nearest to a cut: at an end of its block of labelled places.

        Parameters
        ----------
        cuts
            Numbers of the labelled places before them.
        """
        labeled = self._labeled
        gaps = np.flatnonzero(np.diff(labeled) > 1)
        block = np.searchsorted(gaps, cuts)
        before = labeled[np.append(0, gaps + 1)[block]] - 1
        after = labeled[np.append(gaps, len(labeled) - 1)[block]] + 1
        places = np.append(before, after)
        distances = np.append(labeled[cuts] - before, after - labeled[cuts + 1])
        distances[(places < 0) | (places >= len(self._place))] = len(self._place)
        return int(places[np.lexsort((places, distances))[0]])
