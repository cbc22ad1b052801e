"""The door to the strategies: what it refuses, what it enforces, what it costs to import."""

import subprocess
import sys
import types
from dataclasses import replace

import numpy as np
import pytest
import torch

from labelbench_core import registry
from labelbench_core.errors import InputError
from labelbench_core.strategies import Head, MissingInput, Pool, select, select_with_state
from labelbench_core.strategies.__main__ import main
from labelbench_core.strategies.kernels.scores import lowest
from labelbench_core.strategies.testing import Blocks, make_pool

RNG = np.random.default_rng


def pool_of(**changes):
    return replace(make_pool(20, labeled=4), **changes)


@pytest.mark.parametrize("budget", [-1, 17, 2.0, True, "3"])
def test_budget_is_checked(budget):
    with pytest.raises(InputError, match="budget"):
        select("random", pool_of(), budget, RNG(0))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"embeddings": np.zeros(20, np.float32)}, "embeddings"),
        ({"embeddings": np.zeros((20, 3), np.int64)}, "embeddings"),
        ({"embeddings": [[0.0]] * 20}, "embeddings: list; allowed: a "),
        ({"probabilities": [[0.5, 0.5, 0.0]] * 20}, "probabilities: list; allowed: a "),
        ({"member_probabilities": 5}, "member_probabilities: int; allowed: a "),
        ({"member_probabilities": [[0.5]]}, "member_probabilities: list; allowed: a "),
        ({"head": "x"}, "head: 'x'; allowed: a Head"),
        ({"head": Head([[0.0]], np.zeros(3))}, r"head\.weights: list; allowed: a "),
        ({"probabilities": np.zeros((19, 3), np.float32)}, "probabilities"),
        ({"probabilities": np.zeros((20, 4), np.float32)}, "probabilities"),
        ({"member_probabilities": np.zeros((2, 19, 3), np.float32)}, "member_probabilities"),
        ({"labeled": np.array([0, 1, 2, 20])}, "labeled: 20; allowed: 0 to 19"),
        ({"labeled": np.array([0, 1, 2, -1])}, "labeled: -1; allowed: 0 to 19"),
        ({"labeled": np.array([0, 1, 1, 2])}, "labeled: 1, more than once"),
        (
            {"labeled": np.array([0.0, 1.0, 2.0, 3.0])},
            "labeled: float64 .*; allowed: a vector of whole numbers",
        ),
        ({"labels": np.zeros(3, np.int64)}, "labels"),
        ({"num_classes": 1, "probabilities": None}, "num_classes"),
    ],
)
def test_pool_is_checked(changes, field):
    with pytest.raises(InputError, match=field):
        pool_of(**changes)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("kind", ["numpy", "torch", "blocks"])
@pytest.mark.parametrize(("strategy", "field"), [("coreset", "embeddings"), ("badge", "embeddings"),
                                                 ("margin", "probabilities")])  # fmt: skip
def test_values_that_are_not_finite_are_named(bad, kind, strategy, field):
    array = getattr(make_pool(20, labeled=4), field).copy()
    array[13, 1] = bad
    wrap = {"numpy": lambda a: a, "torch": torch.from_numpy, "blocks": lambda a: Blocks(a, 6)}
    with pytest.raises(InputError, match=rf"{field}.*row 13"):
        select(strategy, pool_of(**{field: wrap[kind](array)}), 3, RNG(0))


def test_strategy_and_options_are_checked():
    with pytest.raises(InputError, match=r"'nonesuch': unknown name; allowed: .*margin"):
        select("nonesuch", pool_of(), 1, RNG(0))
    with pytest.raises(
        InputError, match=r"'badge': options\.power: unknown option; allowed: first_center"
    ):
        select("badge", pool_of(), 1, RNG(0), power=2)
    with pytest.raises(InputError, match=r"first_center: 'last'; allowed: uniform, largest_norm"):
        select("badge", pool_of(), 1, RNG(0), first_center="last")


def test_missing_input_names_strategy_and_field():
    with pytest.raises(MissingInput, match="strategy 'margin' needs `probabilities`") as caught:
        select("margin", pool_of(probabilities=None), 1, RNG(0))
    assert (caught.value.strategy, caught.value.field) == ("margin", "probabilities")


