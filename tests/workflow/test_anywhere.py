"""The workflow from any folder, as a module of another workflow, and the library from its wheel.

Results, Snakemake's records and locks belong to the working directory; code, catalogue and the
quickstart come from beside the Snakefile.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile

import pytest

from helpers import forked_jobs
from helpers.checkouts import PROJECT, compiled

TINY = """
experiment: tiny
datasets: [digits]
backbones: [tiny]
proxies: [linear]
schedules: [small]
strategies: [random, margin]
rounds: 2
seeds: 1
"""
FULL_POOL = "\ndigits:\n  pool_size: 300"
PREPARED = "results/datasets/digits/manifest.json"
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
# The examples of the docs: a workflow around this one, and the library alone, twice.
AROUND, LIBRARY = BLOCK.findall((PROJECT / "docs/anywhere.md").read_text(encoding="utf-8"))
(SELECTING,) = BLOCK.findall((PROJECT / "README.md").read_text(encoding="utf-8"))
AROUND = AROUND.replace("/path/of/labelbench/", "../fresh/").replace("my-study", "tiny")


class Elsewhere:
    """A folder that holds no project, beside a checkout that does."""

    def __init__(self, project):
        self.project = project
        self.folder = project.folder.parent / "else where"
        self.folder.mkdir()
        (self.folder / "tiny.yaml").write_text(TINY)

    def run(self, *command, cwd=None, status=0, **environment):
        """What a command of Python's prints, both streams together."""
        done = subprocess.run(
            [sys.executable, "-m", *map(str, command)],
            cwd=cwd or self.folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    def snakemake(self, *arguments, snakefile=True, cwd=None, status=0, **environment):
        """Run Snakemake here."""
        chosen = ["--snakefile", self.project.folder / "Snakefile"] if snakefile else []
        asked = ["--cores", "2", *chosen, *arguments]
        found, text = forked_jobs.snakemake(
            asked, cwd or self.folder, {**os.environ, **environment}
        )
        assert found == status, text
        return text

    def command(self, name, *arguments, **options):
        """Run one of the project's commands here."""
        module = f"workflow_scripts.{name}"
        return self.run(module, *arguments, PYTHONPATH=str(self.project.folder), **options)

    def with_module(self, around=AROUND):
        """Make a workflow here that has the checkout's as a module."""
        (self.folder / "Snakefile").write_text(around)
        indented = "".join(f"  {line}\n" for line in TINY.strip().splitlines())
        (self.folder / "study.yaml").write_text(f"labelbench:\n{indented}")


@pytest.fixture
def elsewhere(fresh):
    return Elsewhere(fresh)


def state_of(folder):
    """Files of Snakemake and of this machine in a folder."""
    state = folder / ".snakemake"
    return {path.relative_to(state) for path in state.rglob("*") if path.is_file()}


def assert_no_trace(project):
    """Nothing was written beside the Snakefile."""
    assert not (project.folder / "results").exists()
    assert state_of(project.folder) == state_of(compiled())  # which the checkout came with


def test_plans_with_a_snakefile_elsewhere(elsewhere):
    text = elsewhere.snakemake("-n", "--configfile", "tiny.yaml")
    assert "select_round " in text
    assert_no_trace(elsewhere.project)
    assert (elsewhere.folder / ".snakemake/labelbench.owner").is_file()


def test_plans_with_another_working_directory(elsewhere):
    (elsewhere.project.folder / "tiny.yaml").write_text(TINY)
    text = elsewhere.snakemake(
        *("-n", "--directory", elsewhere.folder, "--configfile", "tiny.yaml"),
        cwd=elsewhere.project.folder,
        snakefile=False,
    )
    assert "select_round " in text
    assert_no_trace(elsewhere.project)


def test_the_quickstart_is_the_one_beside_the_snakefile(elsewhere):
    elsewhere.project.edit("config/catalogue/datasets.yaml", FULL_POOL, "\ndigits:")
    text = elsewhere.snakemake("-n")
    assert "results/reports/quickstart/report.html" in text


def test_messages_name_the_file_as_seen_from_here(elsewhere):
    text = elsewhere.snakemake("-n", status=1)  # the pool is too small for it
    assert "error: ../fresh/config/config.yaml: rounds: 8 rounds" in text
    text = elsewhere.command("archive_results", "a.tar", "--directory", "nowhere", status=2)
    assert text == "error: --directory nowhere: no such folder; allowed: one that exists\n"


def test_plans_as_a_module_whose_rules_are_renamed(elsewhere):
    elsewhere.with_module()
    text = elsewhere.snakemake("-n", snakefile=False)
    assert "labelbench_select_round " in text
    assert "best " in text  # the workflow around it keeps its own default target
    assert "labelbench_render_report" not in text
    assert "localrules directive" not in text
    assert_no_trace(elsewhere.project)


def test_a_module_that_is_told_what_is_wrong(elsewhere):
    elsewhere.with_module()
    study = elsewhere.folder / "study.yaml"
    study.write_text(study.read_text().replace("random, margin", "random, margn"))
    text = elsewhere.snakemake("-n", snakefile=False, status=1)
    assert "error: config of module labelbench: strategies: 'margn' is not in catalogue" in text


def test_a_module_without_an_experiment_does_not_get_the_quickstart(elsewhere):
    elsewhere.with_module(AROUND.replace('    config:\n        config["labelbench"]\n', ""))
    text = elsewhere.snakemake("-n", snakefile=False, status=1)
    assert "error: config of module labelbench: " in text
    assert "experiment" in text


def test_a_module_with_a_prefix_is_refused(elsewhere):
    elsewhere.with_module(
        AROUND.replace("    config:\n", '    prefix:\n        "sub"\n    config:\n')
    )
    text = elsewhere.snakemake("-n", snakefile=False, status=1)
    assert (
        "error: module labelbench: prefix: results would go to sub/results/; allowed: no prefix"
        in text
    )


def test_a_snakefile_without_the_library_is_refused(elsewhere):
    shutil.rmtree(elsewhere.project.folder / "labelbench_core")
    text = elsewhere.snakemake("-n", "--configfile", "tiny.yaml", status=1)
    assert "labelbench_core/ is not beside the Snakefile; allowed: the Snakefile of a clone" in text


@pytest.mark.thorough
def test_results_elsewhere_are_complete_packed_and_restored(elsewhere):
    """Two working directories, one code: the same results, whichever way it was started."""
    there = elsewhere.folder / "there"
    there.mkdir()
    elsewhere.snakemake("--configfile", "tiny.yaml")
    assert "Nothing to be done" in elsewhere.snakemake("-n", "--configfile", "tiny.yaml")
    text = elsewhere.snakemake(
        *("selections", "--directory", there, "--configfile", elsewhere.folder / "tiny.yaml"),
        cwd=elsewhere.project.folder,
        snakefile=False,
    )
    assert_no_trace(elsewhere.project)
    last = "results/selections/digits/tiny/linear/small/margin/seed-0/round-1.json"
    assert (there / last).read_bytes() == (elsewhere.folder / last).read_bytes()

    text = elsewhere.snakemake("--configfile", "tiny.yaml", "--report", "report.zip")
    assert (elsewhere.folder / "report.zip").is_file(), text
    assert "digits: has no source files" in elsewhere.command("check_sources")
    assert "3 rounds and 0 fine-tunings" in elsewhere.command("check_configuration", "tiny.yaml")
    assert "results/reports/tiny/report.html" in elsewhere.command(
        "show_summary", "--experiment", "tiny"
    )

    elsewhere.command("keep_tables", "--configfile", "tiny.yaml")
    kept = json.loads((elsewhere.folder / "docs/results/tiny/made-from.json").read_text())
    assert kept["command"] == "snakemake --cores all --configfile tiny.yaml"
    assert_no_trace(elsewhere.project)

    of_tiny = ("--directory", "else where", "--configfile", "else where/tiny.yaml")
    parent = elsewhere.folder.parent
    elsewhere.command("archive_results", "tiny.tar.gz", *of_tiny, cwd=parent)
    with tarfile.open(parent / "tiny.tar.gz") as archive:
        assert last in archive.getnames()
    content = (elsewhere.folder / last).read_bytes()
    (elsewhere.folder / last).unlink()
    text = elsewhere.command("restore_results", *of_tiny, cwd=parent)
    assert "nothing is missing: nothing to be done" in text
    assert (elsewhere.folder / last).read_bytes() == content

    unpacked = elsewhere.folder.parent / "unpacked"
    unpacked.mkdir()
    with tarfile.open(parent / "tiny.tar.gz") as archive:
        archive.extractall(unpacked, filter="data")
    review = ("--workflow-profile", elsewhere.project.folder / "profiles/review")
    text = elsewhere.snakemake(
        *("-n", *review, "--configfile", elsewhere.folder / "tiny.yaml"), cwd=unpacked
    )
    assert "Nothing to be done" in text


@pytest.mark.thorough
def test_runs_as_a_module(elsewhere):
    """Its rules and those around it, its handlers, and what it notes."""
    elsewhere.with_module(AROUND.replace("{output}", "{output}; echo $PYTHONPATH > path.txt"))
    elsewhere.snakemake(snakefile=False, PYTHONPATH="/of/others")
    assert (elsewhere.folder / "best.json").is_file()
    # Rules around it keep what they were started with; the library comes first.
    assert (elsewhere.folder / "path.txt").read_text() == f"{elsewhere.project.folder}:/of/others\n"
    assert_no_trace(elsewhere.project)
    noted = (elsewhere.folder / ".snakemake/labelbench/outputs.json").read_text()
    assert PREPARED in noted
    assert "best.json" not in noted
    assert "Nothing to be done" in elsewhere.snakemake("-n", snakefile=False)

    # An incomplete folder is seen there, too.
    arrays = elsewhere.folder / "results/embeddings/digits/tiny/arrays"
    shutil.rmtree(next(arrays.glob("pool*")))
    assert "labelbench_extract_embeddings" in elsewhere.snakemake("-n", snakefile=False)


WHOLE = """
import pathlib
import labelbench_core
from labelbench_core import registry

folder = pathlib.Path(labelbench_core.__file__).parent
assert folder.parent == pathlib.Path({folder!r}), folder
for kind in registry.MAIN_FUNCTION:
    assert registry.names(kind), kind
assert (folder / "report/report_template.html").is_file()
"""


@pytest.mark.thorough
def test_the_library_from_its_wheel(tmp_path):
    """Built and unpacked as `pip install .` does, without its dependencies, which are here."""
    source, installed = tmp_path / "source", tmp_path / "installed"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, source)
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("labelbench_core", "workflow_scripts", "tests", "docs"):
        shutil.copytree(PROJECT / name, source / name, ignore=ignored)
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", installed, source],
        check=True,
    )
    names = {path.name for path in installed.iterdir() if path.is_dir()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"labelbench_core"}
    for command in (
        ["-c", LIBRARY + WHOLE.format(folder=str(installed))],
        ["-c", SELECTING + "assert len({*chosen} - {*labeled}) == 10; print(chosen)"],
        ["-m", "labelbench_core.strategies", "--list"],
        ["-m", "labelbench_core.trainers", "--list"],
    ):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(installed)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout
