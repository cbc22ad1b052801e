"""Strategies that choose by a score choose what their plain forms choose."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.plain import confidence, entropy, margin
from benchmarks.plain._shared import lowest
from helpers import plain_strategies as plain
from helpers.choosing import assert_drawn_by, choose, multilabel_pool
from labelbench_core.strategies.testing import make_pool

SCORES = {
    "confidence": confidence.scores,
    "entropy": lambda p: -entropy.entropies(p),
    "margin": margin.margins,
}


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("classes", [2, 5, 40])
def test_scores(name, classes):
    pool = make_pool(400, classes=classes, labeled=50)
    expected = lowest(SCORES[name](pool.probabilities), pool.unlabeled(), 100)
    assert np.array_equal(choose(name, pool, 100), expected)


@pytest.mark.parametrize("name", SCORES)
def test_equal_scores_go_to_the_lowest_index(name):
    pool = make_pool(300, labeled=30)
    pool = replace(pool, probabilities=pool.probabilities[np.arange(300) % 7])
    expected = lowest(SCORES[name](pool.probabilities), pool.unlabeled(), 60)
    assert np.array_equal(choose(name, pool, 60), expected)


@pytest.mark.parametrize("name", SCORES)
def test_certain_rows_come_last(name):
    pool = make_pool(50, classes=4, labeled=0)
    probabilities = np.full((50, 4), 0.25, np.float32)
    probabilities[:20] = [1, 0, 0, 0]
    chosen = choose(name, replace(pool, probabilities=probabilities), 50)
    assert chosen.tolist() == [*range(20, 50), *range(20)]


@pytest.mark.parametrize("name", SCORES)
def test_multilabel_scores_depend_on_every_label(name):
    sure, torn = [0.99, 0.01, 0.98], [0.5, 0.5, 0.5]
    rows = np.array([sure, [0.5, 0.01, 0.98], torn, [0.5, 0.5, 0.98]], np.float32)
    pool = replace(multilabel_pool(4, labeled=0), probabilities=rows)
    assert choose(name, pool, 4).tolist() == [2, 3, 1, 0]


@pytest.mark.parametrize("power", [0, 1, 3])
def test_power_margin_draws_in_proportion_to_the_power(power):
    pool = make_pool(5, labeled=0, classes=3, seed=2)
    weights = 1 - margin.margins(pool.probabilities)
    law = plain.drawing_law(weights**power, 3)
    assert_drawn_by(law, pool, 3, 3000, "power-margin", power=power)


def test_power_margin_draws_certain_rows_last():
    pool = make_pool(40, labeled=0)
    probabilities = np.full((40, 3), 1 / 3, np.float32)
    probabilities[::2] = [1, 0, 0]
    chosen = choose("power-margin", replace(pool, probabilities=probabilities), 30)
    assert (chosen[:20] % 2 == 1).all()
    assert (chosen[20:] % 2 == 0).all()
    assert chosen[20:].tolist() != sorted(chosen[20:])