def plug_in(monkeypatch, **functions):
    """Make "outside" the name of a strategy with these functions."""
    info = {"kind": "strategy", "needs": [], "multilabel": False, **functions.pop("info", {})}
    module = types.SimpleNamespace(INFO=info, **functions)
    monkeypatch.setattr(registry, "load", lambda kind, name: module)
    monkeypatch.setattr(registry, "option_errors", lambda kind, name, given: [])


@pytest.mark.parametrize("strategy", ["uherding", "refine"])
def test_what_calibrates_says_what_does_without(strategy):
    """Whoever runs another strategy cannot set its options."""
    pool, quick = pool_of(held_out=None), {"depth": 0} if strategy == "refine" else {}
    told = (
        r"'uherding' needs `held_out`, which is not given: give the pool `held_out`; uherding "
        r"itself can do without it, with `calibration: training`"
    )
    with pytest.raises(MissingInput, match=told):
        select(strategy, pool, 2, RNG(0), **quick)
    chosen = select("uherding", pool, 2, RNG(0), calibration="training")
    assert len(chosen) == 2


@pytest.mark.parametrize(
    ("returned", "problem"),
    [
        (np.array([5, 5, 6]), "twice"),
        (np.array([5, 6]), "shape"),
        (np.array([5.0, 6.0, 7.0]), "float64"),
        (np.array([5, 6, 99]), "not an unlabelled row"),
    ],
)
def test_a_broken_contract_is_an_error(monkeypatch, returned, problem):
    plug_in(monkeypatch, select=lambda pool, budget, rng: returned)
    with pytest.raises(RuntimeError, match=f"'outside' broke its contract.*{problem}"):
        select("outside", pool_of(labeled=np.arange(4)), 3, RNG(0))


def test_a_labelled_row_breaks_the_contract(monkeypatch):
    plug_in(monkeypatch, select=lambda pool, budget, rng: pool.labeled[:budget])
    with pytest.raises(RuntimeError, match="not an unlabelled row"):
        select("outside", pool_of(), 3, RNG(0))


def test_state_is_returned_and_dropped(monkeypatch):
    def choose(pool, budget, rng):
        return pool.unlabeled()[:budget], {"rounds": pool.state.get("rounds", 0) + 1}

    plug_in(
        monkeypatch,
        select=lambda pool, budget, rng: choose(pool, budget, rng)[0],
        select_with_state=choose,
    )
    pool = pool_of(state={"rounds": 4})
    chosen, state = select_with_state("outside", pool, 3, RNG(0))
    assert state == {"rounds": 5}
    assert np.array_equal(select("outside", pool, 3, RNG(0)), chosen)


def test_a_strategy_without_memory_returns_no_state():
    assert select_with_state("margin", pool_of(state={"rounds": 4}), 3, RNG(0))[1] == {}


@pytest.mark.parametrize("count", [0, 1])
@pytest.mark.parametrize("strategy", ["bald", "power-bald"])
def test_an_ensemble_that_cannot_disagree_is_refused(strategy, count):
    members = make_pool(20, labeled=4).member_probabilities[:count]
    for given in (members, list(members)):
        with pytest.raises(InputError, match=rf"member_probabilities: {count} members; allowed"):
            select(strategy, pool_of(member_probabilities=given), 3, RNG(0))


@pytest.mark.parametrize("proxy", ["linear-ensemble", "shallow-ensemble"])
def test_an_ensemble_has_members_that_can_disagree(proxy):
    (told,) = registry.option_errors("proxies", proxy, {"members": 1})
    assert told == "options.members: 1; allowed: a whole number from 2 to 1000"


@pytest.mark.parametrize("strategy", ["coreset", "badge"])
def test_values_too_large_to_be_squared_are_named(strategy):
    embeddings = make_pool(20, labeled=4).embeddings.copy()
    embeddings[11] = 1e16
    with pytest.raises(InputError, match=r"row 11 .* too large"):
        select(strategy, pool_of(embeddings=embeddings), 3, RNG(0))


