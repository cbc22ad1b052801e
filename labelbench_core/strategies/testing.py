"""The contract of a strategy as checks that can be run on any strategy, also a plug-in's.

    from labelbench_core.strategies.testing import CHECKS

    @pytest.mark.parametrize("check", CHECKS)
    def test_contract(check):
        check("my-strategy")

Each check takes the strategy's name and its options, and raises `AssertionError` saying what broke.
Needs the development dependencies `threadpoolctl` and `torch`.
"""

import functools
import random
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.random import mtrand  # the global generator of NumPy, only to see that it stays unused

from labelbench_core import registry
from labelbench_core.storage.rows import ArrayRows
from labelbench_core.strategies.dispatch import MATRICES, QualityWith, select
from labelbench_core.strategies.pool import Head, MissingInput, Pool

INFO_KEYS = {"name", "paper", "rule", "cost", "needs", "multilabel", "kind", "deterministic"}
KINDS = ("strategy", "sequential", "ceiling")
Blocks = ArrayRows


def make_pool(
    rows: int = 60,
    *,
    dims: int = 6,
    classes: int = 3,
    labeled: int = 9,
    dtype: str = "float32",
    seed: int = 0,
    embeddings: np.ndarray | None = None,
    multilabel: bool = False,
) -> Pool:
    """A pool that has every field a strategy can need; probabilities are those of its head."""
    rng = np.random.default_rng(seed)
    rows = rows if embeddings is None else len(embeddings)
    truth = rng.integers(0, classes, rows)
    if embeddings is None:
        centers = 2 * rng.standard_normal((classes, dims))
        embeddings = centers[truth] + rng.standard_normal((rows, dims))
    embeddings = embeddings.astype(dtype)
    weights = rng.standard_normal((4, embeddings.shape[1], classes)).astype(np.float32)
    heads = [
        Head(w, np.zeros(classes, np.float32), multilabel)
        for w in (weights[0], *(weights[0] + weights))
    ]
    bought = rng.permutation(rows)[:labeled]
    if multilabel:  # the class, and others by chance
        truth = truth[:, None] == np.arange(classes)
        truth = (truth | (rng.random(truth.shape) < 0.3)).astype(np.int64)

    def held_out(share: float) -> tuple[np.ndarray, np.ndarray]:
        last = bought[len(bought) - max(1, int(share * len(bought))) :]
        return heads[1].predict_proba(embeddings[last]), truth[last]

    return Pool(
        embeddings=embeddings,
        probabilities=heads[0].predict_proba(embeddings),
        labeled=bought,
        labels=truth[bought],
        num_classes=classes,
        head=heads[0],
        member_probabilities=np.stack([head.predict_proba(embeddings) for head in heads[1:]]),
        held_out=held_out,
        multilabel=multilabel,
        recorded=rng.permutation(rows),
    )


def pool_for(strategy: str, *sizes: Any, **more: Any) -> Pool:
    """`make_pool`, multi-label where the strategy is for such pools only."""
    only = registry.describe("strategies", strategy).info["multilabel"] == "only"
    return make_pool(*sizes, **{"multilabel": only, **more})


def awkward_pools(strategy: str) -> dict[str, Pool]:
    """Valid pools on which careless code fails."""
    make = functools.partial(pool_for, strategy)
    rng = np.random.default_rng(1)
    few = rng.standard_normal((5, 4))
    zero = np.zeros((40, 4))
    certain = make(40, classes=3)
    pools = {
        "ordinary": make(),
        "half precision": make(dtype="float16"),
        "duplicated points": make(embeddings=few[rng.integers(0, 5, 50)]),
        "constant features": make(embeddings=zero + 3.5),
        "all zero": make(embeddings=zero),
        "two classes": make(classes=2),
        "large offset": make(embeddings=1000 + rng.standard_normal((50, 4))),
        "one feature": make(dims=1),
        "certain": replace(certain, probabilities=np.eye(3, dtype=np.float32)[np.arange(40) % 3]),
        "one label": make(labeled=1),
        "nothing labelled": make(labeled=0),
        "one row left": make(30, labeled=29),
        "two rows": make(2, labeled=1),
    }
    if certain.multilabel:
        pools["one class"] = make(classes=1)
        for title, value in (("no label predicted", 0), ("all labels predicted", 1)):
            pools[title] = replace(
                certain, probabilities=np.full_like(certain.probabilities, value)
            )
    return pools


