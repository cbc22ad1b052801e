"""A report with all interactive figures, on two data sets, and what a browser saves of it."""

import csv
import json
from pathlib import Path
from typing import Any

from workflow_scripts import price_costs

from . import fake_results
from .analysis_jobs import SMALL, collect, collect_all_costs, render, tabulate_results

DATASETS = ["digits", "letters"]
STRATEGIES = ["random", "margin", "coreset", "badge", "entropy"]
CLASSES = ["curved", "straight", "both"]
GROUPS = ["morning", "evening"]
PRICES = {"label": 0.05, "gpu_hour": 2.5, "currency": "EUR"}
FIGURES = ["label_efficiency", "difference", "label_savings", "finetuning", "costs"]
FIGURES += ["classes", "groups", "class_balance", "money"]
MORE = ["labels_needed", "pairwise", "profiles", "stopping", "critical_difference"]
"""Figures that are not interactive."""


def make_page(folder: Path) -> Path:
    """`folder`, with results in it and their page, `report.html`; drawn figures are stand-ins."""
    crossed = {**SMALL, "datasets": DATASETS, "strategies": STRATEGIES}
    values = fake_results.experiment(**crossed, by_class=True, by_group=True)
    fake_results.write(folder, values, grouped=True)
    for name in DATASETS:
        named = {"dataset": name, "class_names": CLASSES, "group_names": GROUPS}
        fake_results.note(folder / f"{name}.json", "data set", **named)
    assert collect(folder, values) == tabulate_results(folder, values) == 0
    collect_all_costs(folder, values)
    (folder / "experiment.json").write_text(json.dumps(values), encoding="utf-8")
    money = {"money": f"{folder}/money.csv", "money-curves": f"{folder}/money_curves.csv"}
    prices = json.dumps(PRICES)
    tables = [f"--{name}={folder}/{name}.csv" for name in ("costs", "metrics")]
    tables += [f"--savings={folder}/tables/savings.csv", f"--money={money['money']}"]
    tables += [f"--curves={money['money-curves']}", f"--experiment={json.dumps(values)}"]
    assert price_costs.main([*tables, "--prices", prices]) == 0
    (folder / "figures").mkdir()
    for name in (*FIGURES, *MORE):  # drawing takes longer than all tests
        drawn = '<svg viewBox="0 0 9 9"><path d="M0,0H9V9Z"/></svg>'
        (folder / "figures" / f"{name}.svg").write_text(drawn, encoding="utf-8")
    assert render(folder, **money, prices=prices)[0] == 0
    return folder


def rows(results: Path, table: str, **wanted: str) -> list[dict[str, str]]:
    """Rows of a table whose cells are `wanted`; a table with a suffix stands beside the page."""
    path = results / table if table.endswith(".csv") else results / "tables" / f"{table}.csv"
    with open(path, encoding="utf-8", newline="") as handle:
        found = list(csv.DictReader(handle))
    return [row for row in found if all(row[key] == value for key, value in wanted.items())]


def download(page: Any, button: Any) -> list[list[str]]:
    """The lines of the CSV file that a click on `button` saves."""
    with page.expect_download() as event:
        button.click()
    with open(event.value.path(), encoding="utf-8", newline="") as handle:
        return list(csv.reader(handle))
