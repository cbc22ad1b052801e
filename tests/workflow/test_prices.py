"""Prices turn what a finished experiment cost into money, in the real workflow."""

import csv

import pytest

REPORT = "results/reports/smoke"
PRICES = "prices: {label: 0.5, gpu_hour: 36, currency: EUR}\nrounds: 3"


def test_prices_rerun_what_is_about_money_and_the_page_alone(finished):
    before = finished.results()
    finished.edit("smoke.yaml", "rounds: 3", PRICES)
    assert finished.planned() == {"price_costs": 1, "plot_money": 1, "render_report": 1}
    finished.snakemake()
    assert finished.planned() == {}
    after = finished.results()
    new = {path.removeprefix(f"{REPORT}/") for path in set(after) - set(before)}
    tables = {"money_curves.csv", *(f"money.{end}" for end in ("csv", "md", "tex"))}
    assert new == tables | {f"figures/money.{end}" for end in ("png", "pdf", "svg")}

    with open(finished.folder / REPORT / "money_curves.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    # Three strategies, 20 labels at the start and in each of two rounds.
    for name in ("random", "margin", "badge"):
        own = [row for row in rows if row["strategy"] == name and row["split"] == "test"]
        assert [row["num_labeled"] for row in own] == ["20", "40", "60"]
        assert [float(row["label_cost"]) for row in own] == [10, 20, 30]
        spent = [float(row["compute_cost"]) for row in own]
        assert 0 < spent[0] < spent[1] < spent[2]
        assert float(own[-1]["total_cost"]) == pytest.approx(30 + spent[-1])
    with open(finished.folder / REPORT / "proxy_savings.csv", newline="") as handle:
        saved = list(csv.DictReader(handle))
    assert {row["trainer"] for row in saved} == {"tiny"}
    assert all(float(row["saved_flops"]) > 0 for row in saved)
    page = (finished.folder / REPORT / "report.html").read_text(encoding="utf-8")
    assert 'id="figure-money"' in page
    assert "saved in a round in EUR" in page
