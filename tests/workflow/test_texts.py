"""Texts in the real workflow: from tables to a report, with views that a proxy learns from."""

import csv
import json

import pytest

from helpers.checkouts import MINE, failing
from helpers.tiny_texts import WORDS, write_model
from labelbench_core.seeds import rng_for
from labelbench_core.storage import files

TABLES = """
mine:
  implementation: text-table
  options: {splits: {pool: pool.tsv, test: test.tsv}}
"""
CLASSES = (WORDS[:5], WORDS[5:])
"""A text's words tell its class."""
SEVERAL = """
several:
  implementation: text-table
  options:
    splits: {pool: several.jsonl}
    text_column: says
    label_columns: [praise, money]
    test_size: 40
"""


@pytest.fixture
def mine(fresh):
    """A checkout with texts of two classes, and an encoder that is not trained."""
    data = fresh.folder / "data"
    data.mkdir(exist_ok=True)
    rng = rng_for("texts")
    for split, size in (("pool", 120), ("test", 60)):
        texts = [f"{' '.join(rng.choice(CLASSES[row % 2], 8))}\t{row % 2}" for row in range(size)]
        (data / f"{split}.tsv").write_text("\n".join(["text\tlabel", *texts]))
    model = write_model(fresh.folder / "model", hidden_dropout_prob=0.1)
    options = f"{{implementation: sentence-transformer, options: {{model: {model}}}}}"
    fresh.append("config/catalogue/datasets.yaml", TABLES)
    fresh.append("config/catalogue/backbones.yaml", f"\nsmall: {options}\n")
    fresh.append("config/catalogue/schedules.yaml", "\nfew: {initial: 10, batch: 10}\n")
    proxies = "proxies: [linear, linear-flexmatch-texts]"
    config = MINE.replace("tiny", "small").replace("proxies: [linear]", proxies)
    (fresh.folder / "mine.yaml").write_text(config)
    return fresh


@pytest.mark.thorough
def test_flexmatch_learns_from_views_of_texts(mine):
    mine.snakemake(config="mine.yaml")
    assert mine.planned(config="mine.yaml") == {}
    views = files.read_json(mine.folder / "results/views/mine/small/texts/manifest.json")
    assert (len(views["weak"]), len(views["strong"])) == (2, 2)
    tables = mine.folder / "results/reports/mine/tables"
    for setting in files.read_json(tables / "summary.json")["settings"]:
        assert setting["final"]["margin"]["test"]["mean"] > 0.7
    mine.edit("config/catalogue/augmentations.yaml", "word_dropout: 0.3", "word_dropout: 0.2")
    rules = mine.planned("selections", config="mine.yaml")
    assert rules.pop("selections") == 1
    assert rules == {"extract_views_of_texts": 1, "train_initial_deep": 1, "select_round_deep": 2}
    # Views of images of texts, before any job.
    text = (mine.folder / "mine.yaml").read_text()
    (mine.folder / "mine.yaml").write_text(text.replace("flexmatch-texts", "flexmatch"))
    assert "'linear-flexmatch' learns from views 'natural' of im" in failing(
        mine, config="mine.yaml"
    )


@pytest.mark.thorough
def test_texts_of_any_number_of_classes_run_from_a_table_to_the_report(mine):
    rng, rows = rng_for("several"), []
    for number in range(120):
        praise, money = number & 1, number >> 1 & 1
        words = rng.choice([("bad", "good")[praise], ("film", "card")[money], "a", "was"], 8)
        rows.append(json.dumps({"says": " ".join(words), "praise": praise, "money": money}))
    (mine.folder / "data/several.jsonl").write_text("\n".join(rows))
    mine.append("config/catalogue/datasets.yaml", SEVERAL)
    config = MINE.replace("mine", "several").replace("tiny", "small")
    config = config.replace("[random, margin]", "[random, mmc]")
    (mine.folder / "several.yaml").write_text(f"{config}highlight: mmc\n")
    mine.snakemake(config="several.yaml")
    assert mine.planned(config="several.yaml") == {}
    report = mine.folder / "results/reports/several"
    summary = files.read_json(report / "tables/summary.json")
    assert summary["metric"] == "mean-average-precision"
    final = summary["settings"][0]["final"]
    assert final["mmc"]["test"]["mean"] > 0.7  # chance is .5
    with open(report / "tables/bought.csv", newline="") as file:
        bought = {row["label"] for row in csv.DictReader(file)}
    assert bought == {"praise", "money", "praise|money", ""}
    with open(report / "tables/metrics.csv", newline="") as file:
        measured = {row["metric"] for row in csv.DictReader(file)}
    assert {"mean-average-precision", "macro-f1", "ranking-loss"} <= measured
    assert "accuracy" not in measured
    assert "mean-average-precision" in (report / "report.html").read_text()
