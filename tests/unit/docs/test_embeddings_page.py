"""docs/embeddings.md: its block writes files that config/cifar10_precomputed.yaml reads."""

import re

import numpy as np
import yaml

from helpers import tiny_backbone
from helpers.project import PROJECT
from labelbench_core import registry
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.embeddings.views import open_embeddings

PAGE = (PROJECT / "docs/embeddings.md").read_text("utf-8")


def test_embeddings_of_the_workflow_are_read_as_ones_own(tmp_path, monkeypatch):
    """In place of CIFAR-10: scikit-learn's digits, and a small network."""
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    prepared = tmp_path / "results/datasets/cifar-10"
    embedded = tmp_path / "results/embeddings/cifar-10/efficientnet-lite0-96"
    files = prepared / "arrays", prepared / "manifest.json"
    prepare_dataset("cifar-10", "digits", {}, tmp_path, *files, pool_size=60)
    tiny_backbone.run(prepared, embedded)
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "docs/embeddings.md", "exec"), {})
    experiment = yaml.safe_load((PROJECT / "config/cifar10_precomputed.yaml").read_text("utf-8"))
    (entry,) = experiment["catalogue"]["datasets"].values()
    raw = registry.build("datasets", entry, tmp_path / "data")
    _, embeddings = open_embeddings(embedded / "manifest.json", {})
    for split in ("pool", "test"):
        np.testing.assert_array_equal(raw.splits[split].embeddings, embeddings[split].load())
    assert len(raw.splits["pool"].labels) == 60
    assert len(raw.class_names) == 10
