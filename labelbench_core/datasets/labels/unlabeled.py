"""Pools without labels: which entries have them, and how their rows are marked."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from labelbench_core import registry
from labelbench_core.errors import InputError, shown

NO_LABEL = -1
"""Stands for every label of a pool without labels while it is read; it is never stored."""


def has_labels(entry: Mapping[str, Any]) -> bool:
    """Whether the pool of a catalogue's entry has labels.

    It has none where the component says so (`INFO["unlabeled"]`), or where an option is given that
    it names in `INFO["unlabeled_by"]`.
    """
    info = registry.describe("datasets", entry["implementation"]).info
    given = registry.options_of(entry)
    by_option = any(given.get(option) for option in info.get("unlabeled_by", ()))
    return not (info.get("unlabeled") or by_option)


def unknown(count: int) -> np.ndarray:
    """(N,) int64 `NO_LABEL`."""
    return np.full(count, NO_LABEL, np.int64)


def refuse_given(**options: object) -> None:
    """`InputError` for an option that asks for what a pool without labels cannot have."""
    for name, value in options.items():
        if value:
            told = f"options.{name}: {shown(value)}; `unlabeled` says that the pool has no labels"
            raise InputError(f"{told}; allowed: leave it out")
