"""What captions of Snakemake's own report say of the data, from manifests."""

from pathlib import Path

import jinja2
import pytest

from helpers.experiments_read import load
from helpers.project import PROJECT
from labelbench_core.storage.records import write_record
from workflow_scripts import _snakefile as parsing

CAPTIONS = sorted((PROJECT / "rules" / "report").glob("*.rst"))


@pytest.fixture
def experiment(quickstart, catalogue, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return load(quickstart, catalogue)


def write(**keys):
    manifest = Path(parsing.PREPARED.format(dataset="digits"))
    manifest.parent.mkdir(parents=True, exist_ok=True)
    record = {
        **{"dataset": "digits", "source": "digits", "options": {}, "pool_size": None},
        **{"num_classes": 2, "class_names": ["a", "b"], "arrays": {}, "fingerprint": "0"},
        "splits": {"pool": {"num_rows": 1, "storage": "files"}},
    }
    write_record(manifest, "data set", {**record, **keys})
    return manifest


def test_notes_are_those_of_the_manifests_and_plain_text(experiment):
    assert parsing.data_notes(experiment) == ""
    write(splits_note="halves of *RandomState(42)*, by n_0 `x`")
    told = parsing.data_notes(experiment)
    assert told == r"digits: halves of \*RandomState(42)\*, by n\_0 \`x\`."
    write().write_text("damaged")
    assert parsing.data_notes(experiment) == ""


@pytest.mark.parametrize("caption", CAPTIONS, ids=lambda path: path.stem)
def test_every_figures_caption_ends_with_the_notes(caption):
    class Job:
        params = type("Params", (), {"notes": "digits: as published."})
        wildcards = type("Wildcards", (), {"metric": "macro-f1"})

    text = jinja2.Template(caption.read_text()).render(snakemake=Job)
    assert text.endswith(" digits: as published.") == (caption.stem != "report")
