"""An annotator that errs beside the exact one, in the real workflow."""

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
schedules: [small]
strategies: [random, margin]
rounds: 2
seeds: 1
finetune: {trainers: [tiny], strategies: [margin], rounds: [1], seeds: 1}
"""
TABLES = "results/reports/noisy/tables/summary.json"
JOBS = {"annotate": 1, "draw_initial_pool": 1, "train_initial": 1, "select_round": 2}


def write_table(folder, labels, truth):
    """What somebody says of the pool, in the data directory."""
    path = folder / "data" / "said.csv"
    path.parent.mkdir(exist_ok=True)
    lines = [f"{said},{true}" for said, true in zip(labels, truth, strict=True)]
    path.write_text("\n".join(["label,truth", *lines]) + "\n")


def read(path):
    return json.loads(path.read_text())


@pytest.mark.thorough
def test_an_annotator_that_errs_beside_the_exact_one(finished):
    finished.append("config/catalogue/annotators.yaml", ENTRY)
    (finished.folder / "noisy.yaml").write_text(NOISY)
    results = finished.folder / "results"
    truth = open_dataset(results / "datasets/digits").labels("pool")
    said = np.where(truth == 3, 8, truth)
    write_table(finished.folder, said[:-1], truth[:-1])
    where = "config/catalogue/annotators.yaml: annotator 'said' on data set 'digits': "
    where += "data/said.csv: label: "
    assert f"error: {where}299 labels; allowed: 300" in failing(finished, config="noisy.yaml")
    write_table(finished.folder, said, truth)
    # What the exact annotator's labels give is there, from an experiment that named none.
    planned = finished.planned(TABLES, config="noisy.yaml")
    tuned = {"finetune_model": 2, "collect_curves": 1, "tabulate": 1}
    assert planned == {**JOBS, **tuned}
    finished.snakemake(TABLES, config="noisy.yaml")
    assert finished.planned(TABLES, config="noisy.yaml") == {}

    record = read(results / "annotations/digits@said/record.json")
    assert record["noise"] == pytest.approx((truth == 3).mean())
    assert record["noise_by_class"][3] == 1
    made = {}
    for place in ("digits", "digits@said"):
        selections = results / "selections" / place
        tuned = results / f"finetuned/{place}/tiny/tiny/linear/small/margin/seed-0/round-1"
        made[place] = [
            read(selections / "small/seed-0/initial.json"),
            read(selections / "tiny/linear/small/margin/seed-0/round-1.json"),
            read(tuned / "metrics.json"),
        ]
    assert not any({"annotator", "annotations_sha256"} & set(one) for one in made["digits"])
    assert {one["annotator"] for one in made["digits@said"]} == {"said"}
    assert {one["annotations_sha256"] for one in made["digits@said"]} == {record["arrays_sha256"]}
    assert made["digits"][0]["labeled"] == made["digits@said"][0]["labeled"]
    # Whoever never heard of a class hardly names it, and is judged by the truth all the same.
    assert made["digits@said"][1]["metrics"]["test"]["min-class-accuracy"] < 0.05
    with open(results / "reports/noisy/tables/curves.csv", newline="") as handle:
        assert {row["annotator"] for row in csv.DictReader(handle)} == {"exact", "said"}
    names = [setting["annotator"] for setting in read(finished.folder / TABLES)["settings"]]
    assert names == ["exact", "said"]

    # Another table is noticed, and makes again what was bought of this annotator alone; a price
    # decides nothing.
    finished.edit("config/catalogue/annotators.yaml", "price: 0.05", "price: 2")
    assert finished.planned(TABLES, config="noisy.yaml") == {}
    write_table(finished.folder, np.where(truth == 5, 6, said), truth)
    planned = finished.planned(TABLES, config="noisy.yaml")
    assert {rule: planned[rule] for rule in JOBS} == JOBS
