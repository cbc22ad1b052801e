"""Sources that tests of this folder change."""

import numpy as np
import pytest
from PIL import Image

from helpers.own_images import prepare
from labelbench_core.datasets.source_files import digests


@pytest.fixture
def settled(monkeypatch):
    """Files need not be seconds old."""
    monkeypatch.setattr(digests, "SETTLED_SECONDS", 0.0)


@pytest.fixture
def mine(tmp_path, settled):
    """A prepared folder of images: two splits, two classes, three images each."""
    rng = np.random.default_rng(0)
    for split in ("pool", "test"):
        for label in ("cat", "dog"):
            for number in range(3):
                path = tmp_path / "data" / "mine" / split / label / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)
    prepare(tmp_path)
    return tmp_path / "data" / "mine"
