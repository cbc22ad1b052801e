"""GALAXY at its plainest: each query walks along a whole line of Python objects."""

from collections.abc import Callable

import numpy as np

from labelbench_core.strategies import Pool


class Node:
    """A row, the same object on the lines of all classes."""

    def __init__(self, row: int, num_classes: int) -> None:
        self.row = row
        self.labeled = False
        self.label = np.zeros(num_classes, int)

    def update(self, label: int) -> None:
        """Make the label known."""
        self.labeled = True
        self.label[label] = 1


Line = list[Node]


def setup(pool: Pool) -> list[Line]:
    """The line of each class."""
    nodes = [Node(row, pool.num_classes) for row in range(pool.num_rows)]
    for row, label in zip(pool.labeled, pool.labels, strict=True):
        nodes[row].update(label)
    probabilities = pool.probabilities.astype(np.float64)
    top = probabilities.max(axis=1)
    orders = [np.lexsort((top, column)) for column in (probabilities - top[:, None]).T]
    return [[nodes[row] for row in order] for order in orders]


def select(
    pool: Pool, budget: int, rng: np.random.Generator, ask: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order bought."""
    lines = setup(pool)
    nodes = {node.row: node for node in lines[0]}
    fallback = [nodes[row] for row in rng.permutation(pool.unlabeled()).tolist()]
    chosen: list[int] = []
    turn = 0
    while len(chosen) < budget:
        node = None
        for k in [*range(turn, len(lines)), *range(turn)]:
            node = _query(lines[k], k)
            if node is not None:
                turn = (k + 1) % len(lines)
                break
        if node is None:
            node = next(node for node in fallback if not node.labeled)
        node.update(ask(np.array([node.row]))[0])
        chosen.append(node.row)
    return np.array(chosen, dtype=np.int64)


def _query(line: Line, k: int) -> Node | None:
    """The middle of the shortest unlabelled run between opposite labels, else nearest to a cut."""
    shortest = nearest = run = last = cut = None
    for place, node in enumerate(line):
        if node.labeled:
            if last is not None and node.label[k] != last.label[k]:
                if run is None:
                    cut = place
                elif shortest is None or run[1] - run[0] < shortest[1] - shortest[0]:
                    shortest = run
            last, run = node, None
        else:
            if run is None:
                run = [place, place]
            run[1] = place
            if cut is not None and (nearest is None or place - cut < nearest[0]):
                nearest = (place - cut, place)
    if shortest is not None:
        return line[(shortest[0] + shortest[1]) // 2]
    last = cut = None
    for place, node in reversed(list(enumerate(line))):
        if node.labeled:
            if last is not None and last.labeled and node.label[k] != last.label[k]:
                cut = place
        elif cut is not None and (nearest is None or (cut - place, place) < nearest):
            nearest = (cut - place, place)
        last = node
    return None if nearest is None else line[nearest[1]]
