"""The pool's views for real: made when asked for, resumed after a kill, rerun when they must be."""

import json
import shutil

import pytest

from helpers.running_jobs import kill_in_the_middle

VIEWS = "results/views/digits/tiny/digits"
TARGET = f"{VIEWS}/manifest.json"
AUGMENTATIONS = "config/catalogue/augmentations.yaml"


@pytest.mark.thorough
def test_views_are_made_resumed_and_rerun(finished):
    finished.snakemake(TARGET)
    manifest = json.loads((finished.folder / TARGET).read_text())
    arrays = [*manifest["weak"], *manifest["strong"]]
    assert arrays == ["weak-0", "weak-1", "strong-0", "strong-1"]
    assert {path.parent.name for path in (finished.folder / VIEWS).rglob("zarr.json")} == set(
        arrays
    )

    expected = finished.results()
    shutil.rmtree(finished.folder / "results/views")
    kill_in_the_middle(finished, "extract_views", TARGET, f"{VIEWS}/arrays.partial", "the job")
    finished.snakemake(TARGET)
    assert finished.results() == expected
    assert not list((finished.folder / "results").rglob("*.partial"))
    assert not list((finished.folder / "results").rglob("*.lock"))

    finished.edit(AUGMENTATIONS, "translate: 0.125", "translate: 0.25")  # of another augmentation
    assert finished.planned(TARGET) == {}
    finished.edit(AUGMENTATIONS, "rotate: 6.0", "rotate: 7.0")
    assert finished.planned(TARGET) == {"extract_views": 1}
