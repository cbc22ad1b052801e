"""A further crossing with strategies of its own, in the real workflow."""

import csv
import json

from helpers.checkouts import ANALYSIS


def test_a_crossing_without_the_baseline_is_compared_with_it(finished):
    also = "also: [{strategies: [bait-swap], seeds: 1, finetune: null}]\n"
    finished.append("smoke.yaml", also)
    assert finished.planned() == {"select_round": 2, **ANALYSIS}
    finished.snakemake()
    assert finished.planned() == {}
    report = finished.folder / "results/reports/smoke"
    with open(report / "tables/comparisons.csv", newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row["strategy"] == "bait-swap"]
    assert {row["n_seeds"] for row in rows} == {"1"}
    assert {row["round"] for row in rows} == {"1", "2"}
    page = (report / "report.html").read_text(encoding="utf-8")
    assert "bait-swap has 1 seed and 3 budgets, random 2 seeds and 3 budgets" in page
    (setting,) = json.loads((report / "tables/summary.json").read_text())["settings"]
    assert set(setting["final"]) == {"random", "margin"}
