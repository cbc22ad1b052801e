"""Components in files of one's own, beside the experiment, in the real workflow."""

import json

import pytest

from helpers.checkouts import failing

STRATEGY = '''
"""Rows whose probabilities have the smallest sum of squares."""

from squares import squares

from labelbench_core.registry.options import Positive
from labelbench_core.strategies.kernels.scores import lowest, score_rows

INFO = {
    "name": "mine",
    "paper": "-",
    "rule": "-",
    "cost": "N C",
    "needs": ["probabilities"],
    "multilabel": False,
    "kind": "strategy",
    "deterministic": True,
}


def select(pool, budget, rng, *, power: Positive = 1.0):
    """(budget,) int64."""
    scores = score_rows(pool.probabilities, lambda p: squares(p) ** power)
    return lowest(scores, pool.unlabeled(), budget)
'''
DATA = '''
"""Stripes across or along."""

import numpy as np

from labelbench_core.datasets import RawDataset, RawSplit

INFO = {"summary": "stripes", "license": "-", "paper": "", "num_classes": 2}


def check(data_dir, *, rows: int = 60):
    return {"pool": rows, "test": rows}


def load(data_dir, *, rows: int = 60):
    """All splits."""

    def split(seed):
        labels = np.arange(rows, dtype=np.int64) % 2
        images = np.random.default_rng(seed).integers(0, 60, (rows, 16, 16, 3)).astype(np.uint8)
        images[labels == 1, ::2] += 150
        images[labels == 0, :, ::2] += 150
        return RawSplit(labels, images)

    return RawDataset(["along", "across"], {"pool": split(0), "test": split(1)})
'''
EXPERIMENT = """
experiment: mine
catalogue:
  datasets:
    stripes: {implementation: ./data.py, options: {rows: 80}}
  strategies:
    squares: {implementation: ./strategy.py, options: {power: 2.0}}
  schedules:
    few: {initial: 4, batch: 4}
datasets: [stripes]
backbones: [tiny]
proxies: [linear]
schedules: [few]
strategies: [random, squares]
rounds: 2
seeds: 2
baseline: random
highlight: squares
"""


@pytest.fixture
def study(fresh, tmp_path):
    """A checkout, and a folder elsewhere with an experiment and its files."""
    folder = tmp_path / "my study"
    folder.mkdir()
    (folder / "strategy.py").write_text(STRATEGY.lstrip())
    (folder / "squares.py").write_text("def squares(p):\n    return (p * p).sum(0)\n")
    (folder / "data.py").write_text(DATA.lstrip())
    (folder / "mine.yaml").write_text(EXPERIMENT)
    return fresh, folder


@pytest.mark.thorough
def test_own_files_run_and_an_edit_reruns_what_depends_on_it(study):
    workflow, folder = study
    config = str(folder / "mine.yaml")
    workflow.snakemake(config=config)
    assert workflow.planned(config=config) == {}
    tables = workflow.folder / "results" / "reports" / "mine" / "tables"
    assert json.loads((tables / "summary.json").read_text())["highlight"] == "squares"
    # What the file imports from beside it counts; rounds of other strategies stay.
    (folder / "squares.py").write_text("def squares(p):\n    return (p**2).sum(0)\n")
    planned = workflow.planned(config=config)
    assert planned["select_round"] == 2
    assert not {"prepare_dataset", "extract_embeddings", "train_initial"} & planned.keys()
    (folder / "data.py").write_text((folder / "data.py").read_text() + "\nMORE = 1\n")
    assert workflow.planned(config=config)["prepare_dataset"] == 1


def test_own_files_that_cannot_be_used_are_one_line_before_any_job(study):
    workflow, folder = study
    config = str(folder / "mine.yaml")
    for text, told in (
        ("def (:\n", "line 1"),
        ("x = 1\n", "has no function select"),
        (STRATEGY.replace("from squares", "from .."), "../my study/strategy.py: a relative"),
        (STRATEGY.replace("from squares", "from nothing"), "strategy.py: line 4: imports nothing"),
        (STRATEGY.replace('"kind": "strategy"', '"kind": "mine"'), "kind: 'mine'; allowed: "),
    ):
        (folder / "strategy.py").write_text(text)
        message = failing(workflow, config=config)
        assert told in message
        assert "Traceback" not in message
    (folder / "strategy.py").unlink()
    assert "strategy.py" in failing(workflow, config=config)
    assert not (workflow.folder / "results").exists()
