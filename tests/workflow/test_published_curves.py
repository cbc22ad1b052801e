"""A published setting beneath an experiment of another setting, in the real workflow."""

import csv

import pytest

from helpers.checkouts import ANALYSIS
from helpers.web_page import Page

ADDED = """reference: cifar10-200-linear
panels:
  - {title: "(a) test", smoothing: max, y: [0, 100]}
  - {title: "(b) pool", split: pool, reference: cifar10-1000-linear}
rounds: 3"""
REPORT = "results/reports/smoke"


@pytest.mark.thorough
def test_a_reference_adds_its_tables_and_figures_and_reruns_no_round(finished):
    before = finished.results()
    finished.edit("smoke.yaml", "rounds: 3", ADDED)
    assert finished.planned() == {**ANALYSIS, "compare_published": 1, "plot_panels": 1}
    finished.snakemake()
    assert finished.planned() == {}
    after = finished.results()
    new = {path.removeprefix(f"{REPORT}/") for path in set(after) - set(before)}
    tables = {"tables/orders.csv", *(f"tables/reference.{end}" for end in ("csv", "md", "tex"))}
    assert new == tables | {f"figures/panels.{end}" for end in ("png", "pdf", "svg")}
    for name in ("curves", "comparisons", "savings", "metrics"):
        assert after[f"{REPORT}/tables/{name}.csv"] == before[f"{REPORT}/tables/{name}.csv"]

    with open(finished.folder / REPORT / "tables" / "reference.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert {row["same_setting"] for row in rows} == {"0"}
    assert {row["difference"] for row in rows} == {""}
    assert {row["num_labeled"] for row in rows} == {str(200 * n) for n in range(1, 21)}
    with open(finished.folder / REPORT / "tables" / "orders.csv", newline="") as handle:
        orders = list(csv.DictReader(handle))
    assert {row["strategies"] for row in orders} == {"random margin badge"}
    assert all(float(row["low"]) <= float(row["high"]) for row in orders)
    text = (finished.folder / REPORT / "report.html").read_text(encoding="utf-8")
    words = " ".join(" ".join(Page(text).words).split())
    assert "cifar10-200-linear is another setting (data set: digits, published: cifar-10-" in words
    assert "Order of 3 strategies by test accuracy with the last labels" in words
    assert 'id="figure-panels"' in text
