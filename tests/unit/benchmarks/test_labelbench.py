"""The comparison with LabelBench: what can be tried without its code."""

import sys

import numpy as np
import pytest

from benchmarks import labelbench
from benchmarks._synthetic import write_manifests
from labelbench_core.storage import store


def test_a_folder_that_is_no_checkout_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["labelbench", str(tmp_path)])
    with pytest.raises(SystemExit, match="no checkout of LabelBench"):
        labelbench.main()


def test_the_test_set_is_halved_as_theirs(tmp_path):
    """Its `RandomState(42)` draws the halves; every row is in one of them, with its label."""
    rng = np.random.default_rng(0)
    labels, clean = {}, {}
    for split, rows in (("pool", 30), ("test", 20)):
        features = np.arange(rows, dtype=np.float16)[:, None] + np.zeros(3, np.float16)
        classes = rng.integers(0, 4, rows)
        labels[split] = store.write_array(tmp_path / "dataset/arrays" / f"{split}-labels", classes)
        path = tmp_path / "embeddings/arrays" / f"{split}-clean"
        clean[split] = store.write_array(path, features)
    statistics = {"mean": np.zeros(3, np.float32), "std": np.ones(3, np.float32)}
    ids = {"dataset": "cifar-10", "dataset_fingerprint": "none", "backbone": "frozen"}
    manifests = write_manifests(tmp_path, ids, 4, labels, clean, statistics)
    splits = labelbench.splits_of(manifests)
    assert [len(splits[name][1]) for name in ("pool", "val", "test")] == [30, 10, 10]
    rows = np.concatenate([splits[name][0][:, 0] for name in ("val", "test")]).astype(int)
    assert sorted(rows) == list(range(20))
    held = np.concatenate([splits[name][1] for name in ("val", "test")])
    assert (held == classes[rows]).all()
    assert (rows[:10] == np.random.RandomState(42).permutation(20)[:10]).all()
