"""Images that are alike make the pool smaller than planned: told before anything is made of it."""

import time

import pytest

from helpers.checkouts import MINE, failing
from helpers.pictures_by_table import paint

PETS = (
    "\nmine: {implementation: image-folder, options: {folder: pets, image_size: 8, test_size: 5}}\n"
)
TOLD = "mine.yaml: rounds: 4 rounds of schedule 'few' buy 19 labels, but the pool of 'mine' has 18"


@pytest.fixture
def pets(fresh):
    """A checkout with twelve pictures of cats and four of dogs, these three times each."""
    for number in range(12):
        folder = fresh.folder / "data" / "pets"
        paint(folder / "cat" / f"{number}.png", number)
        paint(folder / "dog" / f"{number}.png", 100 + number % 4)
    fresh.append("config/catalogue/datasets.yaml", PETS)
    fresh.append("config/catalogue/schedules.yaml", "\nfew: {initial: 4, batch: 5}\n")
    (fresh.folder / "mine.yaml").write_text(MINE.replace("rounds: 2", "rounds: 4"))
    time.sleep(2.1)  # what is newer is read again, not remembered
    return fresh


@pytest.mark.thorough
def test_the_first_job_stops_and_then_the_plan(pets):
    # By their names, 19 are left for the pool.
    assert "select_round" in pets.planned(config="mine.yaml")
    text = failing(pets, "--keep-going", config="mine.yaml")
    assert f"{TOLD}; allowed: at most 3; images that are alike are drawn together" in text
    assert not (pets.folder / "results" / "embeddings").exists()
    assert not (pets.folder / "results" / "selections").exists()
    text = failing(pets, "-n", config="mine.yaml")
    assert f"error: {TOLD}; allowed: at most 3" in text
    # Fewer rounds are no reason to prepare anything again.
    pets.edit("mine.yaml", "rounds: 4", "rounds: 3")
    manifest = "results/datasets/mine/manifest.json"
    pets.snakemake(manifest, config="mine.yaml")
    pets.edit("mine.yaml", "rounds: 3", "rounds: 2")
    assert pets.planned(manifest, config="mine.yaml") == {}
