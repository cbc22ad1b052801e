"""Two annotators side by side in the real workflow: one is exact, the other errs."""

import csv
import json

import numpy as np
import pytest

from helpers.checkouts import failing
from labelbench_core.datasets import open_dataset

ENTRY = """
said:
  implementation: recorded
  options: {table: said.csv, column: label, clean: truth}
  price: 0.05
"""
NOISY = """
experiment: noisy
datasets: [digits]
annotators: [exact, said]
backbones: [tiny]
proxies: [linear]
schedules: [balanced]
strategies: [random, margin]
rounds: 2
seeds: 1
finetune: {trainers: [tiny], strategies: [margin], rounds: [1], seeds: 1}
"""


def write_table(folder, labels, truth, name="said.csv"):
    """A table of what somebody says, in the data directory."""
    path = folder / "data" / name
    path.parent.mkdir(exist_ok=True)
    lines = [f"{said},{true}" for said, true in zip(labels, truth, strict=True)]
    path.write_text("\n".join(["label,truth", *lines]) + "\n")


@pytest.fixture
def noisy(fresh):
    """The small experiment with an annotator that takes every 3 for an 8."""
    fresh.append("config/catalogue/annotators.yaml", ENTRY)
    fresh.append(
        "config/catalogue/schedules.yaml",
        "balanced: {initial: 20, batch: 20, draw: class-balanced}\n",
    )
    (fresh.folder / "noisy.yaml").write_text(NOISY)
    return fresh


def test_noisy_and_exact_labels_side_by_side(noisy):
    noisy.snakemake("results/datasets/digits/manifest.json", config="smoke.yaml")
    truth = open_dataset(noisy.folder / "results/datasets/digits").labels("pool")
    said = np.where(truth == 3, 8, truth)
    write_table(noisy.folder, said[:-1], truth[:-1])
    text = failing(noisy, config="noisy.yaml")
    assert (
        "annotator 'said' on data set 'digits': data/said.csv: label: 299 labels; allowed: 300"
        in text
    )
    assert not (noisy.folder / "results/annotations").exists()
    write_table(noisy.folder, said, truth)
    exact = {path for path in _paths(noisy, "annotators: [exact, said]", "") if "said" not in path}
    both = _paths(noisy, "", "")
    assert {path for path in both if "@" not in path} == exact
    assert all("digits@said/" in path for path in both if "@" in path)
    noisy.snakemake(config="noisy.yaml")
    assert noisy.planned(config="noisy.yaml") == {}

    results = noisy.folder / "results"
    record = json.loads((results / "annotations/digits@said/record.json").read_text())
    assert record["noise"] == pytest.approx((truth == 3).mean())
    assert record["noise_by_class"][3] == 1
    chains = {}
    for place in ("digits", "digits@said"):
        chain = results / "selections" / place / "tiny/linear/balanced"
        drawn = json.loads(
            (results / f"selections/{place}/balanced/seed-0/initial.json").read_text()
        )
        last = json.loads((chain / "margin/seed-0/round-1.json").read_text())
        tuned = results / f"finetuned/{place}/tiny/tiny/linear/balanced/margin/seed-0/round-1"
        chains[place] = drawn, last, json.loads((tuned / "metrics.json").read_text())
    for record in chains["digits"]:
        assert not {"annotator", "annotations_sha256"} & set(record)
    digest = {one["annotations_sha256"] for one in chains["digits@said"]}
    assert len(digest) == 1
    # Balanced by what was said: no class 3, which the annotator does not know.
    labeled = chains["digits@said"][0]["labeled"]
    assert np.bincount(said[labeled], minlength=10).tolist()[3] == 0
    assert set(np.bincount(said[labeled], minlength=10)) == {0, 2, 3}
    # Whoever never heard of a class never names it, and is judged by the truth all the same.
    for one in chains["digits@said"][1:]:
        assert one["metrics"]["test"]["min-class-accuracy"] == 0
    with open(results / "reports/noisy/tables/curves.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert {row["annotator"] for row in rows} == {"exact", "said"}
    page = (results / "reports/noisy/report.html").read_text()
    assert "digits / tiny / linear / balanced, labels: said" in page
    share = f"{100 * (truth == 3).mean():.2f} % of the pool"
    assert share in page

    # Another table is noticed; what is bought of the exact annotator stays.
    write_table(noisy.folder, np.where(truth == 5, 6, said), truth)
    planned = noisy.planned(config="noisy.yaml")
    assert planned["annotate"] == 1
    assert planned["draw_initial_pool"] == planned["train_initial"] == 1
    assert planned["select_round"] == 2
    # A price decides nothing.
    write_table(noisy.folder, said, truth)
    noisy.edit("config/catalogue/annotators.yaml", "price: 0.05", "price: 2")
    rules = set(noisy.planned(config="noisy.yaml"))
    assert rules <= {"render_report"}


def _paths(workflow, old, new):
    """Outputs that a dry run plans after an edit of the experiment, which is undone."""
    file = workflow.folder / "noisy.yaml"
    before = file.read_text()
    if old:
        file.write_text(before.replace(old, new))
    text = workflow.snakemake("-n", "--summary", config="noisy.yaml")
    file.write_text(before)
    return {line.split("\t")[0] for line in text.splitlines() if line.startswith("results/")}
