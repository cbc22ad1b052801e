"""How evenly the labels bought are spread over the classes."""

from __future__ import annotations

import math

import numpy as np

from labelbench_core.configuration.experiment import SETTING

POOL_SHARES = ("evenness", "rarest_share", "most_frequent_share")
"""Measures of what was bought; with `pool_` before their names, of the pool."""
BALANCE = (
    *("occurrences", "classes", "classes_without_label"),
    *POOL_SHARES,
    *(f"pool_{name}" for name in POOL_SHARES),
    "distance_to_pool",
)
BALANCE_COLUMNS = (*SETTING, "strategy", "seed", "round", "num_labeled", *BALANCE)
"""A row per round."""
DECIMALS = 12
"""Decimal places that shares are rounded to: beyond them, logarithms differ between machines."""


def entropy(counts: np.ndarray) -> float:
    """Shannon's entropy of the classes' shares in bits, at most log₂ C; NaN where all are 0."""
    if not counts.any():
        return math.nan
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def class_balance(counts: np.ndarray, pool: np.ndarray) -> dict[str, float]:
    """How balanced what was bought is over the classes, and how far from the pool.

    Parameters
    ----------
    counts, pool
        (C,) how often each class is given, among the rows bought and in the whole pool, by the same
        annotator. Where a row can belong to any number of classes, it counts once for each.

    Returns
    -------
    Keys as `BALANCE`. All are over the classes that the pool has: no other can be bought.
    `occurrences` is the sum of `counts`, `classes` the number of the pool's classes, and
    `classes_without_label` how many of them were not bought. `evenness` is the entropy of the
    classes' shares divided by that of equal shares (Pielou, "The measurement of diversity in
    different types of biological collections", Journal of Theoretical Biology 13, 1966): 1 where
    all classes are equally frequent, 0 where only one was bought, and NaN where the pool has one
    class.
    `rarest_share` and `most_frequent_share` are the least and greatest share; `pool_…` the same of
    the pool. `distance_to_pool` is the total variation distance of the shares from the pool's: the
    share of the labels that would have to be of another class. Shares are NaN without any label.
    """
    known = pool > 0
    counts, pool = counts[known], pool[known]
    shares = _shares(counts)
    found: dict[str, float] = {
        "occurrences": int(counts.sum()),
        "classes": len(pool),
        "classes_without_label": int((counts == 0).sum()),
        **_spread(counts),
        **{f"pool_{name}": value for name, value in _spread(pool).items()},
        "distance_to_pool": float(np.abs(shares - _shares(pool)).sum() / 2),
    }
    if not len(pool):
        found["distance_to_pool"] = math.nan
    return {name: round(value, DECIMALS) for name, value in found.items()}


def _shares(counts: np.ndarray) -> np.ndarray:
    """Shares (C,) of `counts`; NaN where all counts are 0."""
    total = counts.sum()
    return counts / total if total else np.full(len(counts), math.nan)


def _spread(counts: np.ndarray) -> dict[str, float]:
    """`POOL_SHARES` of `counts`."""
    shares = _shares(counts)
    evenness = entropy(counts) / math.log2(len(counts)) if len(counts) > 1 else math.nan
    extremes = (math.nan, math.nan)
    if len(counts):
        extremes = (float(shares.min()), float(shares.max()))
    return dict(zip(POOL_SHARES, (evenness, *extremes), strict=True))
