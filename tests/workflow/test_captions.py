"""Captions of Snakemake's own report say of the data what those of ours say."""

import re
import zipfile

import pytest

NOTE = "digits: 5 classes: the last one holds all others of the source."


@pytest.mark.thorough
def test_captions_have_the_notes_of_the_report(fresh):
    fresh.edit("config/catalogue/datasets.yaml", "\ndigits:", "\ndigits:\n  merge_classes: 5")
    fresh.edit("smoke.yaml", "[random, margin, badge]\nrounds: 3", "[random, margin]\nrounds: 2")
    fresh.edit("smoke.yaml", "rounds: [2]", "rounds: [1]")
    fresh.snakemake()
    assert fresh.planned() == {}  # notes that came with the manifest are no reason to run again
    (page,) = fresh.folder.glob("results/reports/*/report.html")
    assert NOTE in page.read_text(encoding="utf-8")
    fresh.snakemake("--report", "own.zip")
    with zipfile.ZipFile(fresh.folder / "own.zip") as archive:
        text = " ".join(
            archive.read(name).decode("utf-8", "replace")
            for name in archive.namelist()
            if name.endswith((".html", ".js", ".json"))
        )
    assert len(re.findall(re.escape(NOTE), text)) >= 4
