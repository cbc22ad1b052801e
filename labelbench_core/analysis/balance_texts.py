"""The class balance of what was bought, as text tables."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from labelbench_core.analysis.collected.balance import POOL_SHARES
from labelbench_core.analysis.collected.curves import t_intervals
from labelbench_core.analysis.collected.frames import SETTING, groups, setting_name
from labelbench_core.analysis.collected.units import with_half_width
from labelbench_core.analysis.tables import TextTable

if TYPE_CHECKING:
    import pandas as pd

SHARE = "accuracy"
"""Shares are summarised and shown as values of this metric, and their intervals cut at 0 and 1."""
ALL, POOL = "all strategies", "whole pool"
SHOWN = (*POOL_SHARES, "distance_to_pool")


def balance_tables(table: pd.DataFrame) -> list[TextTable]:
    """A table per setting: each strategy's first, middle and last labels, and a row for the pool.

    Parameters
    ----------
    table
        A row per round, columns as `balance.BALANCE_COLUMNS`.

    Returns
    -------
    Shares and distances in percent, as mean ± half-width of Student's 95 % interval over seeds. The
    first labels have one row where all strategies share them.
    """
    columns = ("strategy", "labels", "evenness", "classes without label", "rarest class")
    columns += ("most frequent class", "distance from pool", "seeds")
    tables = []
    for names, rows in groups(table, SETTING):
        lines: dict[str, list[tuple[str, ...]]] = {}
        for name, part in groups(rows, ["strategy"]):
            bought = part["num_labeled"].to_numpy()
            labels = np.unique(bought)
            chosen = dict.fromkeys((labels[0], labels[len(labels) // 2], labels[-1]))
            shares = part[list(SHOWN)].to_numpy(np.float64)
            missing = part["classes_without_label"].to_numpy(np.float64)
            classes = int(part["classes"].iloc[0])
            lines[name["strategy"]] = [
                _cells(int(at), shares[bought == at], missing[bought == at], classes)
                for at in chosen
            ]
        first = {own[0] for own in lines.values()}
        cells: list[tuple[str, ...]] = []
        if len(first) == 1 < len(lines):
            cells = [(ALL, *first.pop())]
            lines = {name: own[1:] for name, own in lines.items()}
        cells += [(name, *line) for name, own in lines.items() for line in own]
        cells.append(_pool_cells(rows.iloc[0]))
        title = f"class balance in %, {setting_name(names)}"
        tables.append(TextTable(title, columns, tuple(cells)))
    return tables


def _cells(
    labels: int, shares: np.ndarray, without_label: np.ndarray, classes: int
) -> tuple[str, ...]:
    """The cells of a row: means over the seeds' rounds with the same number of labels.

    `shares` (S, 4) has the values of `SHOWN`, `without_label` (S,) how many classes have none.
    """
    means, halves = t_intervals(np.ascontiguousarray(shares.T))
    evenness, rarest, most, distance = (
        with_half_width(mean, half, SHARE)
        for mean, half in zip(means.tolist(), halves.tolist(), strict=True)
    )
    missing = f"{without_label.mean():.1f} of {classes:,}"
    return f"{labels:,}", evenness, missing, rarest, most, distance, str(len(shares))


def _pool_cells(row: pd.Series) -> tuple[str, ...]:
    evenness, rarest, most = (
        with_half_width(row[f"pool_{name}"], math.nan, SHARE) for name in POOL_SHARES
    )
    return POOL, "–", evenness, f"0 of {row['classes']:,}", rarest, most, "–", "–"
