"""The ceiling look-ahead: what it tries out, and that it buys the best of it."""

import numpy as np
import pytest

from labelbench_core.errors import InputError
from labelbench_core.strategies import select
from labelbench_core.strategies.testing import make_pool, some_fit

RNG = np.random.default_rng
BUDGET = 6


@pytest.fixture
def pool():
    return make_pool(80, labeled=10)


def look_ahead(pool, seed=0, fit=some_fit, **options):
    """What it buys, and all that it asked `fit` about."""
    asked = []

    def recorded(indices):
        asked.append(indices)
        return fit(indices)

    truth = RNG(9).integers(0, 3, pool.num_rows)
    chosen = select("look-ahead", pool, BUDGET, RNG(seed), truth=truth, fit=recorded, **options)
    return chosen, asked, truth


def test_it_buys_the_best_of_the_batches_that_it_tries(pool):
    chosen, asked, _ = look_ahead(pool, batches=40)
    assert len(asked) == 40
    assert all(len(set(batch)) == BUDGET for batch in asked)
    scores = [some_fit(batch) for batch in asked]
    assert np.array_equal(chosen, asked[int(np.argmax(scores))])
    assert len(set(np.round(scores, 9))) > 20  # subsets make the batches of one strategy differ


def test_of_equally_good_batches_it_takes_the_first(pool):
    chosen, asked, _ = look_ahead(pool, batches=9, fit=lambda indices: 1.0)
    assert np.array_equal(chosen, asked[0])


def test_first_come_the_candidates_own_batches_and_mistakes(pool):
    names = ["margin", "entropy"]
    _, asked, truth = look_ahead(pool, candidates=names, batches=3)
    for name, batch in zip(names, asked, strict=False):
        assert np.array_equal(batch, select(name, pool, BUDGET, RNG(0)))
    mistakes = np.flatnonzero(pool.probabilities.argmax(axis=1) != truth)
    assert len(np.setdiff1d(mistakes, pool.labeled)) > 2 * BUDGET
    assert set(asked[2]) <= set(mistakes)


def test_with_few_mistakes_the_least_likely_rows_follow(pool):
    unlabeled = pool.unlabeled()
    truth = pool.probabilities.argmax(axis=1)
    wrong = unlabeled[:2]
    truth[wrong] = (truth[wrong] + 1) % 3
    asked = []
    select(
        "look-ahead",
        pool,
        BUDGET,
        RNG(0),
        truth=truth,
        fit=lambda indices: asked.append(indices) or 0.0,
        candidates=["random"],
        batches=2,
    )
    right = unlabeled[2:]
    likely = pool.probabilities[right, truth[right]]
    expected = set(wrong) | set(right[np.argsort(likely)[: BUDGET - 2]])
    assert set(asked[1]) == expected


def test_subsets_are_no_larger_than_allowed(pool):
    best = set(select("margin", pool, 12, RNG(0)).tolist())
    _, asked, _ = look_ahead(pool, candidates=["margin"], batches=80, largest_subset=BUDGET)
    for batch in asked[2:]:  # subsets of the batch's size: nothing to choose, all at random
        assert not set(batch) <= best


@pytest.mark.parametrize("parts", [2, 4, BUDGET, 50])
def test_parts_are_chosen_greedily(pool, parts):
    chosen, asked, _ = look_ahead(pool, batches=5, parts=parts)
    steps = min(parts, BUDGET)
    assert len(asked) == 5 * steps
    before = chosen[:0]
    for step in range(steps):
        tried = asked[5 * step : 5 * step + 5]
        best = tried[int(np.argmax([some_fit(batch) for batch in tried]))]
        assert np.array_equal(best, chosen[: len(best)])
        assert all(np.array_equal(batch[: len(before)], before) for batch in tried)
        before = best
    assert len(before) == BUDGET


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"batches": 0}, "batches: 0; allowed: a whole number of at least 1"),
        ({"parts": 0}, "parts: 0; allowed"),
        ({"largest_subset": 0}, "largest_subset: 0; allowed"),
        (
            {"candidates": ["galaxy"]},
            "candidates: 'galaxy'; allowed: strategies that select a whole batch",
        ),
        (
            {"candidates": ["look-ahead"]},
            "candidates: 'look-ahead'; allowed: strategies that select a whole batch",
        ),
    ],
)
def test_options_are_checked(pool, options, told):
    with pytest.raises(InputError, match=told):
        look_ahead(pool, **options)
