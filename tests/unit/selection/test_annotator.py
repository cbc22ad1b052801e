"""Labels are bought once, within the budget, and in no other way."""

import numpy as np
import pytest

from labelbench_core.errors import InputError
from labelbench_core.selection.annotator import LabelSeller, SequentialPurchase
from labelbench_core.selection.initial_pool import draw


def test_labels_come_in_the_order_bought():
    seller = LabelSeller(np.array([5, 6, 7, 8]), np.array([2]))
    assert seller.buy(np.array([3, 0])).tolist() == [8, 5]
    assert seller.bought.tolist() == [2, 3, 0]
    assert seller.labels.tolist() == [7, 8, 5]


@pytest.mark.parametrize("indices", [[2], [0, 0]])
def test_a_label_cannot_be_bought_twice(indices):
    seller = LabelSeller(np.arange(4), np.array([2]))
    with pytest.raises(ValueError, match="bought twice"):
        seller.buy(np.array(indices))
    assert seller.bought.tolist() == [2]


def test_a_sequential_purchase_ends_with_the_budget():
    ask = SequentialPurchase(LabelSeller(np.arange(10), np.zeros(0, np.int64)), 3)
    assert ask([4, 5]).tolist() == [4, 5]
    with pytest.raises(ValueError, match="1 left"):
        ask([6, 7])
    assert ask(6).tolist() == [6]
    assert ask.asked == [4, 5, 6]


def test_initial_pool_is_distinct_and_depends_on_its_generator_only():
    labels = np.repeat(np.arange(5), 20)
    one = draw(labels, 30, "uniform", np.random.default_rng(1))
    assert len(np.unique(one)) == 30
    assert np.array_equal(one, draw(np.zeros(100), 30, "uniform", np.random.default_rng(1)))
    assert not np.array_equal(one, draw(labels, 30, "uniform", np.random.default_rng(2)))


def test_class_balanced_pool_takes_equally_many_of_each_as_far_as_they_go():
    labels = np.array([0] * 50 + [1] * 50 + [2] * 2)
    chosen = draw(labels, 12, "class-balanced", np.random.default_rng(0))
    assert np.bincount(labels[chosen]).tolist() == [5, 5, 2]


def test_all_of_the_pool_is_drawn_in_its_own_order():
    rng = np.random.default_rng(0)
    assert draw(np.array([3, 1, 2]), "all", "uniform", rng).tolist() == [0, 1, 2]


def test_a_ceiling_peeks_without_buying():
    seller = LabelSeller(np.array([5, 6, 7, 8]), np.array([2]))
    assert seller.peek(np.array([3, 0])).tolist() == [8, 5]
    assert seller.bought.tolist() == [2]


def test_an_initial_pool_larger_than_the_pool_is_refused():
    with pytest.raises(InputError, match="allowed: at most 3, the rows of the pool"):
        draw(np.arange(3), 4, "uniform", np.random.default_rng(0))
