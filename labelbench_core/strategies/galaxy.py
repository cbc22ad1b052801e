"""GALAXY (Zhang et al. 2022): bisection, one label at a time, on one line of rows per class.

For each class k, all rows stand on a line, ordered by p(k | x) less the largest probability; equal
ones, such as all rows predicted as k, by the largest probability, then by index. A query bisects
the shortest path of a line between neighbouring labelled rows of which one is of class k and the
other is not. Where all such paths are cut, so that the two are next to each other, it takes the
unlabelled row nearest to a cut. Equal lengths go to the lowest place on the line.

`class_order`: `round_robin` asks the classes in turn, as the authors' code does, and here passes
over one whose line has no cut and no path; `random_class` draws a class for each query, as
LabelBench does. Where no class asked has an answer, a row is drawn among all unlabelled ones. The
nearest row to a cut is LabelBench's form; the authors' code lets the order of its graph grow.

Sequential: each label is known before the next row is chosen. The runs between labelled rows and
the blocks of labelled rows around cuts are kept in heaps, so a query looks at no other row.
Memory: 13 C N bytes. Multi-label: the lines are ordered by p(k | x), and a row is of any number of
classes.
"""

from bisect import bisect
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import pairwise

import numpy as np

from labelbench_core.errors import InputError
from labelbench_core.strategies._arrays import Rows, cast, host
from labelbench_core.strategies.pool import Pool

INFO = {
    "name": "GALAXY",
    "paper": "Zhang et al. 2022",
    "rule": "bisects between rows of opposite labels on each class's line, then widens the cuts",
    "cost": "C N log N once; C log N per query",
    "needs": ["probabilities", "labels"],
    "multilabel": True,
    "kind": "sequential",
    "deterministic": False,
}
CLASS_ORDERS = ("round_robin", "random_class")


def select(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    ask: Callable[[np.ndarray], np.ndarray],
    *,
    class_order: str = "round_robin",
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order bought through `ask`."""
    if class_order not in CLASS_ORDERS:
        allowed = ", ".join(CLASS_ORDERS)
        raise InputError(f"galaxy: class_order = {class_order!r}; allowed: {allowed}")
    unlabeled = pool.unlabeled()
    if budget == 0:
        return unlabeled[:0]
    lines = _lines(pool)
    for index, label in zip(pool.labeled, pool.labels, strict=True):
        _put(lines, index, label, pool.multilabel)
    fallback = iter(rng.permutation(unlabeled))
    free = set(unlabeled.tolist())
    chosen = np.empty(budget, np.int64)
    turn = 0
    for position in range(budget):
        if class_order == "round_robin":
            turns = [(turn + step) % len(lines) for step in range(len(lines))]
        else:
            turns = [int(rng.integers(len(lines)))]
        found = None
        for k in turns:
            found = lines[k].query()
            if found is not None:
                turn = k + 1
                break
        if found is None:
            found = next(int(index) for index in fallback if int(index) in free)
        label = ask(np.array([found]))[0]
        _put(lines, found, label, pool.multilabel)
        free.remove(found)
        chosen[position] = found
    return chosen


def _put(lines: list["Line"], index: int, label: np.ndarray, multilabel: bool) -> None:
    """Make a label known to all lines."""
    for k, line in enumerate(lines):
        line.put(int(index), bool(label[k]) if multilabel else int(label) == k)


def _lines(pool: Pool) -> list["Line"]:
    """The line of each class."""
    rows = Rows(pool.probabilities)
    probabilities = np.empty((pool.num_classes, len(rows)), np.float32)
    for first, chunk in rows.chunks():
        probabilities[:, first : first + len(chunk)] = host(cast(chunk, "float32")).T
    if pool.multilabel:
        return [Line(np.argsort(p, kind="stable")) for p in probabilities]
    top = probabilities.max(axis=0)
    return [Line(np.lexsort((top, p.astype(np.float64) - top))) for p in probabilities]


class Line:
    """Rows in the order of one class, some labelled; finds the next to ask for.

    Parameters
    ----------
    order
        (N,) row at each place.
    """

    def __init__(self, order: np.ndarray) -> None:
        self.order = order.astype(np.int32 if len(order) < 2**31 else np.int64)
        self.place = np.empty_like(self.order)
        self.place[order] = np.arange(len(order))
        self.signs = np.zeros(len(order), np.int8)  # 0: not labelled
        self.labeled: list[int] = []  # labelled places, increasing
        self.next: dict[int, int] = {}  # labelled place: the labelled place after it
        # Paths between labelled places of opposite signs: (length, first, last).
        self.paths: list[tuple[int, int, int]] = []
        # Blocks of labelled places without a gap. First place: last place, and the first and the
        # last place after which there is a cut, if any. Last place: first place.
        self.blocks: dict[int, tuple[int, tuple[int, ...]]] = {}
        self.starts: dict[int, int] = {}
        # Unlabelled places next to a block with a cut: (distance to the cut, place).
        self.borders: list[tuple[int, int]] = []

    def put(self, row: int, positive: bool) -> None:
        """Make a label known."""
        place = int(self.place[row])
        self.signs[place] = 1 if positive else -1
        rank = bisect(self.labeled, place)
        self.labeled.insert(rank, place)
        near = self.labeled[max(rank - 1, 0) : rank + 2]
        for first, last in pairwise(near):
            self.next[first] = last
            if last - first > 1 and self.signs[first] != self.signs[last]:
                heappush(self.paths, (last - first, first, last))
        self._join(place)

    def query(self) -> int | None:
        """The row to ask for; None where no two labelled rows have opposite signs."""
        while self.paths:
            length, first, last = self.paths[0]
            if self.next[first] == last:
                return int(self.order[first + length // 2])
            heappop(self.paths)
        while self.borders:
            place = self.borders[0][1]
            if self.signs[place] == 0:
                return int(self.order[place])
            heappop(self.borders)
        return None

    def _join(self, place: int) -> None:
        """Let a labelled place and the blocks on both of its sides be one block."""
        first = last = place
        cuts: list[int] = []
        if place - 1 in self.starts:
            first = self.starts.pop(place - 1)
            cuts += self.blocks.pop(first)[1]
            if self.signs[place - 1] != self.signs[place]:
                cuts.append(place - 1)
        if place + 1 in self.blocks:
            if self.signs[place] != self.signs[place + 1]:
                cuts.append(place)
            last, others = self.blocks.pop(place + 1)
            cuts += others
        self.starts[last] = first
        self.blocks[first] = (last, (cuts[0], cuts[-1]) if cuts else ())
        if cuts:
            if first > 0:
                heappush(self.borders, (cuts[0] - first + 1, first - 1))
            if last + 1 < len(self.order):
                heappush(self.borders, (last - cuts[-1], last + 1))
