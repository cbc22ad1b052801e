"""Cuts of a line of rows into two parts; the rows from the cut on are assigned to a class.

Cut c, from 0 to N, leaves c rows below it. Labelled rows are given by their `places`, (m,)
increasing, and by whether they are of the class.
"""

import math

import numpy as np


def errors(of_class: np.ndarray) -> np.ndarray:
    """(m + 1,) labelled rows on the wrong side of a cut with 0, 1, …, m of them below it."""
    steps = np.append(0, np.where(of_class, 1, -1)).cumsum()
    return steps + np.count_nonzero(~of_class)


def version_space(places: np.ndarray, of_class: np.ndarray, rows: int) -> tuple[int, int]:
    """The lowest and the highest cut that labels leave open.

    The open cuts are above the lowest labelled rows that are all not of the class, and below the
    highest ones that are all of it.
    """
    yes, no = np.flatnonzero(of_class), np.flatnonzero(~of_class)
    above = places[: yes[0]] if len(yes) else places
    below = places[no[-1] + 1 :] if len(no) else places
    return (int(above[-1]) + 1 if len(above) else 0), (int(below[0]) if len(below) else rows)


def best_cut(places: np.ndarray, wrong: np.ndarray, low: int, high: int) -> int:
    """The cut from `low` to `high` with the fewest errors; of equal ones the highest."""
    first, last = np.searchsorted(places, (low, high))
    below = last - int(wrong[first : last + 1][::-1].argmin())
    return high if below == last else int(places[below])


def shrink(
    places: np.ndarray, wrong: np.ndarray, low: int, high: int, target: int
) -> tuple[int, int]:
    """Narrow a version space until `target` unlabelled rows lie between its ends.

    The end with more errors moves by one row; if both have equally many they move in turn, the
    lower one first. Runs of unlabelled rows, which change no errors, are taken at once.
    """
    first, last = (int(i) for i in np.searchsorted(places, (low, high)))
    spare = high - low - (last - first) - target  # rows still to be left out
    lower_turn = True
    while spare > 0:
        up, down = high - low, high - low  # rows to the next labelled one
        if first < last:
            up, down = int(places[first]) - low, high - 1 - int(places[last - 1])
        limit = spare
        lower = wrong[first] > wrong[last]
        if wrong[first] == wrong[last]:
            pairs = min(up, down, spare // 2)
            low, high, spare = low + pairs, high - pairs, spare - 2 * pairs
            if pairs:
                continue
            lower, lower_turn, limit = lower_turn, not lower_turn, 1
        moved = min(up if lower else down, limit)
        spare -= moved
        if lower:
            low, first = low + max(moved, 1), first + (moved == 0)
        else:
            high, last = high - max(moved, 1), last - (moved == 0)
    return low, high


def nearest(free: np.ndarray, cut: int, count: int) -> np.ndarray:
    """`count` places nearest to a cut, nearest first; of equally near ones the higher first.

    Parameters
    ----------
    free
        (N,) whether a place can be taken.
    """
    above = cut + np.flatnonzero(free[cut:])[:count]
    below = np.flatnonzero(free[:cut])[::-1][:count]
    distances = np.append(above - cut, cut - 1 - below)
    return np.append(above, below)[np.argsort(distances, kind="stable")[:count]]


def target_size(size: int, calls_left: int) -> int:
    """Rows to be left of a version space of `size`, such that equal factors leave 1 at the end."""
    return math.ceil(size ** (1 - 1 / calls_left) - 1e-9)  # not one row more because of rounding
