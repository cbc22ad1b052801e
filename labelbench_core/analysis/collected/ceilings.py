"""Ceilings: upper bounds that are shown beside the methods and excluded from comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from labelbench_core.configuration.experiment import Experiment

if TYPE_CHECKING:
    import pandas as pd

METHOD, CEILING, FULL_DATA = "method", "ceiling", "full data"
"""Kinds of curves: strategies that are compared, strategies that see hidden labels, and models
trained on the whole pool, which have a single number of labels and a schedule of their own."""


def methods_only(frame: pd.DataFrame, experiment: Experiment) -> pd.DataFrame:
    """The rows that may be compared and ranked."""
    return frame[frame["strategy"].isin(experiment.strategies)]


def with_kind(table: pd.DataFrame, experiment: Experiment) -> pd.DataFrame:
    """`table` with a column `kind` after the strategy."""
    found = table.copy()
    method = table["strategy"].isin(experiment.strategies)
    full = table["schedule"].isin(experiment.full_data)
    kinds = np.where(method, METHOD, np.where(full, FULL_DATA, CEILING))
    found.insert(table.columns.get_loc("strategy") + 1, "kind", kinds)
    return found


def full_data_of(table: pd.DataFrame, setting: Mapping[str, str]) -> pd.DataFrame:
    """The rows of models on the full data that bound `setting`, whatever its schedule."""
    rows = table[table["kind"] == FULL_DATA]
    for key, value in setting.items():
        if key != "schedule":
            rows = rows[rows[key] == value]
    return rows


def shown_names(table: pd.DataFrame) -> pd.Series:
    """The strategies' names, those of ceilings marked as such."""
    names = table["strategy"]
    return names.where(table["kind"] == METHOD, names.map(ceiling_name))


def ceiling_name(name: str) -> str:
    """A ceiling's name beside those of methods."""
    return f"{name} (ceiling)"
