"""Collect the benchmark files of an experiment's jobs into one table."""

import argparse
import sys
from pathlib import Path

from labelbench_core.analysis.costs import collect_costs
from labelbench_core.analysis.frames import write_csv
from labelbench_core.experiment import Experiment
from workflow_scripts._job import job_parser, run_job


def collect(arguments: argparse.Namespace) -> None:
    """Read the benchmark files that exist; write costs.csv."""
    experiment = Experiment.from_json(arguments.experiment)
    write_csv(collect_costs(experiment, arguments.benchmark), arguments.costs)


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--experiment", required=True, help="what is crossed, as JSON")
    parser.add_argument(
        "--benchmark",
        action="append",
        required=True,
        metavar="STAGE=PATTERN",
        help="path of a stage's benchmark file, ids in braces; may be given several times",
    )
    parser.add_argument("--costs", required=True, type=Path, help="table to write")
    return run_job(collect, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
