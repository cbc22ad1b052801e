"""The entries by which docs/texts.md and docs/embeddings.md have a test drawn."""

import re

import numpy as np
import pandas as pd
import pytest
import yaml

from helpers.project import PROJECT
from labelbench_core import registry


def entries(page):
    """All entries of data sets that a page shows."""
    text = (PROJECT / page).read_text("utf-8")
    blocks = re.findall(r"^```yaml\n# config/.*?datasets.yaml\n(.*?)^```$", text, re.M | re.S)
    return {name: entry for block in blocks for name, entry in yaml.safe_load(block).items()}


def sizes(entry, data_dir):
    splits = registry.build("datasets", entry, data_dir).splits
    return {split: len(one.labels) for split, one in splits.items()}


@pytest.mark.parametrize("name", ["my-drawn-embeddings", "my-embeddings-by-patient"])
def test_of_embeddings(tmp_path, name):
    (tmp_path / "mine").mkdir()
    x, y = np.arange(200.0).reshape(50, 4), np.arange(50) % 2
    np.savez(tmp_path / "mine/all.npz", embeddings=x, labels=y, patient=np.arange(50) // 5)
    assert sizes(entries("docs/embeddings.md")[name], tmp_path) == {"pool": 40, "test": 10}


@pytest.mark.parametrize("name", ["my-drawn-texts", "my-texts-by-author", "my-texts-by-column"])
def test_of_texts(tmp_path, name):
    (tmp_path / "mine").mkdir()
    rows = {"text": [f"text {n}" for n in range(50)], "label": ["a", "b"] * 25}
    rows |= {"author": [f"author {n // 5}" for n in range(50)]}
    rows |= {"part": ["train"] * 40 + ["test"] * 10}
    pd.DataFrame(rows).to_csv(tmp_path / "mine/all.csv", index=False)
    assert sizes(entries("docs/texts.md")[name], tmp_path) == {"pool": 40, "test": 10}
