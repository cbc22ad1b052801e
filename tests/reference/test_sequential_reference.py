"""Strategies that buy label by label choose what a full look at the pool per query chooses."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.plain import galaxy as plain_galaxy
from helpers.buying import Annotator, lines, signs, truth_and_pool
from helpers.choosing import choose
from labelbench_core.errors import InputError
from labelbench_core.selection.annotator import LabelSeller, SequentialPurchase
from labelbench_core.strategies.kernels import lines as lines_module
from labelbench_core.strategies.testing import Blocks


def query(line, of_class):
    """The next row on one line: `of_class` maps labelled rows to whether they are of its class."""
    places = [place for place, row in enumerate(line) if row in of_class]
    opposite = [
        (last - first, first, last)
        for first, last in pairwise(places)
        if of_class[line[first]] != of_class[line[last]]
    ]
    paths = [path for path in opposite if path[0] > 1]
    if paths:
        _, first, last = min(paths)
        return line[(first + last) // 2]
    free = [place for place in range(len(line)) if line[place] not in of_class]
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
            pick = query(lines(pool)[k], signs(pool, known, k))
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
    truth, pool = truth_and_pool(60, multilabel=True)
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
    seller = LabelSeller(truth, pool.labeled)
    ask = SequentialPurchase(seller, 30)
    chosen = choose("galaxy", pool, 30, ask=ask)
    assert ask.asked == chosen.tolist()
    assert seller.bought.tolist() == [*pool.labeled, *chosen]


def test_galaxy_class_order_is_checked():
    truth, pool = truth_and_pool()
    with pytest.raises(InputError, match="class_order"):
        choose("galaxy", pool, 3, ask=Annotator(truth), class_order="other")


@pytest.mark.parametrize(("classes", "labeled", "noise"), [(4, 9, 0.2), (2, 1, 0.1), (3, 1, 1.0)])
def test_galaxy_as_its_plain_form(classes, labeled, noise):
    truth, pool = truth_and_pool(60, classes, labeled, noise=noise)
    budget = len(pool.unlabeled())
    plain = plain_galaxy.select(pool, budget, np.random.default_rng(1), Annotator(truth))
    assert choose("galaxy", pool, budget, 1, ask=Annotator(truth)).tolist() == plain.tolist()


def test_galaxy_reads_some_columns_at_a_time(monkeypatch):
    truth, pool = truth_and_pool(60, classes=5)
    expected = choose("galaxy", pool, 40, ask=Annotator(truth))
    monkeypatch.setattr(lines_module, "VALUES_AHEAD", 2 * 60)
    blocks = replace(pool, probabilities=Blocks(pool.probabilities, 7))
    for few in (pool, blocks):
        assert choose("galaxy", few, 40, ask=Annotator(truth)).tolist() == expected.tolist()


@pytest.mark.parametrize("multilabel", [False, True])
def test_lines_in_any_order(multilabel):
    _, pool = truth_and_pool(60, classes=4, kinds=9, multilabel=multilabel)
    orders = lines_module.Lines(pool)
    for k, turns in [(2, [2, 3, 1]), (1, [1]), (0, [0, 1]), (3, [3]), (2, [2, 3]), (1, [1])]:
        assert orders.order(k, turns).tolist() == lines(pool)[k]


@given(st.lists(st.tuples(st.sampled_from([-1.0, -0.0, 0.0, 0.5]), st.integers(0, 2)), max_size=30))
def test_rows_are_sorted_by_key_then_second_key_then_index(pairs):
    keys, then = (np.array([pair[i] for pair in pairs], float) for i in (0, 1))
    expected = sorted(range(len(pairs)), key=lambda i: (keys[i], then[i], i))
    assert lines_module.sorted_rows(keys, then).tolist() == expected
