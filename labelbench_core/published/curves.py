"""The published learning curves, seed by seed, as measured and as the paper draws them."""

import csv
import functools
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from labelbench_core.errors import InputError, listed
from labelbench_core.published.settings import setting

FILE = Path(__file__).with_name("curves.csv.gz")
COLUMNS = ("setting", "strategy", "metric", "round", "num_labeled", "n_seeds")
COLUMNS += ("mean", "stderr", "per_seed")

THEIRS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("test", "accuracy"): "Test Accuracy",
        ("pool", "accuracy"): "Pool Accuracy",
        ("val", "accuracy"): "Validation Accuracy",
        ("test", "macro-f1"): "Test Macro F1",
        ("pool", "macro-f1"): "Pool Macro F1",
    }
)
"""(Split, metric) as this project calls them → the original's name. Balanced accuracy is missing: a
class without rows counts 0 in the original's, and is left out of ours."""


@dataclass(frozen=True)
class PublishedCurve:
    """A published curve.

    Attributes
    ----------
    num_labeled
        (R,) int64 labels bought. Most runs of badge bought one more in each round but the first: a
        slip in the code that they were made with.
    values
        (S, R) as measured, a row for each seed; NaN where a run had ended before.
    """

    num_labeled: np.ndarray
    values: np.ndarray

    @property
    def running_maximum(self) -> np.ndarray:
        """(S, R) largest value of each seed so far; its mean over seeds is what the paper draws."""
        return running_maximum(self.values)


def running_maximum(values: np.ndarray) -> np.ndarray:
    """(S, R) largest value of each row up to each column; NaN where `values` is."""
    highest = np.fmax.accumulate(values, axis=1)
    return np.where(np.isnan(values), np.nan, highest)


def curve(name: str, strategy: str, split: str, metric: str) -> PublishedCurve | None:
    """A curve of the published setting `name`; None where that metric was not published for it.

    Raises
    ------
    InputError
        If there is no such setting, or it has no such strategy.
    """
    chosen = setting(name)
    if strategy not in chosen.strategies:
        told = f"strategy {strategy!r} was not published for {name}"
        raise InputError(f"{told}; allowed: {listed(chosen.strategies)}")
    theirs = THEIRS.get((split, metric))
    return _curves().get((chosen.path, strategy, theirs)) if theirs else None


@functools.cache
def _curves() -> dict[tuple[str, str, str], PublishedCurve]:
    """(Path, strategy, the original's metric) → curve."""
    rows: dict[tuple[str, str, str], list[tuple[int, list[float]]]] = {}
    with gzip.open(FILE, "rt", encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            key = (row["setting"], row["strategy"], row["metric"])
            seeds = [float(text) if text else np.nan for text in row["per_seed"].split(";")]
            rows.setdefault(key, []).append((int(row["num_labeled"]), seeds))
    return {
        key: PublishedCurve(
            np.array([count for count, _ in found], dtype=np.int64),
            np.array([seeds for _, seeds in found], dtype=np.float64).T,
        )
        for key, found in rows.items()
    }