def some_fit(indices: np.ndarray) -> float:
    """A meaningless `fit`: some number that depends on the set of rows, not on their order."""
    return float(np.sin(np.sort(indices) + 1.0).sum())


def run(
    name: str,
    pool: Pool,
    budget: int,
    options: dict[str, Any],
    seed: int = 5,
    fit: QualityWith = some_fit,
) -> np.ndarray:
    """`select` with everything that any kind of strategy may need."""
    truth = np.arange(pool.num_rows) % pool.num_classes
    if pool.multilabel:
        truth = np.eye(pool.num_classes, dtype=np.int64)[truth]
    truth[pool.labeled] = pool.labels

    def ask(indices: np.ndarray) -> np.ndarray:
        return truth[indices]

    rng = np.random.default_rng(seed)
    return select(name, pool, budget, rng, ask=ask, truth=truth, fit=fit, **options)


def check_description(name: str, **options: Any) -> None:
    """`INFO` is complete, and every option has a default."""
    component = registry.describe("strategies", name)
    _require(component.info.keys() >= INFO_KEYS, f"INFO lacks {INFO_KEYS - component.info.keys()}")
    _require(component.info["kind"] in KINDS, f"kind is not one of {KINDS}")
    known = {field.name for field in fields(Pool)}
    _require(set(component.info["needs"]) <= known, "needs something that is not a field of Pool")
    _require(bool(component.summary), "the module has no docstring")


