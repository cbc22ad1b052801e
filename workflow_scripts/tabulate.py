"""Compute an experiment's statistics: intervals, comparisons, savings, tables and the summary."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from labelbench_core.analysis.classes import named
from labelbench_core.analysis.collected.frames import (
    CURVE_COLUMNS,
    FINETUNED_COLUMNS,
    HIT_COLUMNS,
    SIGNAL_COLUMNS,
    read_csv,
)
from labelbench_core.analysis.results import compute_results, write_results
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.stages.plan import Needs
from workflow_scripts._job import job_parser, run_job


def tabulate(arguments: argparse.Namespace) -> None:
    """Read the collected metrics; write the tables and summary.json."""
    experiment = Experiment.from_json(arguments.experiment)
    rounds = read_csv(arguments.metrics, CURVE_COLUMNS)
    finetuned = read_csv(arguments.finetuned, FINETUNED_COLUMNS)
    signals = read_csv(arguments.signals, SIGNAL_COLUMNS)
    hits = read_csv(arguments.hits, HIT_COLUMNS)
    needs = Needs.from_json(arguments.needs)
    results = compute_results(experiment, rounds, finetuned, signals, hits, needs.images)
    if experiment.by_class:
        results = replace(results, classes=named(results.classes, arguments.dataset_pattern))
    if experiment.by_group:
        of_groups = named(results.groups, arguments.dataset_pattern, "group")
        results = replace(results, groups=of_groups)
    write_results(results, experiment, arguments.tables, arguments.summary)


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--experiment", required=True, help="what is crossed, as JSON")
    parser.add_argument("--needs", default="{}", help="which proxies need images, as JSON")
    parser.add_argument("--metrics", required=True, type=Path, help="metrics.csv of collect_curves")
    parser.add_argument("--signals", required=True, type=Path, help="signals.csv of collect_curves")
    parser.add_argument("--hits", required=True, type=Path, help="hits.csv of collect_curves")
    parser.add_argument(
        "--dataset-pattern", default="", help="path of a data set's manifest, ids in braces"
    )
    parser.add_argument(
        "--finetuned", required=True, type=Path, help="finetuned.csv of collect_curves"
    )
    parser.add_argument("--tables", required=True, type=Path, help="folder to write tables to")
    parser.add_argument("--summary", required=True, type=Path, help="summary.json to write")
    return run_job(tabulate, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
