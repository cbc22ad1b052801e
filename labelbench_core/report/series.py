"""Curves as the page's data have them: lists of values over numbers of labels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labelbench_core.analysis.collected.ceilings import full_data_of
from labelbench_core.analysis.collected.frames import groups

if TYPE_CHECKING:
    import pandas as pd


class CurveSeries:
    """Rows of tables as lists of values over numbers of labels, each such list kept once.

    Parameters
    ----------
    settings
        The page's settings; series name them by their place.
    dimensions
        Names of a setting's ids, in their order.
    """

    def __init__(self, settings: Sequence[Mapping[str, Any]], dimensions: Sequence[str]) -> None:
        self.labels: list[list[int]] = []
        self._dimensions = list(dimensions)
        self._places = {tuple(one.values()): place for place, one in enumerate(settings)}
        self._known: dict[tuple[int, ...], int] = {}

    def of(self, table: pd.DataFrame, *columns: str, digits: int | None = None) -> list[list[Any]]:
        """Setting, split, metric, strategy, labels, seeds, and a list for each of `columns`.

        `digits` rounds the values; without it they are as in the table.
        """
        found = []
        keys = ["split", "metric", "strategy"]
        for place, rows in self.by_setting(table):
            for names, part in groups(rows, keys):
                values = [numbers(part[name], digits) for name in columns]
                labels, seeds = self.place(part["num_labeled"]), one_or_all(part["n_seeds"])
                found.append([place, *names.values(), labels, seeds, *values])
        return found

    def by_setting(self, table: pd.DataFrame) -> Iterable[tuple[int, pd.DataFrame]]:
        """The rows of each setting, with its place."""
        for names, rows in groups(table, self._dimensions):
            yield self._places[tuple(names.values())], rows

    def add_full_data(
        self,
        found: list[list[Any]],
        curves: pd.DataFrame,
        settings: Sequence[Mapping[str, Any]],
    ) -> None:
        """Models on the full data, beneath each setting that they bound."""
        for place, setting in enumerate(settings):
            for row in full_data_of(curves, setting).to_dict("records"):
                values = ([number(row[name])] for name in ("mean", "half_width"))
                labels = self.place([row["num_labeled"]])
                ids = (place, row["split"], row["metric"], row["strategy"])
                found.append([*ids, labels, int(row["n_seeds"]), *values])

    def place(self, labels: Iterable[Any]) -> int:
        """The place of a list of numbers of labels among `labels`."""
        key = tuple(int(count) for count in labels)
        if key not in self._known:
            self._known[key] = len(self.labels)
            self.labels.append(list(key))
        return self._known[key]


def numbers(values: Iterable[float], digits: int | None = None) -> list[float | None]:
    """Numbers as JSON has them: null where a number is not finite."""
    return [number(value, digits) for value in values]


def number(value: float, digits: int | None = None) -> float | None:
    """A number as JSON has it, rounded to `digits` decimals where these are given."""
    if not math.isfinite(value):
        return None
    return float(value) if digits is None else round(float(value), digits)


def one_or_all(values: pd.Series) -> Any:
    """A single number where all are the same, else all of them."""
    found = [int(value) for value in values]
    return found[0] if len(set(found)) == 1 else found
