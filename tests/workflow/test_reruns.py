"""What changed decides what runs again: one edit of each kind, read from `snakemake -n`."""

import os
import shutil
import subprocess
import sys

import pytest

from helpers.checkouts import ANALYSIS


def test_what_changes_no_result_reruns_nothing(finished):
    edit_without_effect(finished)
    reorder_the_configuration(finished)
    for folder in ("labelbench_core", "workflow_scripts", "rules", "config"):
        for path in (finished.folder / folder).rglob("*.*"):
            os.utime(path)
    for path in (finished.folder / "results/embeddings").rglob("*"):
        os.utime(path)
    assert finished.planned() == {}


def edit_without_effect(finished):
    margin = "labelbench_core/strategies/margin.py"
    for file, old, new in (
        (margin, "\nimport", "\n# a comment\nimport"),
        (margin, '"""', '"""Reworded. '),
        ("rules/selection.smk", "\nrule select_round", "\n# a comment\nrule select_round"),
        ("labelbench_core/progress.py", "every: float = 10.0", "every: float = 5.0"),
        ("labelbench_core/strategies/coreset.py", "\nimport", "\nEDITED = 1\nimport"),
        ("labelbench_core/datasets/cifar10.py", "\nfrom", "\nEDITED = 1\nfrom"),
        ("profiles/default/config.yaml", "latency-wait: 15", "latency-wait: 16"),
    ):
        path = finished.folder / file
        text = path.read_text()
        assert old in text, (file, old)
        path.write_text(text.replace(old, new, 1))


def reorder_the_configuration(finished):
    import yaml

    for file in [finished.folder / "smoke.yaml", *finished.folder.glob("config/catalogue/*.yaml")]:
        content = yaml.safe_load(file.read_text())
        backwards = {key: content[key] for key in reversed(content)}
        for key, value in backwards.items():
            if isinstance(value, dict):
                backwards[key] = {inner: value[inner] for inner in reversed(value)}
        file.write_text(yaml.safe_dump(backwards, sort_keys=False))


def test_a_fresh_clone_with_shipped_results_reruns_nothing(finished, tmp_path):
    # What a reviewer does: unpack code, results and metadata elsewhere. Code gets new times.
    archive = tmp_path / "results.tar.gz"
    subprocess.run(
        ["tar", "czf", archive, "results", ".snakemake/metadata"], cwd=finished.folder, check=True
    )
    clone = tmp_path / "elsewhere" / "clone"
    shutil.copytree(
        finished.folder,
        clone,
        ignore=shutil.ignore_patterns("results", ".snakemake"),
        copy_function=shutil.copy,
    )
    subprocess.run(["tar", "xzf", archive], cwd=clone, check=True)
    finished.folder = clone
    assert finished.planned() == {}  # nothing has changed at all
    assert finished.planned("--workflow-profile", "profiles/review") == {}


def test_an_edited_strategy_reruns_its_rounds_and_what_is_drawn_from_them(finished):
    finished.append("labelbench_core/strategies/margin.py", "\nEDITED = 1\n")
    assert finished.planned() == {"select_round": 4, "finetune_model": 1, **ANALYSIS}


def test_a_helper_that_is_imported_when_needed_counts(finished):
    finished.append("labelbench_core/strategies/kernels/gradients.py", "\nEDITED = 1\n")
    assert finished.planned() == {"select_round": 4, **ANALYSIS}


def test_the_proxys_options_rerun_rounds_but_no_extraction(finished):
    finished.edit(
        "config/catalogue/proxies.yaml",
        "implementation: linear\n",
        "implementation: linear\n  options: {penalty: 0.1}\n",
    )
    planned = finished.planned()
    assert planned == {"train_initial": 2, "select_round": 12, "finetune_model": 2, **ANALYSIS}


def test_a_trainers_options_rerun_fine_tuning_only(finished):
    finished.edit("config/catalogue/trainers.yaml", "{steps: 6", "{steps: 7")
    planned = {"finetune_model": 2, **ANALYSIS}
    del planned["list_bought"]
    assert finished.planned() == planned


def test_further_metrics_rerun_the_report_only(finished):
    finished.append("smoke.yaml", "\nmetrics: [accuracy, nll, macro-f1]\n")
    assert finished.planned() == {**ANALYSIS, "plot_metric": 2}


def test_an_edited_figure_reruns_figures_only(finished):
    finished.append("labelbench_core/figures/label_savings.py", "\nEDITED = 1\n")
    assert finished.planned() == {"plot_label_savings": 1, "render_report": 1}


@pytest.mark.parametrize(
    ("old", "new", "more"),
    [
        ("rounds: 3", "rounds: 4", {"select_round": 6}),
        (
            "seeds: 2",
            "seeds: 3",
            {"draw_initial_pool": 1, "train_initial": 1, "select_round": 6},
        ),
        ("badge]", "badge, entropy]", {"select_round": 4}),
    ],
)
def test_more_rounds_seeds_or_strategies_are_appended(finished, old, new, more):
    finished.edit("smoke.yaml", old, new)
    assert finished.planned() == {**more, **ANALYSIS}


def test_both_schedules_share_one_results_folder(finished):
    finished.append("config/catalogue/schedules.yaml", "\nsmaller:\n  initial: 20\n  batch: 10\n")
    finished.edit("smoke.yaml", "[small]", "[smaller]")
    finished.edit("smoke.yaml", "experiment: smoke", "experiment: other")
    planned = finished.planned()
    assert planned["select_round"] == 12
    assert "extract_embeddings" not in planned
    finished.edit("smoke.yaml", "[smaller]", "[small]")
    assert finished.planned() == ANALYSIS  # another report from the same rounds


def test_nothing_of_the_quickstart_leaks_into_another_experiment(finished):
    # The small experiment without its fine-tuning part: the quickstart's must not appear.
    text = (finished.folder / "smoke.yaml").read_text()
    (finished.folder / "smoke.yaml").write_text(text[: text.index("finetune:")])
    planned = finished.planned("--forceall")
    assert "finetune_model" not in planned
    assert planned["select_round"] == 12


def test_the_quickstart_is_the_default(fresh):
    fresh.edit("config/catalogue/datasets.yaml", "pool_size: 300", "pool_size: 1297")
    planned = fresh.planned(config=None)
    assert planned["select_round"] == 420
    assert planned["finetune_model"] == 12


def test_jobs_use_the_runners_python_without_activation(finished):
    command = finished.command("--force", "results/reports/smoke/tables/summary.json")
    done = subprocess.run(
        [sys.executable, *command[1:]],
        cwd=finished.folder,
        env={**os.environ, "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "1 of 1 steps (100%) done" in done.stdout
