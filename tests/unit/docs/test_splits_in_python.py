"""The Python by which docs/texts.md and docs/embeddings.md split off a test."""

import re

import numpy as np
import pandas as pd

from helpers.project import PROJECT
from labelbench_core import registry


def run(page):
    text = (PROJECT / page).read_text("utf-8")
    block = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[0]
    exec(compile(block, page, "exec"), {})


def sizes(entry, data_dir):
    splits = registry.build("datasets", entry, data_dir).splits
    return {split: len(one.labels) for split, one in splits.items()}


def test_of_embeddings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/mine").mkdir(parents=True)
    x, y = np.arange(200.0).reshape(50, 4), np.arange(50) % 2
    np.savez("data/mine/all.npz", embeddings=x, labels=y)
    run("docs/embeddings.md")
    splits = {"pool": "mine/pool.npz", "test": "mine/test.npz"}
    entry = {"implementation": "own-embeddings", "options": {"splits": splits}}
    assert sizes(entry, tmp_path / "data") == {"pool": 40, "test": 10}


def test_of_texts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/mine").mkdir(parents=True)
    rows = {"text": [f"text {n}" for n in range(50)], "label": ["a", "b"] * 25}
    pd.DataFrame(rows).to_csv("data/mine/all.csv", index=False)
    run("docs/texts.md")
    splits = {"pool": "mine/train.csv", "test": "mine/test.csv"}
    entry = {"implementation": "text-table", "options": {"splits": splits}}
    assert sizes(entry, tmp_path / "data") == {"pool": 40, "test": 10}
