"""A backbone that is quick to build, and an extraction that can be killed (run as a command)."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

from labelbench_core.backbones import Backbone
from labelbench_core.backbones.shared import building
from labelbench_core.datasets import open_dataset
from labelbench_core.embeddings import embed
from labelbench_core.embeddings.augmented import extract_views
from labelbench_core.embeddings.extract import extract_embeddings
from labelbench_core.storage.store import open_rows

BLOCK_ROWS = 64


class TinyNetwork(torch.nn.Module):
    """Convolution, batch norm, ReLU, average: 16 features."""

    def __init__(self, delay: float = 0.0) -> None:
        super().__init__()
        self.conv, self.norm = torch.nn.Conv2d(3, 16, 3), torch.nn.BatchNorm2d(16)
        self.delay = delay
        self.images_seen = 0

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        time.sleep(self.delay)
        return self.norm(self.conv(pixels)).relu().mean(dim=(2, 3))


def build(*, delay: float = 0.0, scale: float = 1.0) -> Backbone:
    """The same random weights every time; `scale` enlarges the features."""
    with building.seeded_initialisation(7):
        network = TinyNetwork(delay)
        torch.nn.init.normal_(network.norm.weight)
        torch.nn.init.constant_(network.norm.bias, scale)
    return building.finish(
        network,
        input_size=16,
        mean=(0.5,) * 3,
        std=(0.2,) * 3,
        interpolation="bilinear",
        layer="mean",
    )


def run(dataset: Path, target: Path, **options: float) -> dict:
    """Extract in small blocks and batches."""
    embed.MOST_BLOCK_ROWS = BLOCK_ROWS
    return extract_embeddings(
        open_dataset(dataset),
        build(**options),
        "tiny",
        target / "arrays",
        target / "manifest.json",
        threads=1,
        batch_size=24,
    )


def run_views(dataset: Path, target: Path, augmentation: dict, **options: float) -> dict:
    """Extract views in small blocks and batches."""
    embed.MOST_BLOCK_ROWS = BLOCK_ROWS
    options = {"batch_size": 24, **options}
    return extract_views(
        open_dataset(dataset),
        build(delay=options.pop("delay", 0.0)),
        "tiny",
        augmentation,
        target / "arrays",
        target / "manifest.json",
        threads=1,
        **options,
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Every file under `folder` by relative path."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def load(target: Path, array: str) -> np.ndarray:
    """All rows of an array of embeddings."""
    return open_rows(target / "arrays" / array).load()


if __name__ == "__main__":
    folders = Path(sys.argv[1]), Path(sys.argv[2])
    if sys.argv[3:]:
        run_views(*folders, json.loads(sys.argv[3]), delay=0.05)
    else:
        run(*folders, delay=0.05)
