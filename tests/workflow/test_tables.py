"""A data set by a table in the real workflow: a shifted split with a group of its own."""

import json

import pytest

from helpers.checkouts import MINE, failing
from helpers.pictures_by_table import paint, write_table
from labelbench_core.datasets import open_dataset

ENTRIES = """
mine:
  implementation: table
  options:
    table: mine/all.csv
    path_column: path
    label_column: label
    split_column: split
    splits: {photo: pool, film: test, sketch: sketch}
    group_column: painter
    image_size: 32
  metric: worst-group-accuracy
"""
HEADER = ["path", "label", "split", "painter"]
SIZES = {"photo": 12, "film": 6, "sketch": 4}


@pytest.fixture
def mine(fresh):
    """A checkout with a data set by a table: two painters, and a third of sketches only."""
    rows = []
    for split, count in SIZES.items():
        for label in ("cat", "dog"):
            for number in range(count):
                painter = "otto" if split == "sketch" else ("ann", "bea")[number % 2]
                name = f"{split}-{label}-{number}.png"
                paint(fresh.folder / "data" / "mine" / name, len(rows))
                rows.append([name, label, split, painter])
    write_table(fresh.folder / "data" / "mine" / "all.csv", HEADER, rows)
    fresh.append("config/catalogue/datasets.yaml", ENTRIES)
    fresh.append("config/catalogue/schedules.yaml", "\nfew: {initial: 4, batch: 4}\n")
    (fresh.folder / "mine.yaml").write_text(MINE)
    return fresh, rows


@pytest.mark.thorough
def test_a_shifted_split_with_its_own_group_is_measured_and_reported(mine):
    workflow, rows = mine
    # As JSON Lines: the other test reads CSV.
    lines = [json.dumps(dict(zip(HEADER, row, strict=True))) for row in rows]
    (workflow.folder / "data" / "mine" / "all.jsonl").write_text("\n".join(lines))
    workflow.edit("config/catalogue/datasets.yaml", "mine/all.csv", "mine/all.jsonl")
    workflow.snakemake(config="mine.yaml")
    assert workflow.planned(config="mine.yaml") == {}
    prepared = open_dataset(workflow.folder / "results" / "datasets" / "mine")
    assert prepared.manifest["group_names"] == ["ann", "bea", "otto"]
    assert set(prepared.groups("sketch").tolist()) == {2}
    chain = workflow.folder / "results/selections/mine/tiny/linear/few/margin/seed-0/round-1.json"
    metrics = json.loads(chain.read_text())["metrics"]
    sketch, test = metrics["sketch"], metrics["test"]
    assert sketch["worst-group-accuracy"] == sketch["accuracy"]  # one group
    other = 2 * test["accuracy"] - test["worst-group-accuracy"]  # of two of equal size
    assert test["worst-group-accuracy"] <= other <= 1
    report = workflow.folder / "results" / "reports" / "mine"
    summary = json.loads((report / "tables" / "summary.json").read_text())
    assert summary["metric"] == "worst-group-accuracy"
    final = summary["settings"][0]["final"]["margin"]
    assert final["sketch"]["mean"] == pytest.approx(sketch["worst-group-accuracy"])
    assert "sketch worst-group-accuracy in %" in (report / "tables" / "curves.md").read_text()
    assert "no worst-group-accuracy on" not in (report / "report.html").read_text()
    # Another metric makes the report again, and nothing else.
    workflow.edit("config/catalogue/datasets.yaml", "metric: worst-group-accuracy", "metric: nll")
    rules = set(workflow.planned(config="mine.yaml"))
    assert "tabulate" in rules
    assert not rules & {"prepare_dataset", "extract_embeddings", "train_initial", "select_round"}


def test_what_is_wrong_in_a_table_is_told_before_any_job(mine):
    workflow, rows = mine
    rows[3][1] = ""
    write_table(workflow.folder / "data" / "mine" / "all.csv", HEADER, rows)
    text = failing(workflow, config="mine.yaml")
    assert "all.csv: line 5: column label: ''; allowed: a cell that is not empty" in text
    assert not (workflow.folder / "results").exists()
