"""The tables of finished experiments that `keep_tables` has kept under docs/results/."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from labelbench_core.analysis.collected.frames import SETTING
from labelbench_core.errors import InputError
from labelbench_core.storage import files

KEPT = Path(__file__).parent / "results"


def table_of(name: str, table: str) -> pd.DataFrame:
    """A table of an experiment; `InputError` where it has not been kept."""
    path = KEPT / name / f"{table}.csv"
    if not path.exists():
        raise InputError(
            f"{path}: file not found; `python -m workflow_scripts.keep_tables` writes it"
        )
    return pd.read_csv(path, keep_default_na=True)


def rows_of(table: pd.DataFrame, split: str, metric: str) -> pd.DataFrame:
    """The rows of one split and metric."""
    return table[(table["split"] == split) & (table["metric"] == metric)]


def of_setting(rows: pd.DataFrame, ids: list[str]) -> pd.DataFrame:
    """The rows of the settings that have these ids, of a data set, a proxy or another."""
    for one in ids:
        rows = rows[(rows[setting_columns(rows)] == one).any(axis="columns")]
    return rows


def setting_columns(rows: pd.DataFrame) -> list[str]:
    """The columns that name a setting."""
    return [name for name in SETTING if name in rows]


def headline(name: str) -> str:
    """The metric of an experiment's headline."""
    return files.read_json(KEPT / name / "made-from.json")["metric"]


def line(cells: Iterable[Any]) -> str:
    """A row of a table in Markdown."""
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def saving_text(row: Any) -> str:
    """A saving with its interval; open ends are said."""

    def end(value: float, bound: Any) -> str:
        words = f"{bound} " if isinstance(bound, str) and bound else ""
        return f"{words}{value:.2f}"

    if row["bound"] == "undefined" or pd.isna(row["saving"]):
        return "–"
    text = end(row["saving"], row["bound"])
    if pd.isna(row["low"]) or pd.isna(row["high"]):
        return text
    return f"{text} ({end(row['low'], row['low_bound'])} to {end(row['high'], row['high_bound'])})"