def check_every_budget(name: str, **options: Any) -> None:
    """Exactly `budget` distinct unlabelled rows for every budget, on awkward pools too."""
    for title, pool in awkward_pools(name).items():
        unlabeled = pool.unlabeled()
        for budget in sorted({0, 1, 2, len(unlabeled) // 2, len(unlabeled) - 1, len(unlabeled)}):
            if budget > len(unlabeled):
                continue
            try:
                chosen = run(name, pool, budget, options)
            except MissingInput as missing:
                allowed = missing.field in ("labeled", "labels") and len(pool.labeled) == 0
                _require(allowed, f"{title}: {missing}")
                continue
            _require(chosen.shape == (budget,), f"{title}: {chosen.shape} for {budget}")
            _require(chosen.dtype == np.int64, f"{title}: indices of type {chosen.dtype}")
            _require(len(set(chosen.tolist())) == budget, f"{title}: an index twice")
            _require(bool(np.isin(chosen, unlabeled).all()), f"{title}: a labelled index")


def check_missing_inputs(name: str, **options: Any) -> None:
    """A field that the strategy needs and does not get is named."""
    pool = pool_for(name)
    for field in registry.describe("strategies", name).info["needs"]:
        if field in ("labeled", "labels"):
            without = replace(pool, labeled=pool.labeled[:0], labels=pool.labels[:0])
        elif field == "embeddings":
            continue  # every pool has them
        else:
            without = replace(pool, **{field: None})
        try:
            run(name, without, 3, options)
        except MissingInput as missing:
            _require(missing.field == field, f"named {missing.field} where {field} is missing")
        else:
            raise AssertionError(f"ran without {field}, which its INFO says it needs")


def check_same_seed(name: str, **options: Any) -> None:
    """Equal arguments, equal picks; global random states are neither read nor changed."""
    import torch

    pool = pool_for(name, 200)
    before = _global_states()
    first = run(name, pool, 40, options)
    _require(_global_states() == before, "a global random state was changed")
    for draw in (random.random, mtrand.random_sample, torch.seed):
        draw()  # code that reads a global state now reads a different one
    again = run(name, pool, 40, options)
    _require(np.array_equal(first, again), "the same seed gave different picks")


def check_threads(name: str, **options: Any) -> None:
    """The same picks on one thread and on two."""
    from threadpoolctl import threadpool_limits

    pool = pool_for(name, 1500, dims=192, classes=5, labeled=300)
    picks = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            picks.append(run(name, pool, 60, options))
    _require(np.array_equal(*picks), "two threads gave different picks from one")


def check_blocks(name: str, **options: Any) -> None:
    """The same picks from memory and from blocks of any size, even one row over a block."""
    pool = pool_for(name, 129, labeled=20)
    expected = run(name, pool, 30, options)
    for block_rows in (1, 7, 64, 128, 500):
        blocks = {key: Blocks(getattr(pool, key), block_rows) for key in MATRICES}
        chosen = run(name, replace(pool, **blocks), 30, options)
        _require(
            np.array_equal(chosen, expected), f"different picks from blocks of {block_rows} rows"
        )


def check_array_kinds(name: str, **options: Any) -> None:
    """The same picks from equal values in float16 and float32, from NumPy arrays and tensors."""
    import torch

    half = pool_for(name, 150, dtype="float16", labeled=20)
    expected = run(name, half, 30, options)
    single = replace(half, embeddings=half.embeddings.astype(np.float32))
    tensors = {key: torch.from_numpy(getattr(half, key).copy()) for key in MATRICES}
    for title, pool in (("float32", single), ("torch", replace(half, **tensors))):
        _require(
            np.array_equal(run(name, pool, 30, options), expected), f"different picks as {title}"
        )


def check_order_of_rows(name: str, **options: Any) -> None:
    """A deterministic strategy picks the same rows in any order of the pool (without ties)."""
    info = registry.describe("strategies", name).info
    if info["kind"] == "ceiling" or not info["deterministic"]:  # `some_fit` depends on places
        return
    pool = pool_for(name, 150, labeled=20)
    order = np.random.default_rng(2).permutation(pool.num_rows)
    place = np.argsort(order)
    moved = replace(
        pool,
        embeddings=pool.embeddings[order],
        probabilities=pool.probabilities[order],
        labeled=place[pool.labeled],
        member_probabilities=pool.member_probabilities[:, order],
        recorded=place[pool.recorded],
    )
    expected = place[run(name, pool, 30, options)]
    _require(np.array_equal(run(name, moved, 30, options), expected), "picks depend on the order")


def check_look_ahead(name: str, **options: Any) -> None:
    """The results of `fit` decide what a ceiling buys; it is called with unlabelled rows only."""
    if registry.describe("strategies", name).info["kind"] != "ceiling":
        return
    pool = pool_for(name, 100)
    unlabeled = pool.unlabeled()
    asked: list[np.ndarray] = []

    def fit(indices: np.ndarray) -> float:
        asked.append(np.asarray(indices))
        return some_fit(indices)

    chosen = run(name, pool, 20, options, fit=fit)
    _require(all(np.isin(indices, unlabeled).all() for indices in asked), "fit got a labelled row")
    other = run(name, pool, 20, options, fit=lambda indices: -some_fit(indices))
    _require(set(chosen) != set(other), "it buys the same whatever fit says")


def check_inputs_untouched(name: str, **options: Any) -> None:
    """No input is changed."""
    pool = pool_for(name, 100)
    before = _bytes_of(pool)
    run(name, pool, 20, options)
    _require(_bytes_of(pool) == before, "an input was changed")


CHECKS: tuple[Callable[..., None], ...] = (
    check_description,
    check_every_budget,
    check_missing_inputs,
    check_same_seed,
    check_threads,
    check_blocks,
    check_array_kinds,
    check_order_of_rows,
    check_look_ahead,
    check_inputs_untouched,
)


def _global_states() -> tuple[Any, ...]:
    import torch

    kind, words, *rest = mtrand.get_state()
    numpy_state = (kind, words.tolist(), *rest)
    return random.getstate(), numpy_state, torch.get_rng_state().tolist()


def _bytes_of(pool: Pool) -> dict[str, bytes]:
    arrays = {field.name: getattr(pool, field.name) for field in fields(pool)}
    arrays |= {"weights": pool.head.weights, "bias": pool.head.bias}
    return {key: value.tobytes() for key, value in arrays.items() if isinstance(value, np.ndarray)}


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise AssertionError(problem)
