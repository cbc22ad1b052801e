"""Components in files of one's own, beside the experiment, in the real workflow."""

import json

import pytest

from helpers import own_study
from helpers.checkouts import failing
from helpers.own_study import STRATEGY


@pytest.fixture
def study(fresh, tmp_path):
    """A checkout, and a folder elsewhere with an experiment and its files."""
    return fresh, own_study.write(tmp_path / "my study").parent


@pytest.mark.thorough
def test_own_files_run_and_an_edit_reruns_what_depends_on_it(study):
    workflow, folder = study
    config = str(folder / "mine.yaml")
    workflow.snakemake(config=config)
    assert workflow.planned(config=config) == {}
    tables = workflow.folder / "results" / "reports" / "mine" / "tables"
    assert json.loads((tables / "summary.json").read_text())["highlight"] == "squares"
    # What the file imports from beside it counts; rounds of other strategies stay.
    (folder / "squares.py").write_text("def squares(p):\n    return (p**2).sum(0)\n")
    planned = workflow.planned(config=config)
    assert planned["select_round"] == 2
    assert not {"prepare_dataset", "annotate", "extract_embeddings"} & planned.keys()
    assert not {"draw_initial_pool", "train_initial"} & planned.keys()
    (folder / "data.py").write_text((folder / "data.py").read_text() + "\nMORE = 1\n")
    assert workflow.planned(config=config)["prepare_dataset"] == 1


def test_own_files_that_cannot_be_used_are_one_line_before_any_job(study):
    workflow, folder = study
    config = str(folder / "mine.yaml")
    for text, told in (
        ("def (:\n", "line 1"),
        ("x = 1\n", "has no function select; allowed: def select(pool, budget, rng, *, …)"),
        (STRATEGY.replace("from squares", "from .."), "../my study/strategy.py: a relative"),
        (STRATEGY.replace("from squares", "from nothing"), "strategy.py: line 4: imports nothing"),
        (STRATEGY.replace('"kind": "strategy"', '"kind": "mine"'), "kind: 'mine'; allowed: "),
    ):
        (folder / "strategy.py").write_text(text)
        message = failing(workflow, config=config)
        assert told in message
        assert "Traceback" not in message
    (folder / "strategy.py").unlink()
    assert "strategy.py" in failing(workflow, config=config)
    assert not (workflow.folder / "results").exists()
