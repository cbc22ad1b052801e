"""Images of any number of classes in the real workflow: a table, rounds, fine-tuning, a report."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from helpers.checkouts import MINE

ENTRY = """
mine:
  implementation: table
  options:
    {table: mine/all.csv, path_column: file, label_column: shows, label_separator: ";",
     image_size: 32, test_size: 24}
"""
FINETUNED = """
finetune: {trainers: [tiny], strategies: [mmc], rounds: [1], seeds: 1}
"""
COLOURS = ("red", "green", "blue")


@pytest.fixture
def mine(fresh):
    """A checkout with 96 images, each bright in the colours that its cell of the table names."""
    folder, rng = fresh.folder / "data" / "mine", np.random.default_rng(0)
    folder.mkdir(parents=True)
    rows = []
    for number in range(96):
        shown = [colour for place, colour in enumerate(COLOURS) if number >> place & 1]
        pixels = rng.integers(0, 90, (32, 32, 3), dtype=np.uint8)
        for colour in shown:
            pixels[..., COLOURS.index(colour)] += 150
        Image.fromarray(pixels).save(folder / f"{number}.png")
        rows.append([f"{number}.png", ";".join(shown)])
    with open(folder / "all.csv", "w", newline="") as file:
        csv.writer(file).writerows([["file", "shows"], *rows])
    fresh.append("config/catalogue/datasets.yaml", ENTRY)
    fresh.append("config/catalogue/schedules.yaml", "\nfew: {initial: 16, batch: 8}\n")
    strategies = MINE.replace("[random, margin]", "[random, mmc]")
    (fresh.folder / "mine.yaml").write_text(f"{strategies.rstrip()}\nhighlight: mmc{FINETUNED}")
    return fresh


@pytest.mark.thorough
def test_images_of_any_number_of_classes_run_from_a_table_to_the_report(mine):
    mine.snakemake(config="mine.yaml")
    assert mine.planned(config="mine.yaml") == {}
    manifest = json.loads((mine.folder / "results/datasets/mine/manifest.json").read_text())
    assert {split: one["num_rows"] for split, one in manifest["splits"].items()} == {
        "pool": 72,
        "test": 24,
    }
    report = mine.folder / "results" / "reports" / "mine"
    summary = json.loads((report / "tables" / "summary.json").read_text())
    assert summary["metric"] == "mean-average-precision"
    final = summary["settings"][0]["final"]
    assert final["mmc"]["test"]["mean"] > 0.9  # colours are easy: chance is .5
    with open(report / "tables" / "metrics.csv", newline="") as file:
        named = {row["metric"] for row in csv.DictReader(file)}
    assert {"mean-average-precision", "macro-f1", "micro-f1", "ranking-loss"} <= named
    assert "accuracy" not in named
    with open(report / "tables" / "bought.csv", newline="") as file:
        bought = list(csv.DictReader(file))
    assert any("|" in row["label"] for row in bought)
    with open(report / "tables" / "balance.csv", newline="") as file:
        balance = list(csv.DictReader(file))
    assert {row["classes"] for row in balance} == {"3"}
    for strategy in ("random", "mmc"):
        last = [row for row in balance if row["strategy"] == strategy][-1]
        given = [row["label"].split("|") for row in bought if row["strategy"] == strategy]
        named = [name for names in given for name in names if name]
        assert int(last["occurrences"]) == len(named) > int(last["num_labeled"])
    tuned = list((mine.folder / "results" / "finetuned").rglob("metrics.json"))
    (metrics,) = [json.loads(path.read_text()) for path in tuned]
    assert "mean-average-precision" in json.dumps(metrics)
    assert "mmc" in (report / "report.html").read_text()
