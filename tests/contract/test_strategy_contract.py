"""Every strategy that exists keeps the contract."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelbench_core import registry
from labelbench_core.strategies import select
from labelbench_core.strategies.testing import (
    CHECKS,
    check_blocks,
    check_every_budget,
    check_order_of_rows,
    make_pool,
    pool_for,
    run,
)

NAMES = registry.names("strategies")
# Where the default takes minutes: the same code, run less often.
OPTIONS = {"refine": {"depth": 2, "batches": 9}, "look-ahead": {"batches": 14, "parts": 2}}
# Those that have to be given: a pool has the list that they name.
NAMED = {"replay": {"recorded": "lists.json", "strategy": "margin"}}
OPTIONS |= NAMED


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_contract(name, check):
    check(name, **OPTIONS.get(name, {}))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract_of_badge_from_the_largest_norm(check):
    check("badge", first_center="largest_norm")


@pytest.mark.parametrize("check", [c for c in CHECKS if c is not check_order_of_rows])
def test_contract_of_bait_by_swaps(check):
    check("bait", method="swap")


@pytest.mark.parametrize("check", [check_every_budget, check_blocks])
@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("bait-binary", {"steps": "forward"}),
        ("typiclust", {"distance": "squared"}),
        ("uherding", {"calibration": "training"}),
    ],
)
def test_contract_of_other_forms(name, option, check):
    check(name, **option)


@settings(max_examples=40)
@given(
    name=st.sampled_from(NAMES),
    rows=st.integers(2, 40),
    distinct=st.integers(1, 40),
    classes=st.integers(2, 4),
    share_labeled=st.floats(0, 1),
    share_bought=st.floats(0, 1),
    scale=st.sampled_from([1e-3, 1.0, 1e3]),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_pool(name, rows, distinct, classes, share_labeled, share_bought, scale, seed):
    points = scale * np.random.default_rng(seed).standard_normal((distinct, 3))
    pool = pool_for(
        name,
        rows,
        classes=classes,
        labeled=max(1, int(share_labeled * (rows - 1))),
        embeddings=points[np.arange(rows) % distinct],
        seed=seed,
    )
    unlabeled = pool.unlabeled()
    budget = int(share_bought * len(unlabeled))
    options = NAMED.get(name, {})
    chosen = run(name, pool, budget, options, seed)
    assert len(set(chosen.tolist())) == budget
    assert np.isin(chosen, unlabeled).all()
    assert np.array_equal(chosen, run(name, pool, budget, options, seed))


@pytest.mark.parametrize("name", [n for n in NAMES if n == "random"])
def test_other_seed_other_picks(name):
    pool = make_pool(200)
    picks = [select(name, pool, 40, np.random.default_rng(seed)).tolist() for seed in (0, 1)]
    assert picks[0] != picks[1]
