"""All that compares an experiment with published curves, and the files it is written to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from labelbench_core.analysis.collected.frames import read_csv, write_csv
from labelbench_core.analysis.published.orders import ORDER_COLUMNS, compare_orders
from labelbench_core.analysis.published.published_curves import (
    REFERENCE_COLUMNS,
    compare_to_published,
)
from labelbench_core.analysis.published.published_texts import (
    order_tables,
    published_sentences,
    published_tables,
)
from labelbench_core.analysis.results import FLOAT_FORMAT
from labelbench_core.analysis.tables import as_latex, as_markdown
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.stages.report_files import ORDERS, REFERENCE
from labelbench_core.storage.files import atomic_path

if TYPE_CHECKING:
    import pandas as pd


def compare(
    experiment: Experiment, rounds: pd.DataFrame, finetuned: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables of values and of orders, from those of `collect_curves`."""
    arguments = (experiment, rounds, finetuned)
    return compare_to_published(*arguments), compare_orders(*arguments)


def write_comparison(
    table: pd.DataFrame, orders: pd.DataFrame, experiment: Experiment, folder: str | Path
) -> None:
    """Write both tables, and what they say as text, into `folder`."""
    folder = Path(folder)
    write_csv(table, folder / f"{REFERENCE}.csv", FLOAT_FORMAT)
    write_csv(orders, folder / f"{ORDERS}.csv", FLOAT_FORMAT)
    texts = [*published_tables(experiment, table), *order_tables(orders)]
    sentences = published_sentences(experiment, table, orders)
    listed = "".join(f"- {sentence}\n" for sentence in sentences)
    for suffix, text in {"md": f"{listed}\n{as_markdown(texts)}", "tex": as_latex(texts)}.items():
        with atomic_path(folder / f"{REFERENCE}.{suffix}") as aside:
            aside.write_text(text, encoding="utf-8")


def read_comparison(folder: str | Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables that `write_comparison` wrote."""
    folder = Path(folder)
    return (
        read_csv(folder / f"{REFERENCE}.csv", REFERENCE_COLUMNS),
        read_csv(folder / f"{ORDERS}.csv", ORDER_COLUMNS),
    )
