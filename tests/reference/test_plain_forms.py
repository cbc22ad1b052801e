"""Every strategy has a plain form to be timed against, which picks the same where it can."""

import importlib
import inspect

import numpy as np
import pytest

from labelbench_core import registry
from labelbench_core.strategies import select
from labelbench_core.strategies.testing import pool_for, some_fit

# Without a list, `replay` is nothing.
NAMES = [name for name in registry.names("strategies") if name != "replay"]
# These draw by the same law but not with the same random numbers, or cluster in their own way.
OTHER_PICKS = {"badge", "falcun", "look-ahead", "refine", "tailor", "tcm"}
LESS = {"refine": {"depth": 1, "batches": 9}, "look-ahead": {"batches": 15}}


def both_forms(name, pool, budget):
    """Picks of the strategy and of its plain form."""
    options = LESS.get(name, {})
    truth = pool.probabilities.argmax(axis=1)
    if pool.multilabel:
        truth = (pool.probabilities >= 0.5).astype(np.int64)
    truth[pool.labeled] = pool.labels
    handed = {"ask": lambda indices: truth[indices], "truth": truth, "fit": some_fit}
    plain = importlib.import_module(f"benchmarks.plain.{name.replace('-', '_')}").select
    wanted = {key: handed[key] for key in handed if key in inspect.signature(plain).parameters}
    ours = select(name, pool, budget, np.random.default_rng(4), **handed, **options)
    return ours, plain(pool, budget, np.random.default_rng(4), **wanted, **options)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OTHER_PICKS])
def test_plain_forms_pick_the_same(name):
    for pool in (
        pool_for(name, 300, dims=7, classes=4, labeled=40),
        pool_for(name, 200, seed=3),
    ):
        ours, plain = both_forms(name, pool, 24)
        assert ours.tolist() == plain.tolist()


@pytest.mark.parametrize("name", sorted(OTHER_PICKS & set(NAMES)))
def test_plain_forms_pick_unlabelled_rows(name):
    pool = pool_for(name, 200, dims=7, classes=4, labeled=40)
    chosen = both_forms(name, pool, 24)[1]
    assert len(set(chosen.tolist())) == 24
    assert np.isin(chosen, pool.unlabeled()).all()
