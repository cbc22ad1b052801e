"""A folder of images without any class in the real workflow: people say what they show."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from helpers.checkouts import MINE, failing

ENTRY = "\nmine: {implementation: image-folder, options: {folder: pets, image_size: 32%s}}\n"
SAID = "\nsaid: {implementation: recorded, options: {table: said.csv, column: label}}\n"
KINDS = ("cat", "dog")


@pytest.fixture
def mine(fresh):
    """A checkout with 40 images in one folder, 20 by class for the test, and what people said."""
    data, rng = fresh.folder / "data", np.random.default_rng(0)

    def paint(path, kind):
        pixels = rng.integers(0, 90, (32, 32, 3), dtype=np.uint8)
        pixels[..., kind] += 150
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)

    said = []
    for number in range(40):  # in the order of the files' names
        paint(data / "pets" / "train" / f"{number:02}.png", number % 2)
        said.append([KINDS[number % 2]])
    for number in range(20):
        paint(data / "pets" / "test" / KINDS[number % 2] / f"{number}.png", number % 2)
    with open(data / "said.csv", "w", newline="") as file:
        csv.writer(file).writerows([["label"], *said])
    fresh.append("config/catalogue/datasets.yaml", ENTRY % ", unlabeled: true")
    fresh.append("config/catalogue/annotators.yaml", SAID)
    fresh.append("config/catalogue/schedules.yaml", "\nfew: {initial: 8, batch: 8}\n")
    (fresh.folder / "mine.yaml").write_text(MINE)
    return fresh


@pytest.mark.thorough
def test_people_label_a_folder_and_the_test_measures(mine):
    told = failing(mine, "-n", config="mine.yaml")
    assert "annotators: 'exact' needs the labels of data set 'mine', whose pool has no labels" in (
        told
    )
    mine.append("mine.yaml", "annotators: [said]\n")
    mine.snakemake(config="mine.yaml")
    assert mine.planned(config="mine.yaml") == {}
    summary = mine.folder / "results" / "reports" / "mine" / "tables" / "summary.json"
    final = json.loads(summary.read_text())["settings"][0]["final"]["margin"]
    assert final["test"]["mean"] == 1
    assert "pool" not in final
