"""Strategies that buy label by label choose what a full look at the pool per query chooses."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from choosing import choose

from labelbench_core.errors import InputError
from labelbench_core.oracle import Oracle, SequentialPurchase
from labelbench_core.strategies.testing import make_pool


class Annotator:
    """Answers from the truth and remembers what it was asked."""

    def __init__(self, truth):
        self.truth, self.asked = truth, []

    def __call__(self, indices):
        self.asked += np.asarray(indices).tolist()
        return self.truth[indices]


def truth_and_pool(rows=150, classes=3, labeled=6, seed=0, noise=0.3, kinds=None):
    """A pool whose labels mostly follow its probabilities; `kinds` distinct rows of them."""
    rng = np.random.default_rng(seed)
    pool = make_pool(rows, classes=classes, labeled=labeled, seed=seed)
    if kinds:
        pool = replace(pool, probabilities=pool.probabilities[np.arange(rows) % kinds])
    truth = pool.probabilities.argmax(axis=1)
    truth = np.where(rng.random(rows) < noise, rng.integers(0, classes, rows), truth)
    return truth, replace(pool, labels=truth[pool.labeled])


def lines(pool):
    """Rows in the order of each class."""
    p = pool.probabilities.astype(np.float64)
    rows = range(len(p))
    if pool.multilabel:
        return [sorted(rows, key=lambda i: (p[i, k], i)) for k in range(p.shape[1])]
    return [
        sorted(rows, key=lambda i: (p[i, k] - p[i].max(), p[i].max(), i))
        for k in range(p.shape[1])
    ]  # fmt: skip


def query(line, signs):
    """The next row on one line: `signs` maps labelled rows to whether they are of its class."""
    places = [place for place, row in enumerate(line) if row in signs]
    opposite = [
        (last - first, first, last)
        for first, last in pairwise(places)
        if signs[line[first]] != signs[line[last]]
    ]
    paths = [path for path in opposite if path[0] > 1]
    if paths:
        _, first, last = min(paths)
        return line[(first + last) // 2]
    free = [place for place in range(len(line)) if line[place] not in signs]
    distances = [
        (min(abs(place - first), abs(place - last)), place)
        for place in free
        for _, first, last in opposite
    ]
    return line[min(distances)[1]] if distances else None


def galaxy(pool, truth, budget, seed, class_order):
    rng = np.random.default_rng(seed)
    known = dict(zip(pool.labeled.tolist(), pool.labels, strict=True))
    order = rng.permutation(pool.unlabeled())
    chosen, turn = [], 0
    classes = pool.num_classes
    for _ in range(budget):
        asked = [(turn + step) % classes for step in range(classes)]
        if class_order == "random_class":
            asked = [rng.integers(classes)]
        pick = None
        for k in asked:
            signs = {
                row: bool(label[k]) if pool.multilabel else label == k
                for row, label in known.items()
            }
            pick = query(lines(pool)[k], signs)
            if pick is not None:
                turn = k + 1
                break
        if pick is None:
            pick = next(row for row in order if row not in known)
        known[int(pick)] = truth[pick]
        chosen.append(int(pick))
    return chosen


@pytest.mark.parametrize("class_order", ["round_robin", "random_class"])
@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"classes": 2},
        {"classes": 5, "noise": 0.0},
        {"noise": 1.0, "seed": 3},
        {"kinds": 4},
        {"kinds": 1, "noise": 1.0},
        {"labeled": 1},
        {"labeled": 1, "noise": 0.02, "seed": 2, "classes": 4},
        {"labeled": 60},
    ],
    ids=str,
)
def test_galaxy(kind, class_order):
    truth, pool = truth_and_pool(**({"rows": 80} | kind))
    for budget in (15, len(pool.unlabeled())):
        ask = Annotator(truth)
        chosen = choose("galaxy", pool, budget, 1, ask=ask, class_order=class_order)
        assert chosen.tolist() == galaxy(pool, truth, budget, 1, class_order)
        assert ask.asked == chosen.tolist()


def test_galaxy_where_one_class_is_all_there_is():
    truth, pool = truth_and_pool(40, labeled=2)
    truth = np.zeros_like(truth)
    pool = replace(pool, labels=truth[pool.labeled])
    chosen = choose("galaxy", pool, 38, 1, ask=Annotator(truth))
    assert chosen.tolist() == galaxy(pool, truth, 38, 1, "round_robin")
    assert chosen[:10].tolist() != sorted(chosen[:10])


def test_galaxy_multilabel():
    truth, pool = truth_and_pool(60, classes=3)
    rng = np.random.default_rng(0)
    truth = pool.probabilities + 0.2 * rng.standard_normal((60, 3)) > 0.4
    pool = replace(pool, labels=truth[pool.labeled], multilabel=True)
    chosen = choose("galaxy", pool, 40, 1, ask=Annotator(truth))
    assert chosen.tolist() == galaxy(pool, truth, 40, 1, "round_robin")


def test_galaxy_in_turn_by_default():
    truth, pool = truth_and_pool()
    chosen = choose("galaxy", pool, 40, ask=Annotator(truth))
    in_turn = choose("galaxy", pool, 40, ask=Annotator(truth), class_order="round_robin")
    drawn = choose("galaxy", pool, 40, ask=Annotator(truth), class_order="random_class")
    assert np.array_equal(chosen, in_turn)
    assert not np.array_equal(chosen, drawn)


def test_galaxy_spends_the_budget_that_it_returns():
    truth, pool = truth_and_pool()
    oracle = Oracle(truth, pool.labeled)
    ask = SequentialPurchase(oracle, 30)
    chosen = choose("galaxy", pool, 30, ask=ask)
    assert ask.asked == chosen.tolist()
    assert oracle.bought.tolist() == [*pool.labeled, *chosen]


def test_galaxy_class_order_is_checked():
    truth, pool = truth_and_pool()
    with pytest.raises(InputError, match="class_order"):
        choose("galaxy", pool, 3, ask=Annotator(truth), class_order="other")
