"""The workflow as a whole: what it makes, on a cluster too, and how it looks to its linters."""

import csv
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from helpers import stand_in_conda
from helpers.project import PROJECT

METRICS = [
    "dataset", "backbone", "proxy", "schedule", "strategy", "seed", "round", "num_labeled",
    "split", "metric", "value", "converged", "at_edge",
]  # fmt: skip


def test_the_small_experiment_ends_with_a_report(finished):
    report = finished.folder / "results/reports/smoke"
    with open(report / "tables/metrics.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert list(rows[0]) == METRICS
    accuracies = [row for row in rows if row["metric"] == "accuracy" and row["split"] == "test"]
    assert len(accuracies) == 3 * 2 * 3  # strategies × seeds × label sizes
    assert {row["num_labeled"] for row in accuracies} == {"20", "40", "60"}
    with open(report / "tables/classes.csv", newline="") as handle:
        names = [row["name"] for row in csv.DictReader(handle)]
    assert len(names) == 3 * 3 * 10  # strategies × label sizes × digits
    assert set(names) == set("0123456789")
    with open(report / "tables/bought.csv", newline="") as handle:
        bought = list(csv.DictReader(handle))
    with open(report / "tables/balance.csv", newline="") as handle:
        balance = list(csv.DictReader(handle))
    assert len(balance) == 3 * 2 * 3
    for row in balance:
        labels = [
            one["label"]
            for one in bought
            if (one["strategy"], one["seed"]) == (row["strategy"], row["seed"])
            and int(one["round"]) <= int(row["round"])
        ]
        assert int(row["num_labeled"]) == int(row["occurrences"]) == len(labels)
        assert int(row["classes_without_label"]) == 10 - len(set(labels))
        most = max(map(labels.count, labels)) / len(labels)
        assert float(row["most_frequent_share"]) == pytest.approx(most)
    drawn = ("label_efficiency", "difference", "classes", "label_savings", "stopping")
    for figure in (*drawn, "finetuning", "costs"):
        for form in ("png", "pdf", "svg"):
            assert (report / f"figures/{figure}.{form}").stat().st_size > 1000
    sheets = (report / "bought.html").read_text()
    # The first labels once, and two rounds of three strategies, each of 20 labels.
    assert sheets.count("data:image/png") == 7 * 20
    assert sheets.count("of 20 predicted as labelled") == 6
    page = (report / "report.html").read_text()
    assert 'href="bought.html"' in page
    assert "<svg" in page
    assert "class balance in %, digits / tiny / linear / small" in page
    assert not re.search(r"""(src|href)=["']https?://[^"']+\.(js|css|png|svg|woff)""", page)


def test_snakemakes_own_report_holds_the_figures(finished):
    finished.snakemake("--report", "report.zip")
    with zipfile.ZipFile(finished.folder / "report.zip") as archive:
        names = [Path(name).name for name in archive.namelist()]
    assert "label_efficiency.png" in names
    assert "report.html" in names


def test_strategies_share_the_initial_pool_and_buy_what_they_say(finished):
    root = finished.folder / "results/selections/digits"
    initial = json.loads((root / "small/seed-1/initial.json").read_text())["labeled"]
    chains = root / "tiny/linear/small"
    for strategy in ("random", "margin", "badge"):
        bought = list(initial)
        for number in (1, 2):
            record = json.loads((chains / strategy / f"seed-1/round-{number}.json").read_text())
            assert record["num_labeled"] == 20 * (number + 1)
            bought += record["bought"]
        assert len(set(bought)) == 60
    assert len(list(chains.rglob("round-0.json"))) == 2  # one per seed, not one per strategy


def test_the_same_settings_give_the_same_bytes(finished, fresh):
    fresh.edit("smoke.yaml", "seeds: 2", "seeds: 1")
    fresh.snakemake("selections")
    others = ("/reports/", "/finetuned/", "/seed-1/")
    expected = {
        name: content
        for name, content in finished.results().items()
        if not any(part in name for part in others)
    }
    assert fresh.results() == expected


@pytest.mark.thorough
def test_rounds_run_as_remote_jobs(finished):
    # Remote jobs see only their own rule: round 0 must not match the recursive one.
    shutil.rmtree(finished.folder / "results/selections")
    submit = finished.folder / "submit.sh"
    submit.write_text('#!/bin/bash\nbash "$1" > "$1.out" 2>&1 &\necho $!\n')
    submit.chmod(0o755)
    finished.edit("smoke.yaml", "seeds: 2", "seeds: 1")
    finished.edit("smoke.yaml", "rounds: 3", "rounds: 2")
    finished.edit("smoke.yaml", "[random, margin, badge]", "[random, margin]")
    text = (finished.folder / "smoke.yaml").read_text()
    (finished.folder / "smoke.yaml").write_text(text[: text.index("finetune:")])
    finished.snakemake(
        "selections",
        "--executor",
        "cluster-generic",
        "--cluster-generic-submit-cmd",
        str(submit),
        "--jobs",
        "4",
        "--seconds-between-status-checks",
        "1",
    )
    assert finished.planned("selections") == {}


def test_every_rule_has_what_the_house_style_asks_for():
    wanted = {
        "output", "log", "benchmark", "conda", "threads", "resources", "params", "message", "shell",
    }  # fmt: skip
    count = 0
    for file in sorted((PROJECT / "rules").glob("*.smk")):
        for body in re.split(r"\nrule ", file.read_text())[1:]:
            count += 1
            found = set(re.findall(r"^    (\w+):", body, re.MULTILINE))
            assert wanted <= found, (file.name, body.splitlines()[0], wanted - found)
            assert re.search(r"^        mem_mb=", body, re.MULTILINE)
            assert re.search(r"^        runtime=", body, re.MULTILINE)
            assert re.search(r"^        code=code\(", body, re.MULTILINE)
    assert count == 36


def test_snakemake_and_snakefmt_find_nothing():
    for command in (["snakemake", "--lint"], ["snakefmt", "--check", "Snakefile", "rules"]):
        done = subprocess.run(
            [Path(sys.executable).parent / command[0], *command[1:]],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


ENVIRONMENTS = [
    "environment.yml",
    *(
        f"rules/envs/{n}.yaml"
        for n in (
            *("campaign", "campaign-agreement", "campaign-page", "dataset", "select", "torch"),
            "report",
        )
    ),
]


def locked_versions():
    """Package → versions in the lock, one per marker."""
    locked = {}
    for line in (PROJECT / "requirements.lock").read_text().splitlines():
        if line and not line.lstrip().startswith("#"):
            requirement = Requirement(line)
            (pin,) = requirement.specifier
            locked.setdefault(requirement.name.lower(), set()).add(pin.version)
    return locked


@pytest.mark.parametrize("file", ENVIRONMENTS)
def test_conda_environments_contain_the_locked_versions(file):
    locked = locked_versions()
    for requirement in stand_in_conda.requirements(PROJECT / file):
        if requirement.name in stand_in_conda.NOT_PACKAGES | stand_in_conda.EXTRAS:
            continue
        versions = locked[requirement.name]
        assert all(requirement.specifier.contains(version) for version in versions), requirement


def test_the_lock_fits_the_ranges_of_the_project():
    import tomllib

    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    locked = locked_versions()
    for line in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        requirement = Requirement(line)
        versions = locked[requirement.name.lower().replace("_", "-")]
        assert all(requirement.specifier.contains(version) for version in versions), line


def test_a_round_starts_without_heavy_imports():
    command = "import sys, workflow_scripts.select_round; print(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    heavy = {
        "torch",
        "sklearn",
        "pandas",
        "scipy",
        "matplotlib",
        "timm",
        "zarr",
        "snakemake",
        "yaml",
    }
    assert not heavy & set(done.stdout.split())
