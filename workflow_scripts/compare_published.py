"""Compare an experiment with published curves: differences, and the order of the strategies."""

import argparse
import sys
from pathlib import Path

from labelbench_core.analysis.collected.frames import CURVE_COLUMNS, FINETUNED_COLUMNS, read_csv
from labelbench_core.analysis.published.published_results import compare, write_comparison
from labelbench_core.configuration.experiment import Experiment
from workflow_scripts._job import job_parser, run_job


def compare_published(arguments: argparse.Namespace) -> None:
    """Read the collected metrics; write the tables."""
    experiment = Experiment.from_json(arguments.experiment)
    rounds = read_csv(arguments.metrics, CURVE_COLUMNS)
    finetuned = read_csv(arguments.finetuned, FINETUNED_COLUMNS)
    write_comparison(*compare(experiment, rounds, finetuned), experiment, arguments.tables)


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--experiment", required=True, help="what is crossed, as JSON")
    parser.add_argument("--metrics", required=True, type=Path, help="metrics.csv of collect_curves")
    parser.add_argument(
        "--finetuned", required=True, type=Path, help="finetuned.csv of collect_curves"
    )
    parser.add_argument("--tables", required=True, type=Path, help="folder to write tables to")
    return run_job(compare_published, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
