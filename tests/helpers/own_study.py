"""A study of one's own: an experiment with files for every kind of component, in one folder."""

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
BACKBONE = '''
"""A convolution with random weights."""

import torch

from labelbench_core.backbones.wrapping import wrap

INFO = {"summary": "-", "license": "-", "paper": ""}


def check(*, width: int = 8):
    """Nothing can be wrong."""


def build(*, width: int = 8):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = torch.nn.Sequential(torch.nn.Conv2d(3, width, 3), torch.nn.ReLU())
    return wrap(
        network,
        input_size=16,
        mean=[0.5] * 3,
        std=[0.5] * 3,
        interpolation="bilinear",
        resize_mode="squash",
        token="mean",
    )
'''
ANNOTATOR = '''
"""Every tenth label is that of the first class."""

import numpy as np

from labelbench_core.registry.options import Count

INFO = {"summary": "-"}


def annotate(truth, *, every: Count = 10):
    """(N,) int64."""
    labels = truth.labels.copy()
    labels[::every] = 0
    return labels
'''
PROXY = '''
"""The linear probe, with a penalty of its own."""

from labelbench_core.proxies import linear
from labelbench_core.registry.options import Positive

INFO = {
    "summary": "-",
    "provides": ["probabilities", "head"],
    "needs_torch": False,
    "pretrained_head": True,
}


def build(threads=1, *, penalty: Positive = 0.01):
    return linear.build(threads, penalty=penalty)
'''
TRAINER = '''
"""Cross-entropy, smoothed."""

from labelbench_core.registry.options import ShareBelow1
from labelbench_core.trainers import supervised

INFO = {"summary": "-", "paper": "-", "needs_unlabeled": False, "needs_teacher": False}


def build(*, smoothing: ShareBelow1 = 0.1):
    return supervised.build(label_smoothing=smoothing)
'''
EXPERIMENT = """
experiment: mine
catalogue: [catalogue, more.yaml]
datasets: [stripes]
annotators: [forgetful]
backbones: [convolution]
proxies: [probe]
schedules: [few]
strategies: [random, squares]
rounds: 2
seeds: 2
baseline: random
highlight: squares
finetune:
  trainers: [smooth]
  strategies: [squares]
  rounds: [1]
  seeds: 1
"""
MORE = """
strategies:
  squares: {implementation: ./strategy.py, options: {power: 2.0}}
schedules:
  few: {initial: 4, batch: 4}
"""
CATALOGUE = {
    "datasets": "stripes: {implementation: ../data.py, options: {rows: 80}}",
    "annotators": "forgetful: {implementation: ../annotator.py, options: {every: 8}}",
    "backbones": "convolution: {implementation: ../backbone.py}",
    "proxies": "probe: {implementation: ../proxy.py}",
    "trainers": """
smooth:
  implementation: ../trainer.py
  training: {steps: 4, batch_size: 4, warmup_steps: 1}
""",
}


def write(folder):
    """Write the study; the path of its experiment."""
    folder.mkdir(parents=True)
    files = {
        **{"strategy.py": STRATEGY, "data.py": DATA, "backbone.py": BACKBONE, "proxy.py": PROXY},
        **{"annotator.py": ANNOTATOR, "trainer.py": TRAINER},
        **{"squares.py": "def squares(p):\n    return (p * p).sum(0)\n"},
        **{"mine.yaml": EXPERIMENT, "more.yaml": MORE},
        **{f"catalogue/{kind}.yaml": entries for kind, entries in CATALOGUE.items()},
    }
    (folder / "catalogue").mkdir()
    for name, text in files.items():
        (folder / name).write_text(text.lstrip())
    return folder / "mine.yaml"
