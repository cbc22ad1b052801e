"""Ceilings and the ensemble proxy in the real workflow."""

import csv
import json

import pytest

from helpers.checkouts import ANALYSIS, failing


@pytest.mark.thorough
def test_ceilings_are_appended_and_shown(finished):
    finished.edit("smoke.yaml", "rounds: 3", "ceilings: [full-data, look-ahead]\nrounds: 3")
    added = {"draw_initial_pool": 2, "train_initial": 2, "select_round": 4}
    assert finished.planned() == {**added, **ANALYSIS, "plot_headroom": 1}
    before = finished.results()
    tables = "results/reports/smoke/tables/summary.json"
    finished.snakemake(tables)
    assert finished.planned(tables) == {}
    after = finished.results()
    ranked = ("comparisons", "savings", "aubc", "ranking", "pairwise", "finetuning")
    for name in ranked:
        path = f"results/reports/smoke/tables/{name}.csv"
        assert after[path] == before[path], name
    selections = finished.folder / "results/selections/digits/tiny/linear"
    record = json.loads((selections / "full-data/initial/seed-1/round-0.json").read_text())
    assert record["num_labeled"] == 300
    with open(finished.folder / "results/reports/smoke/tables/curves.csv", newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row["metric"] == "accuracy"]
    pool = {row["strategy"]: float(row["mean"]) for row in rows if row["split"] == "pool"}
    assert max(pool, key=pool.get) == "full-data"
    assert pool["look-ahead"] == max(pool[name] for name in pool if name != "full-data")


def test_ceilings_are_not_ranked(fresh):
    fresh.edit("smoke.yaml", "margin, badge]", "margin, look-ahead]")
    text = failing(fresh)
    assert "error: smoke.yaml: strategies: 'look-ahead' is a ceiling, which is never ranked" in text
    assert not (fresh.folder / "results").exists()


@pytest.mark.thorough
def test_bald_runs_on_an_ensemble_and_on_nothing_else(finished):
    finished.edit("smoke.yaml", "margin, badge]", "margin, bald, power-bald]")
    told = "'bald' needs member_probabilities, which proxy 'linear' does not provide"
    assert told in failing(finished)
    finished.edit("smoke.yaml", "[linear]", "[linear-ensemble]")
    chain = "results/selections/digits/tiny/linear-ensemble/small/{}/seed-0/round-2.json"
    paths = [chain.format(name) for name in ("bald", "power-bald")]
    finished.snakemake(*paths)
    bought = [json.loads((finished.folder / path).read_text())["bought"] for path in paths]
    assert [len(set(rows)) for rows in bought] == [20, 20]
    assert bought[0] != bought[1]
