"""Running a strategy by name: its inputs are checked before, and its result after."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from labelbench_core import registry
from labelbench_core.errors import InputError, ended_by, raise_all, shown
from labelbench_core.registry.run_by_others import parted
from labelbench_core.strategies._handed import HeldOut, check_head, checked
from labelbench_core.strategies.arrays import check_values
from labelbench_core.strategies.pool import MissingInput, Pool

Ask = Callable[[np.ndarray], np.ndarray]
QualityWith = Callable[[np.ndarray], float]
MATRICES = ("embeddings", "probabilities")


def select(
    strategy: str,
    /,  # options may have this name
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    ask: Ask | None = None,
    truth: np.ndarray | None = None,
    fit: QualityWith | None = None,
    **options: Any,
) -> np.ndarray:
    """Select the unlabelled rows to be labelled next.

    Parameters
    ----------
    strategy
        Name of the strategy ("margin"), or its name and options as one text, as in the options of
        strategies that run others: `power-margin {"power": 2}`.
    pool
        All that the strategy sees.
    budget
        Number of rows, from 0 to the number of unlabelled ones.
    rng
        The only source of randomness.
    ask
        Returns the labels of indices and spends the budget; passed to sequential strategies only.
    truth, fit
        The pool's hidden labels, (N,), and a function that says how good the proxy would be with
        the labels of some more indices (a number, more is better); passed to ceilings only.
    **options
        The strategy's own options.

    Returns
    -------
    (budget,) int64, distinct and unlabelled, in the order of choice.

    Raises
    ------
    MissingInput
        If the pool lacks a field that the strategy needs.
    InputError
        If an argument is not valid.
    RuntimeError
        If the strategy breaks the contract.
    """
    return select_with_state(strategy, pool, budget, rng, ask=ask, truth=truth, fit=fit, **options)[
        0
    ]


def select_with_state(
    strategy: str,
    /,
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    *,
    ask: Ask | None = None,
    truth: np.ndarray | None = None,
    fit: QualityWith | None = None,
    **options: Any,
) -> tuple[np.ndarray, dict[str, Any]]:
    """As `select`; also the state that the strategy expects in `pool.state` in the next round."""
    strategy, of_text = parted(strategy)
    options = {**of_text, **options}
    module = registry.load("strategies", strategy)
    wrong = registry.option_errors("strategies", strategy, options)
    raise_all(f"strategy {strategy!r}: {line}" for line in wrong)
    unlabeled = pool.unlabeled()
    _check_budget(budget, len(unlabeled))
    _check_rng(rng)
    handed = {"sequential": {"ask": ask}, "ceiling": {"truth": truth, "fit": fit}}.get(
        module.INFO["kind"], {}
    )
    _check_needs(strategy, module.INFO, pool, handed)
    if pool.held_out is not None and not isinstance(pool.held_out, HeldOut):
        pool = replace(pool, held_out=HeldOut(pool.held_out, pool))
    arguments: list[Any] = [pool, int(budget), rng, *checked(handed, pool)]
    state: Mapping[str, Any] = {}
    try:
        if hasattr(module, "select_with_state"):
            chosen, state = module.select_with_state(*arguments, **options)
        else:
            chosen = module.select(*arguments, **options)
    except SystemExit as error:  # otherwise the job would end as if it had succeeded
        raise InputError(f"strategy {strategy!r} {ended_by(error)}") from error
    return _checked(strategy, chosen, budget, unlabeled), dict(state)


def _check_rng(rng: object) -> None:
    if not isinstance(rng, np.random.Generator):
        raise InputError(f"rng: {shown(rng)}; allowed: a numpy.random.Generator")


def _check_budget(budget: Any, available: int) -> None:
    if isinstance(budget, bool) or not isinstance(budget, (int, np.integer)) or budget < 0:
        raise InputError(f"budget: {shown(budget)}; allowed: a whole number of at least 0")
    if budget > available:
        raise InputError(f"budget: {budget}; allowed: at most {available}, the unlabelled rows")


def _check_needs(
    strategy: str, info: Mapping[str, Any], pool: Pool, handed: Mapping[str, Any]
) -> None:
    for name in info["needs"]:
        value = getattr(pool, name)
        if value is None:
            raise MissingInput(strategy, name)
        if name in ("labeled", "labels") and len(value) == 0:
            raise MissingInput(strategy, name, "is empty")
        if name in MATRICES:
            check_values(value, name, None if pool.multilabel else 1.0)
        elif name == "member_probabilities":
            for member in value:
                check_values(member, name, None if pool.multilabel else 1.0)
        elif name == "head":
            check_head(value)
    if pool.multilabel and not info["multilabel"]:
        told = f"multilabel: true; strategy {strategy!r} is not defined for multi-label pools"
        raise InputError(f"{told}; allowed: false")
    if info["multilabel"] == "only" and not pool.multilabel:
        told = f"multilabel: false; strategy {strategy!r} is defined for multi-label pools only"
        raise InputError(f"{told}; allowed: true")
    for name, value in handed.items():
        if value is None:
            raise MissingInput(strategy, name)


def _checked(strategy: str, chosen: Any, budget: int, unlabeled: np.ndarray) -> np.ndarray:
    """The choice as int64, or `RuntimeError`: a plug-in's bug must not corrupt a result."""
    chosen = np.asarray(chosen)
    problem = None
    if chosen.shape != (budget,):
        problem = f"an array of shape {chosen.shape} for a budget of {budget}"
    elif budget and not np.issubdtype(chosen.dtype, np.integer):
        problem = f"indices of type {chosen.dtype}"
    elif len(np.unique(chosen)) != budget:
        problem = "an index twice"
    elif not np.isin(chosen, unlabeled).all():
        problem = "an index that is not an unlabelled row"
    if problem:
        raise RuntimeError(f"strategy {strategy!r} broke its contract: it returned {problem}")
    return chosen.astype(np.int64)
