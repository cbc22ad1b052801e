"""A broken image in a user's own folder: found while preparing; the cures that are named work."""

import shutil

import numpy as np
import pytest
from PIL import Image

from labelbench_core.storage.files import read_json

MINE = """
mine:
  implementation: image-folder
  options: {folder: mine, image_size: 32}
"""
MANIFEST = "results/datasets/mine/manifest.json"
EMBEDDED = "results/embeddings/mine/tiny/manifest.json"
TARGETS = (MANIFEST, EMBEDDED)


@pytest.fixture
def mine(fresh):
    """A checkout with a data set of 28 images, one of them truncated; it and its whole content."""
    rng = np.random.default_rng(0)
    for split, count in (("pool", 10), ("test", 4)):
        for label in ("cat", "dog"):
            folder = fresh.folder / "data" / "mine" / split / label
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.jpg")
    fresh.append("config/catalogue/datasets.yaml", MINE)
    fresh.edit("smoke.yaml", "[digits]", "[mine]")
    fresh.edit("smoke.yaml", "rounds: 3", "rounds: 1")
    fresh.edit("smoke.yaml", "rounds: [2]", "rounds: [0]")
    fresh.append("config/catalogue/schedules.yaml", "\nfour: {initial: 4, batch: 4}\n")
    fresh.edit("smoke.yaml", "[small]", "[four]")
    victim = fresh.folder / "data" / "mine" / "pool" / "dog" / "3.jpg"
    whole = victim.read_bytes()
    victim.write_bytes(whole[: len(whole) * 3 // 4])
    return fresh, victim, whole


@pytest.mark.thorough
def test_every_cure_that_is_named_works(mine):
    workflow, victim, whole = mine
    text = workflow.snakemake(*TARGETS, check=False)
    assert "data set mine: 1 image cannot be used, of 28; replace or remove" in text
    assert "mine/pool/dog/3.jpg: corrupt image (" in text
    assert "Traceback" not in text
    assert not (workflow.folder / MANIFEST).exists()
    # Removed, and run again.
    victim.unlink()
    workflow.snakemake(*TARGETS)
    assert read_json(workflow.folder / MANIFEST)["splits"]["pool"]["num_rows"] == 19
    # Put back, and the prepared folder deleted.
    victim.write_bytes(whole)
    shutil.rmtree(workflow.folder / "results" / "datasets" / "mine")
    workflow.snakemake(*TARGETS)
    assert read_json(workflow.folder / MANIFEST)["splits"]["pool"]["num_rows"] == 20
    assert read_json(workflow.folder / EMBEDDED)["splits"]["pool"]["num_rows"] == 20
    assert workflow.planned(*TARGETS) == {}
    # Broken after it was prepared, and left out.
    victim.write_bytes(whole[: len(whole) // 2])
    catalogue = "config/catalogue/datasets.yaml"
    workflow.edit(catalogue, "image_size: 32}", "image_size: 32, corrupt: skip}")
    workflow.snakemake(MANIFEST)
    log = (workflow.folder / "results/logs/prepare_dataset/mine.log").read_text()
    assert "1 file left out, which cannot be decoded: pool/dog/3.jpg (corrupt image" in log
