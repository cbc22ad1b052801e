"""What is packed that is no output of a job."""

import argparse
import tarfile
from pathlib import Path

import pytest

from helpers import published_runs
from labelbench_core.datasets import DRAWN_FILE
from labelbench_core.stages.plan import PlannedJob, PlannedOutput
from labelbench_core.stages.table import STAGES
from workflow_scripts import archive_results


@pytest.mark.parametrize("slim", [False, True])
def test_what_is_remembered_of_drawn_splits_is_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slim: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    jobs = []
    for dataset in ("drawn", "given"):
        stage, ids = STAGES["prepare_dataset"], {"dataset": dataset}
        outputs = [
            PlannedOutput(path.format_map(ids), stage, output)
            for output in stage.outputs.values()
            for path in output.paths
        ]
        jobs.append(PlannedJob(stage, ids, tuple(outputs)))
        for one in outputs:
            Path(one.path).parent.mkdir(parents=True, exist_ok=True)
            Path(one.path).write_text("{}")
    memory = Path(jobs[0].stage.path("manifest").format_map(jobs[0].ids)).with_name(DRAWN_FILE)
    memory.write_text("{}")

    class Finished:
        def __init__(self, *arguments: object) -> None:
            """Of a finished experiment."""

        def left_to_do(self, *options: str) -> None:
            """Nothing."""

    experiment = published_runs.experiment()
    monkeypatch.setattr(archive_results, "experiment_of", lambda *given: (experiment, jobs))
    monkeypatch.setattr(archive_results, "Snakemake", Finished)
    monkeypatch.setattr(archive_results, "missing_of", lambda job, absent: [])
    monkeypatch.setattr(archive_results, "_metadata", lambda paths: [])
    monkeypatch.setattr(archive_results._noted_outputs, "differing", lambda paths: [])
    arguments = argparse.Namespace(
        archive=tmp_path / "out.tar",
        configfile=None,
        config=None,
        cores=1,
        slim=slim,
        creator=["A. Author"],
        license=None,
        url=None,
    )
    archive_results.archive_results(arguments, [])
    with tarfile.open(arguments.archive) as archive:
        packed = [name for name in archive.getnames() if name.endswith(DRAWN_FILE)]
        described = {name for name in archive.getnames() if name.count("/") == 1}
    assert packed == [str(memory)]
    assert described == {
        "results/CITATION.cff",
        "results/croissant.json",
        "results/environment.yml",
        "results/requirements.lock",
        "results/ro-crate-metadata.json",
    }


@pytest.mark.parametrize(
    ("given", "command"),
    [
        ({}, "snakemake --cores all"),
        ({"configfile": [Path("a b.yaml")]}, "snakemake --cores all --configfile 'a b.yaml'"),
        ({"config": ["seeds=2"]}, "snakemake --cores all --config seeds=2"),
    ],
)
def test_the_command_is_one_that_makes_these_results(given: dict, command: str) -> None:
    arguments = argparse.Namespace(**{"configfile": [], "config": [], **given})
    assert archive_results._command(arguments) == command
