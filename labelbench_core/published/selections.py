"""What the original bought on CIFAR-10, in order: 211 lists of seven published settings."""

from pathlib import Path

import numpy as np

from labelbench_core.errors import InputError, listed, shown
from labelbench_core.published.settings import (
    FINETUNE,
    FLEXMATCH,
    PublishedSetting,
    setting,
    settings,
)

FILE = Path(__file__).with_name("selections.npz")
DATASET = "cifar-10-labelbench"
POOL_SIZE = 50_000


def key_of(chosen: PublishedSetting, strategy: str, seed: int) -> str:
    """Name of a list in the file."""
    trained = "end-to-end" if chosen.trained == FINETUNE else chosen.trained
    method = "flexmatch" if chosen.training.method == FLEXMATCH else "passive"
    return f"bs_{chosen.batch}/{trained}/{method}/{strategy}/{seed}"


def with_selections() -> list[PublishedSetting]:
    """The published settings whose selections are there: those that select on CIFAR-10."""
    return [one for one in settings() if one.dataset == DATASET and one.proxy is None]


def selections(name: str, strategy: str, seed: int) -> np.ndarray:
    """(L,) int64 rows of the official CIFAR-10 training set, in the order bought.

    Most runs of badge bought one row more in each round but the first. `seed` is one of the
    setting's `seeds`.

    Raises
    ------
    InputError
        If there is no such setting, or no such list of it: that of supervised entropy with seed
        1234 is left out, since its file lacks 342 rows.
    """
    chosen = setting(name)
    known = [one.name for one in with_selections()]
    if name not in known:
        raise InputError(f"{name}: its selections were not published; allowed: {listed(known)}")
    for what, value, allowed in (
        ("strategy", strategy, chosen.strategies),
        ("seed", seed, chosen.seeds),
    ):
        if value not in allowed:
            raise InputError(f"{name}: {what}: {shown(value)}; allowed: {listed(allowed)}")
    with np.load(FILE) as lists:
        key = key_of(chosen, strategy, seed)
        if key not in lists:
            there = [one for one in chosen.seeds if key_of(chosen, strategy, one) in lists]
            told = f"{name}: seed: {seed}: the published list of {strategy!r} lacks rows"
            raise InputError(f"{told}; allowed: {listed(there)}")
        return lists[key].astype(np.int64)
