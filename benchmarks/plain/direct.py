"""DIRECT at its plainest: all errors anew for each row by which a version space narrows.

Its picks depend on the whole budget, so only all of them together can be timed.
"""

import math
from collections.abc import Callable

import numpy as np

from benchmarks.plain.galaxy import Line, setup
from labelbench_core.strategies import Pool

PARALLEL, LABELS_PER_CLASS, REDUCTION_SHARE = 20, 60, 0.5
Ask = Callable[[np.ndarray], np.ndarray]


def select(pool: Pool, budget: int, rng: np.random.Generator, ask: Ask) -> np.ndarray:
    """(budget,) int64 distinct unlabelled indices, in the order bought."""
    lines = setup(pool)
    sizes = np.bincount(pool.labels, minlength=len(lines))
    classes = sorted(range(len(lines)), key=lambda k: (sizes[k], k))
    if len(classes) == 2:
        classes = classes[:1]
    chosen: list[int] = []

    total = int(REDUCTION_SHARE * budget)
    count = min(len(classes), max(1, total // LABELS_PER_CLASS))
    for i, k in enumerate(classes[:count]):
        share = total * (i + 1) // count - total * i // count
        chosen += _reduce_version_space(lines[k], k, share, rng, ask)

    left = budget - len(chosen)
    for i, k in enumerate(rng.permutation(classes)):
        share = left * (i + 1) // len(classes) - left * i // len(classes)
        chosen += _query_around_threshold(lines[k], k, share, ask)
    return np.array(chosen, dtype=np.int64)


def _reduce_version_space(
    line: Line, k: int, share: int, rng: np.random.Generator, ask: Ask
) -> list[int]:
    low, high = 0, len(line)
    for place, node in enumerate(line):
        if node.labeled:
            if node.label[k] == 1:
                break
            low = place + 1
    for place, node in reversed(list(enumerate(line))):
        if node.labeled:
            if node.label[k] != 1:
                break
            high = place
    chosen: list[int] = []
    while share > 0:
        free = [place for place in range(low, high) if not line[place].labeled]
        if not free:
            break
        drawn = rng.choice(free, min(PARALLEL, share, len(free)), replace=False)
        chosen += _buy(line, drawn, ask)
        calls_left = math.ceil(share / PARALLEL)
        if calls_left > 1:
            low, high = _shrunk(line, k, low, high, calls_left)
        share -= len(drawn)
    return chosen


def _shrunk(line: Line, k: int, low: int, high: int, calls_left: int) -> tuple[int, int]:
    size = sum(not line[place].labeled for place in range(low, high))
    target = math.ceil(size ** (1 - 1 / calls_left) - 1e-9)
    signs = _signs(line, k)
    lower_turn = True
    while size > target:
        wrong = _errors(signs)
        lower = wrong[low] > wrong[high]
        if wrong[low] == wrong[high]:
            lower, lower_turn = lower_turn, not lower_turn
        size -= not line[low if lower else high - 1].labeled
        low, high = (low + 1, high) if lower else (low, high - 1)
    return low, high


def _query_around_threshold(line: Line, k: int, share: int, ask: Ask) -> list[int]:
    wrong = _errors(_signs(line, k))
    above = len(line) - int(np.argmin(wrong[::-1]))
    below = above - 1
    places: list[int] = []
    while len(places) < share:
        if above < len(line) and not line[above].labeled:
            places.append(above)
        if len(places) < share and below >= 0 and not line[below].labeled:
            places.append(below)
        above, below = above + 1, below - 1
    chosen: list[int] = []
    for first in range(0, share, PARALLEL):
        chosen += _buy(line, places[first : first + PARALLEL], ask)
    return chosen


def _buy(line: Line, places: np.ndarray | list[int], ask: Ask) -> list[int]:
    nodes = [line[place] for place in places]
    labels = ask(np.array([node.row for node in nodes]))
    for node, label in zip(nodes, labels, strict=True):
        node.update(label)
    return [node.row for node in nodes]


def _signs(line: Line, k: int) -> np.ndarray:
    """(N,) 1 at labelled rows of class k, −1 at other labelled ones, 0 where there is no label."""
    return np.array([0 if not node.labeled else 1 if node.label[k] == 1 else -1 for node in line])


def _errors(signs: np.ndarray) -> np.ndarray:
    """(N + 1,) labelled rows on the wrong side of each cut."""
    below = np.insert(np.cumsum(signs > 0), 0, 0)
    above = np.insert(np.cumsum(signs[::-1] < 0), 0, 0)[::-1]
    return below + above
