"""What tests of extractions share."""

from pathlib import Path

import pytest

from helpers import tiny_backbone
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.embeddings import embed


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The folder of the prepared digits."""
    folder = tmp_path_factory.mktemp("digits")
    prepare_dataset("digits", "digits", {}, Path(), folder / "arrays", folder / "manifest.json")
    return folder


@pytest.fixture
def on_cpu(monkeypatch):
    """Small blocks, on the CPU."""
    monkeypatch.setenv("LABELBENCH_DEVICE", "cpu")
    monkeypatch.setattr(embed, "MOST_BLOCK_ROWS", tiny_backbone.BLOCK_ROWS)
