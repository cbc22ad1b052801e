"""The benchmark of growth: what a run reports, and its figure."""

import numpy as np
import pytest

from benchmarks import growth
from labelbench_core.storage import files, store
from labelbench_core.strategies import Head


@pytest.fixture
def folder(tmp_path, monkeypatch):
    seconds = {"float32": 1, "float64": 2}
    monkeypatch.setattr(growth, "seconds_per_product", seconds.get)
    growth.write_pool(tmp_path, 2500)
    return tmp_path


def test_a_run_reports_its_cost_and_the_products_it_cannot_avoid(folder):
    assert store.open_rows(folder / "pool").shape == (2500, 512)
    result = growth.run_one(folder, "coreset", 100, 1)
    assert (result["strategy"], result["rows"], result["batch"]) == ("coreset", 2500, 100)
    assert result["products"] == (100 * 150 + 2500) * 512
    assert result["all pairs"] == 2500 * 200 * 512
    assert 0 < result["own MB"] < result["peak MB"]
    assert result["CPU s"] > 0


def test_badge_needs_the_probabilities_and_the_distances_between_its_draws(folder):
    found = growth.products("badge", 2500, 100)
    predicting = 2500 * 512 * 1000
    assert found["products"] == predicting + (100**2 / 2 + 2500) * 1512 * 2
    assert found["all pairs"] == predicting + 2500 * 100 * 1512 * 2


def test_the_figure_holds_every_kind_of_run(tmp_path):
    results = [
        {"strategy": name, "rows": rows, "batch": batch, "CPU s": rows / 1e4, "peak MB": rows / 1e2}
        for name, batch in (("random", 1000), ("coreset", 1000), ("coreset", 10_000))
        for rows in (10_000, 40_000)
    ]
    growth.draw(results, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")


def test_the_synthetic_pool_is_neither_certain_nor_clueless(folder):
    arrays = files.read_npz(folder / "proxy.npz")
    rows = store.open_rows(folder / "pool").load()
    confidence = Head(arrays["weights"], arrays["bias"]).predict_proba(rows).max(axis=1)
    assert 0.2 < np.median(confidence) < 0.95