def test_only_ceilings_are_handed_the_truth(monkeypatch):
    truth, fit = np.arange(20) % 3, lambda indices: 0.25
    ask = truth.__getitem__
    received = {}

    def choose(pool, budget, rng, *handed):
        received[kind] = handed
        return pool.unlabeled()[:budget]

    for kind in ("strategy", "sequential", "ceiling"):
        plug_in(monkeypatch, select=choose, info={"kind": kind})
        select("outside", pool_of(), 2, RNG(0), ask=ask, truth=truth, fit=fit)
    assert received["strategy"] == ()
    (asking,), (known, fitting) = received["sequential"], received["ceiling"]
    assert (asking(np.array([4, 8])).tolist(), known.tolist()) == ([1, 2], truth.tolist())
    assert fitting(np.array([4])) == 0.25
    for field, handed in (("truth", {"fit": fit}), ("fit", {"truth": truth})):
        with pytest.raises(MissingInput) as caught:
            select("outside", pool_of(), 2, RNG(0), **handed)
        assert caught.value.field == field


def test_only_sequential_strategies_may_ask(monkeypatch):
    asked = []

    def choose(pool, budget, rng, ask):
        asked.extend(ask(pool.unlabeled()[:budget]))
        return pool.unlabeled()[:budget]

    plug_in(monkeypatch, select=choose, info={"kind": "sequential"})
    with pytest.raises(MissingInput, match="ask"):
        select("outside", pool_of(), 2, RNG(0))
    select("outside", pool_of(), 2, RNG(0), ask=lambda indices: indices * 0 + 2)
    assert asked == [2, 2]
    plug_in(monkeypatch, select=lambda pool, budget, rng: pool.unlabeled()[:budget])
    select("outside", pool_of(), 2, RNG(0), ask=asked.append)
    assert asked == [2, 2]


def test_strategies_without_a_multilabel_form_refuse(monkeypatch):
    plug_in(monkeypatch, select=lambda pool, budget, rng: pool.unlabeled()[:budget])
    pool = pool_of(multilabel=True, labels=np.zeros((4, 3), np.int64))
    with pytest.raises(InputError, match="multi-label"):
        select("outside", pool, 2, RNG(0))


def test_lowest_takes_ties_by_index():
    scores = np.array([3.0, 1, 2, 1, 1, 0, 2])
    assert lowest(scores, np.array([0, 1, 2, 3, 4, 6]), 4).tolist() == [1, 3, 4, 2]
    assert lowest(scores, np.arange(7), 7).tolist() == [5, 1, 3, 4, 2, 6, 0]


@pytest.mark.parametrize("multilabel", [False, True])
def test_head_gives_probabilities(multilabel):
    rng = RNG(0)
    head = Head(rng.standard_normal((5, 3)), rng.standard_normal(3), multilabel)
    features = 100 * rng.standard_normal((50, 5)).astype(np.float16)
    probabilities = head.predict_proba(features)
    assert probabilities.dtype == np.float32
    logits = features.astype(np.float32) @ head.weights.astype(np.float32) + head.bias
    if multilabel:
        assert np.array_equal(probabilities > 0.5, logits > 0)
    else:
        assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)
        assert np.array_equal(probabilities.argmax(axis=1), logits.argmax(axis=1))
    tensor = head.predict_proba(torch.from_numpy(features))
    # Two libraries add up the five products of a logit in other orders.
    rounding = 5 * np.finfo(np.float32).eps * abs(logits).max()
    assert np.allclose(tensor.numpy(), probabilities, atol=rounding)


def test_pool_knows_what_is_unlabelled():
    pool = Pool(np.zeros((5, 2), np.float32), None, np.array([3, 1]), np.array([0, 1]), 2)
    assert pool.unlabeled().tolist() == [0, 2, 4]
    assert pool.num_rows == 5


def test_choosing_imports_nothing_heavy():
    code = (
        "import sys, numpy as np; from labelbench_core.strategies import Pool, select\n"
        "rng = np.random.default_rng(0); p = rng.dirichlet(np.ones(3), 50)\n"
        "pool = Pool(rng.standard_normal((50, 4)), p, np.arange(5), np.zeros(5, int), 3)\n"
        "[select(name, pool, 9, rng) for name in ('random', 'margin', 'coreset', 'badge')]\n"
        "print([m for m in ('torch', 'scipy', 'sklearn', 'pandas', 'zarr') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_list_names_every_strategy(capsys):
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["id", "paper"]
    assert [line.split()[0] for line in lines[1:]] == registry.names("strategies")
    assert main([]) == 2
