"""Own embeddings in the real workflow: no image, no network, and everything after them."""

import json

import numpy as np
import pytest
from sklearn.datasets import load_digits

from helpers.checkouts import MINE, failing

ENTRIES = """
mine:
  implementation: own-embeddings
  options: {splits: {pool: pool.npz, test: test.npz}}
"""
SAID = """
said:
  implementation: recorded
  options: {table: said.npz, column: label}
"""
ONE_FILE = "pool: 'all.npz:X_train'}, labels: {pool: 'all.npz:y_train'}"
PANELS = "panels: [{title: mine}]\n"
MULTILABEL = "options: {multilabel: true, splits: {pool"


@pytest.fixture
def mine(fresh):
    """A checkout with the pixels of the digits as embeddings."""
    digits, data = load_digits(), fresh.folder / "data"
    data.mkdir(exist_ok=True)
    for split, rows in (("pool", slice(0, 1000)), ("test", slice(1000, 1797))):
        labels = digits.target[rows]
        np.savez(data / f"{split}.npz", embeddings=digits.data[rows], labels=labels)
    fresh.append("config/catalogue/datasets.yaml", ENTRIES)
    fresh.append("config/catalogue/schedules.yaml", "\nfew: {initial: 40, batch: 40}\n")
    (fresh.folder / "mine.yaml").write_text(MINE.replace("tiny", "precomputed"))
    return fresh


@pytest.mark.thorough
def test_own_embeddings_run_from_file_to_report(mine):
    mine.snakemake(config="mine.yaml")
    assert mine.planned(config="mine.yaml") == {}
    report = mine.folder / "results" / "reports" / "mine"
    summary = json.loads((report / "tables" / "summary.json").read_text())
    final = summary["settings"][0]["final"]["margin"]
    assert final["test"]["mean"] > 0.8
    # What is in a file counts.
    pool = dict(np.load(mine.folder / "data" / "pool.npz"))
    pool["embeddings"][0, 0] += 1
    np.savez(mine.folder / "data" / "pool.npz", **pool)
    rules = set(mine.planned(config="mine.yaml"))
    assert {"prepare_dataset", "extract_embeddings", "select_round"} <= rules
    pool["embeddings"][0, 0] = np.nan
    np.savez(mine.folder / "data" / "pool.npz", **pool)
    assert "row 0, feature 0: nan" in failing(mine, config="mine.yaml")
    assert (report / "report.html").is_file()


@pytest.mark.thorough
def test_rows_of_any_number_of_classes_run_from_file_to_report(mine):
    """Of each digit: whether it is even, whether it is above 4, whether its drawing has a loop."""
    data = mine.folder / "data"
    for split in ("pool", "test"):
        arrays = dict(np.load(data / f"{split}.npz"))
        digit = arrays["labels"]
        columns = [digit % 2 == 0, digit > 4, np.isin(digit, [0, 6, 8, 9])]
        np.savez(data / f"{split}.npz", **{**arrays, "labels": np.stack(columns, axis=1)})
    mine.edit("config/catalogue/datasets.yaml", "options: {splits: {pool", MULTILABEL)
    mine.snakemake(config="mine.yaml")
    assert mine.planned(config="mine.yaml") == {}
    report = mine.folder / "results" / "reports" / "mine"
    summary = json.loads((report / "tables" / "summary.json").read_text())
    assert summary["metric"] == "mean-average-precision"
    assert summary["settings"][0]["final"]["margin"]["test"]["mean"] > 0.8
    metrics = (report / "tables" / "metrics.csv").read_text()
    assert "ranking-loss" in metrics
    assert ",accuracy," not in metrics
    (mine.folder / "mine.yaml").write_text(
        (mine.folder / "mine.yaml").read_text() + "metric: accuracy\n"
    )
    assert "metric: 'accuracy': rows of data set 'mine' may belong to any number of classes" in (
        failing(mine, config="mine.yaml")
    )


@pytest.mark.thorough
def test_without_a_test_split_the_pool_is_what_is_measured(mine):
    # As people save it, in one file, under names of their own.
    pool = np.load(mine.folder / "data" / "pool.npz")
    np.savez(mine.folder / "data" / "all.npz", X_train=pool["embeddings"], y_train=pool["labels"])
    mine.edit("config/catalogue/datasets.yaml", "pool: pool.npz, test: test.npz}", ONE_FILE)
    (mine.folder / "panels.yaml").write_text(MINE.replace("tiny", "precomputed") + PANELS)
    assert "panels.0.split: 'test': data set 'mine' has no split 'test'; allowed: pool" in (
        failing(mine, config="panels.yaml")
    )
    mine.snakemake(config="mine.yaml")
    assert mine.planned(config="mine.yaml") == {}
    report = mine.folder / "results" / "reports" / "mine"
    summary = json.loads((report / "tables" / "summary.json").read_text())
    assert summary["settings"][0]["splits"] == ["pool"]
    assert summary["settings"][0]["final"]["margin"]["pool"]["mean"] > 0.8
    page = (report / "report.html").read_text()
    assert "mine has no test split" in page


@pytest.mark.thorough
def test_a_pool_without_labels_runs_with_those_of_an_annotator(mine):
    data = mine.folder / "data"
    pool = dict(np.load(data / "pool.npz"))
    np.savez(data / "said.npz", label=pool.pop("labels").astype(np.int64))
    np.savez(data / "pool.npz", **pool)
    mine.edit(
        "config/catalogue/datasets.yaml", "options: {splits", "options: {unlabeled: true, splits"
    )
    told = "annotators: 'exact' needs the labels of data set 'mine', whose pool has no labels"
    assert told in failing(mine, config="mine.yaml")
    mine.append("config/catalogue/annotators.yaml", SAID)
    with open(mine.folder / "mine.yaml", "a") as file:
        file.write("annotators: [said]\n")
    mine.snakemake(config="mine.yaml")
    assert mine.planned(config="mine.yaml") == {}
    report = mine.folder / "results" / "reports" / "mine"
    summary = json.loads((report / "tables" / "summary.json").read_text())
    assert summary["settings"][0]["splits"] == ["test"]
    assert summary["settings"][0]["final"]["margin"]["test"]["mean"] > 0.8
    assert "the pool has no labels of its own" in (report / "report.html").read_text()
