"""A table with weights in the real workflow: from preparation to the report, weighted by hand."""

import csv
import json

import numpy as np
import pytest

from helpers.checkouts import MINE
from helpers.pictures_by_table import paint, write_table
from labelbench_core.datasets import open_dataset
from labelbench_core.embeddings.views import open_embeddings

ENTRY = """
mine:
  implementation: table
  options:
    {table: mine/all.csv, path_column: path, label_column: label, weight_column: importance,
     test_size: 20, image_size: 32}
"""


@pytest.fixture
def mine(fresh):
    """A checkout with 60 images of two classes; a weight is told by the image's number."""
    rows = []
    for number in range(60):
        paint(fresh.folder / "data" / "mine" / f"{number}.png", number)
        rows.append([f"{number}.png", ("cat", "dog")[number % 2], str(weight_of(number))])
    write_table(fresh.folder / "data" / "mine" / "all.csv", ["path", "label", "importance"], rows)
    fresh.append("config/catalogue/datasets.yaml", ENTRY)
    fresh.append("config/catalogue/schedules.yaml", "\nfew: {initial: 4, batch: 4}\n")
    (fresh.folder / "mine.yaml").write_text(f"{MINE}by_class: true\n")
    return fresh


def weight_of(number):
    return 0.5 + number % 7


@pytest.mark.thorough
def test_accuracy_in_the_table_is_the_share_of_the_weights(mine):
    mine.snakemake(config="mine.yaml")
    assert mine.planned(config="mine.yaml") == {}
    results = mine.folder / "results"
    dataset = open_dataset(results / "datasets" / "mine")
    _, embeddings = open_embeddings(results / "embeddings/mine/tiny/manifest.json", {})
    tables = results / "reports" / "mine" / "tables"
    with open(tables / "curves.csv", newline="") as file:
        curves = [row for row in csv.DictReader(file) if row["metric"] == "accuracy"]
    chain = results / "selections/mine/tiny/linear/few/margin/seed-0"
    trained = np.load(chain / "round-1.npz")
    for split in ("pool", "test"):
        listed = json.loads((dataset.folder / "arrays" / f"{split}-files.json").read_text())
        names = [path.rpartition("/")[2].removesuffix(".png") for path, _ in listed]
        weights = np.array([weight_of(int(name)) for name in names])
        features = embeddings[split].take(np.arange(len(weights))).astype(np.float64)
        predicted = (features @ trained["weights"] + trained["bias"]).argmax(axis=1)
        right = predicted == dataset.labels(split)
        (row,) = (
            row
            for row in curves
            if (row["split"], row["strategy"], row["num_labeled"]) == (split, "margin", "8")
        )
        by_hand = (right * weights).sum() / weights.sum()
        assert float(row["mean"]) == pytest.approx(by_hand, abs=1e-6)
        assert abs(by_hand - right.mean()) > 1e-4
    assert (tables / "metrics.csv").read_text().splitlines()[0].endswith(",weighted")
    with open(tables / "classes.csv", newline="") as file:
        classes = [row for row in csv.DictReader(file) if row["num_labeled"] == "8"]
    assert {row["rows"] for row in classes} == {"10"}
    page = (results / "reports" / "mine" / "report.html").read_text()
    assert "mine: Metrics and training are weighted: a row counts as many times as its" in page
    assert "one of them is 0." in page
