"""A further crossing with strategies of its own, and tables that are kept, in the real workflow."""

import csv
import json

import pytest

from helpers.checkouts import ANALYSIS
from labelbench_core.analysis.savings.label_savings import HEADLINE


@pytest.mark.thorough
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


def test_the_numbers_of_a_finished_experiment_are_kept(finished):
    finished.tell("keep_tables", "--folder", "kept")
    kept, made = (finished.folder / one for one in ("kept/smoke", "results/reports/smoke/tables"))

    def rows(path):
        with open(path, newline="") as handle:
            return [row for row in csv.DictReader(handle) if row["metric"] == "accuracy"]

    found, all_metrics = rows(kept / "metrics.csv"), rows(made / "metrics.csv")
    assert len(found) == len(all_metrics) > 0
    for one, other in zip(found, all_metrics, strict=True):
        assert float(one["value"]) == pytest.approx(float(other["value"]), rel=1e-5)
        assert {key: one[key] for key in one if key != "value"}.items() <= other.items()
    headline = [one for one in rows(made / "savings.csv") if one["definition"] == HEADLINE]
    assert len(headline) > 0
    assert [one["strategy"] for one in rows(kept / "savings.csv")] == [
        one["strategy"] for one in headline
    ]
    made_from = json.loads((kept / "made-from.json").read_text())
    assert made_from["command"] == "snakemake --cores all --configfile smoke.yaml"
    assert {"commit", "experiment_sha256", "machine"} <= set(made_from)
    manifest = json.loads((finished.folder / "results/datasets/digits/manifest.json").read_text())
    assert made_from["data"] == {"digits": manifest["fingerprint"]}
    assert not (kept / "orders.csv").exists()


def test_a_metric_to_keep_that_there_is_not_is_refused(finished):
    unknown = ("--folder", "never", "--metrics", "worst-group-accuracy")
    text = finished.tell("keep_tables", *unknown, status=2)
    assert text.startswith("error: --metrics: worst-group-accuracy: ")
    assert "has no such metric; allowed: accuracy, " in text
    assert not (finished.folder / "never" / "smoke" / "metrics.csv").exists()
