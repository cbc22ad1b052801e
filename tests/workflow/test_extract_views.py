"""The pool's views for real: made when asked for, resumed after a kill, rerun when they must be."""

import json
import shutil

from helpers.running_jobs import kill_in_the_middle

VIEWS = "results/views/digits/tiny/digits"
TARGET = f"{VIEWS}/manifest.json"
AUGMENTATIONS = "config/catalogue/augmentations.yaml"


def test_views_are_made_resumed_and_rerun(fresh):
    fresh.snakemake(TARGET)
    manifest = json.loads((fresh.folder / TARGET).read_text())
    arrays = [*manifest["weak"], *manifest["strong"]]
    assert arrays == ["weak-0", "weak-1", "strong-0", "strong-1"]
    assert {path.parent.name for path in (fresh.folder / VIEWS).rglob("zarr.json")} == set(arrays)

    expected = fresh.results()
    shutil.rmtree(fresh.folder / "results/views")
    kill_in_the_middle(fresh, "extract_views", TARGET, f"{VIEWS}/arrays.partial", "the job")
    fresh.snakemake(TARGET)
    assert fresh.results() == expected
    assert not list((fresh.folder / "results").rglob("*.partial"))
    assert not list((fresh.folder / "results").rglob("*.lock"))

    fresh.edit(AUGMENTATIONS, "translate: 0.125", "translate: 0.25")  # of another augmentation
    assert fresh.planned(TARGET) == {}
    fresh.edit(AUGMENTATIONS, "rotate: 6.0", "rotate: 7.0")
    assert fresh.planned(TARGET) == {"extract_views": 1}
