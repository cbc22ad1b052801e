"""Sources that change after a run: what is planned, what is told, and what is not done again."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.checkouts import MINE
from labelbench_core.datasets.preparing.prepare import prepare_dataset

OPTIONS = {"folder": "mine", "image_size": 32}
DATASETS = """
mine:
  implementation: image-folder
  options: {folder: mine, image_size: 32}
official:
  implementation: official
"""
OFFICIAL = '''
"""Two official files of a few bytes."""

import hashlib

import numpy as np

from labelbench_core.datasets import RawDataset, RawSplit
from labelbench_core.datasets.official_files import fetching

INFO = {"summary": "two files", "license": "none", "paper": ""}
MD5 = {name: (hashlib.md5(name.encode()).hexdigest(),) for name in ("images", "labels")}


def check(data_dir):
    return {"pool": 20, "test": 20}


def source_files(data_dir):
    return fetching.source_files(data_dir / "official", MD5)


def load(data_dir):
    split = RawSplit(np.arange(20) % 2, np.zeros((20, 8, 8, 3), np.uint8))
    return RawDataset(["a", "b"], {"pool": split, "test": split})
'''
MANIFEST = "results/datasets/mine/manifest.json"
DOWNSTREAM = ("prepare_dataset", "extract_embeddings", "draw_initial_pool", "train_initial")
TOLD = (
    f"made again: {MANIFEST}: since data set 'mine' was prepared: 1 file added "
    "(pool/cat/added.png), 1 file moved from pool/dog to pool/cat (pool/cat/was-a-dog.png)"
)


@pytest.fixture
def data(tmp_path):
    """The folder LABELBENCH_DATA, with two splits of two classes."""
    rng = np.random.default_rng(0)
    for split, count in (("pool", 8), ("test", 4)):
        for label in ("cat", "dog"):
            for number in range(count):
                path = tmp_path / "data" / "mine" / split / label / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(path)
    return tmp_path / "data"


@pytest.fixture
def checkout(fresh, data, monkeypatch):
    """A checkout whose experiment is on these images."""
    monkeypatch.setenv("LABELBENCH_DATA", str(data))
    fresh.append("config/catalogue/datasets.yaml", DATASETS)
    fresh.append("config/catalogue/schedules.yaml", "\nfew: {initial: 4, batch: 4}\n")
    (fresh.folder / "labelbench_core/datasets/official.py").write_text(OFFICIAL)
    (fresh.folder / "smoke.yaml").write_text(MINE)
    return fresh


def change(mine):
    """Add an image, and move one to the other class."""
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(mine / "pool" / "cat" / "added.png")
    (mine / "pool" / "dog" / "5.png").rename(mine / "pool" / "cat" / "was-a-dog.png")


def lines(text, start):
    return [line for line in text.splitlines() if line.startswith(start)]


def test_a_changed_source_is_prepared_again_and_told_by_the_main_process_alone(checkout, data):
    target = checkout.folder / "results/datasets/mine"
    prepare_dataset(
        "mine", "image-folder", OPTIONS, data, target / "arrays", target / "manifest.json"
    )
    change(data / "mine")
    text = checkout.snakemake("-n", MANIFEST)
    assert "prepare_dataset" in text
    assert lines(text, "made again") == [TOLD]
    # As a job on a cluster parses the workflow: it is not its business.
    assert checkout.planned(MANIFEST, "--mode", "remote") == {}


@pytest.mark.thorough
def test_sources_that_change_after_a_finished_run(checkout, data, tmp_path):
    checkout.snakemake()
    assert checkout.planned() == {}
    mine = data / "mine"
    # Touched, copied, away: nothing, and nothing is said.
    for path in mine.rglob("*.png"):
        path.touch()
    assert checkout.planned() == {}
    mine.rename(data / "away")
    assert checkout.planned() == {}
    assert checkout.planned(LABELBENCH_DATA="") == {}
    shutil.copytree(data / "away", mine)
    text = checkout.snakemake("-n")
    assert "Nothing to be done" in text
    assert lines(text, "made again") == []
    assert lines(text, "data set") == []
    # Changed: everything that depends on it, and the bytes of a run from nothing.
    change(mine)
    assert set(DOWNSTREAM) <= set(checkout.planned())
    assert checkout.planned("--config", "check_sources=never") == {}
    assert lines(checkout.snakemake(), "made again") == [TOLD]
    assert checkout.planned() == {}
    made = checkout.results()
    assert "before this page was made: mine: 25 files, 20" in report(checkout)
    shutil.rmtree(checkout.folder / "results")
    checkout.snakemake("selections")
    results = checkout.results()
    assert len(results) > 10
    assert results == {path: made[path] for path in results}
    # Only a look tells of images that cannot be prepared again, before anything is deleted.
    shutil.move(mine / "test" / "dog", tmp_path / "dog")
    text = checkout.snakemake("selections", check=False)
    assert len(lines(text, "error: data set 'mine': its source can no longer be prepared")) == 1
    assert "Traceback" not in text
    assert checkout.results() == results


def report(checkout):
    return (checkout.folder / "results/reports/mine/report.html").read_text()


@pytest.mark.thorough
def test_unchanged_blocks_of_images_are_not_embedded_again(checkout, data):
    checkout.snakemake("embeddings")
    change(data / "mine")
    checkout.snakemake("embeddings")
    log = next(Path(checkout.folder, "results/logs/extract_embeddings/mine").glob("*.log"))
    # All of the pool moved within its one block; the test split did not.
    assert "1 of 2 blocks reused from an earlier extraction" in log.read_text()


@pytest.mark.thorough
def test_a_killed_preparation_of_a_changed_source_is_made_up_for(checkout, data):
    checkout.snakemake("embeddings")
    change(data / "mine")
    # Snakemake has deleted what was prepared, and then it was killed.
    shutil.rmtree(checkout.folder / "results/datasets/mine")
    planned = checkout.planned("embeddings")
    assert planned["prepare_dataset"] == planned["extract_embeddings"] == 1
    checkout.snakemake(MANIFEST)
    # Prepared, and then killed: what depends on it is still to be made.
    assert checkout.planned("embeddings")["extract_embeddings"] == 1


@pytest.mark.thorough
def test_an_edited_official_file_is_one_line_before_any_job(checkout, data):
    folder = data / "official"
    folder.mkdir()
    for name in ("images", "labels"):
        (folder / name).write_text(name)
    checkout.edit("smoke.yaml", "[mine]", "[official]")
    manifest = "results/datasets/official/manifest.json"
    checkout.snakemake(manifest)
    assert checkout.planned(manifest) == {}
    (folder / "labels").write_text("Labels")
    text = checkout.snakemake(manifest, check=False)
    (line,) = lines(text, "error:")
    assert f"{folder / 'labels'}: changed since it was prepared: its MD5 is" in line
    assert "Nothing to be done" not in text
    assert (checkout.folder / manifest).exists()
    (folder / "labels").unlink()
    assert checkout.planned(manifest) == {}


@pytest.mark.thorough
def test_a_large_source_is_looked_at_when_asked(checkout, data):
    checkout.edit(
        "labelbench_core/configuration/sources/since_prepared.py",
        "MOST_FILES = 10_000",
        "MOST_FILES = 10",
    )
    checkout.snakemake(MANIFEST)
    change(data / "mine")
    assert checkout.planned(MANIFEST) == {}
    assert checkout.planned(MANIFEST, "--config", "check_sources=always") == {"prepare_dataset": 1}
    assert checkout.planned(MANIFEST) == {"prepare_dataset": 1}  # asked once, and not forgotten
    checkout.snakemake(MANIFEST)
    assert checkout.planned(MANIFEST) == {}
