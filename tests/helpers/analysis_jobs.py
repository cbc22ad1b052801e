"""Job scripts from the result files of an experiment to its report, and a small experiment."""

import json
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd

from labelbench_core.analysis.collected.frames import read_csv
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures import style
from workflow_scripts import (
    collect_costs,
    collect_curves,
    compare_published,
    plot_costs,
    plot_finetuning,
    plot_groups,
    plot_headroom,
    plot_label_efficiency,
    plot_label_savings,
    plot_metric,
    plot_panels,
    plot_ranks,
    render_report,
    tabulate,
)

from . import fake_results

REPORTED_FORMAT = "svg"
"""Of the figures in the report."""
SMALL = {
    "strategies": ["random", "margin"],
    "seeds": [1, 2, 3],
    "rounds": 4,
    "finetune": {
        "trainers": ["full"],
        "strategies": ["random", "margin"],
        "rounds": [1, 3],
        "seeds": [1, 2],
    },
}


def collect(folder: Path, values: dict[str, Any]) -> int:
    """Run the job script on the results in `folder`; its exit status."""
    return collect_curves.main(
        [
            *("--experiment", json.dumps(values)),
            *("--round-pattern", f"{folder}/{fake_results.ROUND}"),
            *("--initial-pattern", f"{folder}/{fake_results.INITIAL}"),
            *("--finetuned-pattern", f"{folder}/{fake_results.FINETUNED}"),
            *("--metrics", f"{folder}/metrics.csv", "--finetuned", f"{folder}/finetuned.csv"),
            *("--signals", f"{folder}/signals.csv", "--hits", f"{folder}/hits.csv"),
        ]
    )


def tabulate_results(folder: Path, values: dict[str, Any]) -> int:
    """Run the job script on the tables in `folder`; its exit status."""
    return tabulate.main(
        [
            *("--experiment", json.dumps(values)),
            *("--metrics", f"{folder}/metrics.csv", "--finetuned", f"{folder}/finetuned.csv"),
            *("--signals", f"{folder}/signals.csv", "--hits", f"{folder}/hits.csv"),
            *("--dataset-pattern", f"{folder}/{{dataset}}.json"),
            *("--tables", f"{folder}/tables", "--summary", f"{folder}/summary.json"),
        ]
    )


def compare_with_published(folder: Path, values: dict[str, Any]) -> int:
    """Run the job script on the tables in `folder`; its exit status."""
    collected = ["--metrics", f"{folder}/metrics.csv", "--finetuned", f"{folder}/finetuned.csv"]
    asked = ["--experiment", json.dumps(values), "--tables", f"{folder}/tables"]
    return compare_published.main([*asked, *collected])


def collect_all_costs(folder: Path, values: dict[str, Any]) -> pd.DataFrame:
    """Run the job script on the benchmark files in `folder`."""
    patterns = [f"{stage}={folder}/{path}" for stage, path in fake_results.BENCHMARKS.items()]
    options = [part for pattern in patterns for part in ("--benchmark", pattern)]
    for stage, path in fake_results.RECORDS.items():
        options += ["--record", f"{stage}={folder}/{path}"]
    output = folder / "costs.csv"
    tables = ["--costs", str(output), "--proxy-savings", f"{folder}/{fake_results.PROXY_SAVINGS}"]
    command = ["--experiment", json.dumps(values), *options, *tables]
    assert collect_costs.main(command) == 0
    return read_csv(output, ("stage", "strategy", "seconds", "cpu_seconds", "max_rss_mb"))


def plot_everything(
    folder: Path, figures: Path, formats: tuple[str, ...] = (REPORTED_FORMAT,)
) -> None:
    """Run all plot scripts; the other formats take three quarters of the time."""
    with mock.patch.object(style, "FIGURE_FORMATS", formats):
        _plot_everything(folder, figures)


def _plot_everything(folder: Path, figures: Path) -> None:
    experiment = ["--experiment", (folder / "experiment.json").read_text(encoding="utf-8")]
    target = ["--figures", str(figures)]
    source = folder / "tables"
    curves = ["--curves", f"{source}/curves.csv", "--comparisons", f"{source}/comparisons.csv"]
    wins = ["--pairwise", f"{source}/pairwise.csv", "--classes", f"{source}/classes.csv"]
    wins += ["--balance", f"{folder}/{fake_results.BALANCE}"]
    savings = ["--savings", f"{source}/savings.csv"]
    asked = json.loads(experiment[1])
    for metric in asked.get("further_metrics", ()):
        by_metric = ["--metric", metric, *curves, *savings]
        assert plot_metric.main([*experiment, *by_metric, *target]) == 0
    if asked.get("references"):
        curves += ["--published", f"{source}/reference.csv"]
    if asked.get("panels"):
        collected = ["--metrics", f"{folder}/metrics.csv", "--finetuned", f"{folder}/finetuned.csv"]
        assert plot_panels.main([*experiment, *collected, *target]) == 0
    assert plot_label_efficiency.main([*experiment, *curves, *wins, *target]) == 0
    levels = ["--levels", f"{source}/levels.csv", "--profiles", f"{source}/profiles.csv"]
    levels += ["--stopping", f"{source}/stopping.csv"]
    assert plot_label_savings.main([*experiment, *savings, *levels, *target]) == 0
    crossed = Experiment.from_json(experiment[1])
    if crossed.by_group:
        assert plot_groups.main([*experiment, f"--groups={source}/groups.csv", *target]) == 0
    if crossed.ceilings:
        headroom = ["--headroom", f"{source}/headroom.csv"]
        assert plot_headroom.main([*experiment, *headroom, *target]) == 0
    if crossed.several_datasets:
        ranks = ["--across", f"{source}/across.csv"]
        assert plot_ranks.main([*experiment, *ranks, *target]) == 0
    finetuning = ["--finetuning", f"{source}/finetuning.csv"]
    assert plot_finetuning.main([*experiment, *finetuning, *target]) == 0
    assert plot_costs.main(["--costs", f"{folder}/costs.csv", *target]) == 0


def render(results: Path, name: str = "report.html", **changes: str) -> tuple[int, Path]:
    """Run the job script; its exit status and the page's path."""
    options = {
        "experiment": (results / "experiment.json").read_text(encoding="utf-8"),
        "summary": f"{results}/summary.json",
        "tables": f"{results}/tables",
        "figures": f"{results}/figures",
        "costs": f"{results}/costs.csv",
        "proxy-savings": f"{results}/{fake_results.PROXY_SAVINGS}",
        "balance": f"{results}/{fake_results.BALANCE}",
        "configuration": json.dumps({"experiment": "quickstart", "note": "<b>&</b>"}),
        "revision": "0123abcd",
        "manifest": f"{results}/{{dataset}}.json",
        "report": f"{results}/{name}",
        **changes,
    }
    command = [part for key, value in options.items() for part in (f"--{key}", value)]
    return render_report.main(command), results / name
