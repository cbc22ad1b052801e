"""List every label that was bought, by which strategy and when, and how balanced classes are."""

import argparse
import sys
from pathlib import Path

from labelbench_core.analysis.collected.bought import write_bought
from labelbench_core.configuration.experiment import Experiment
from workflow_scripts._job import job_parser, run_job


def list_bought(arguments: argparse.Namespace) -> None:
    """Read rounds, data sets and annotations; write both tables."""
    write_bought(
        arguments.table,
        arguments.balance,
        Experiment.from_json(arguments.experiment),
        round_pattern=arguments.round_pattern,
        initial_pattern=arguments.initial_pattern,
        dataset_pattern=arguments.dataset_pattern,
        annotation_pattern=arguments.annotation_pattern,
    )


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--experiment", required=True, help="what is crossed, as JSON")
    parser.add_argument("--round-pattern", required=True, help="path of a round, ids in braces")
    parser.add_argument("--initial-pattern", required=True, help="path of round 0, ids in braces")
    parser.add_argument(
        "--dataset-pattern", required=True, help="path of a data set's manifest, ids in braces"
    )
    parser.add_argument(
        "--annotation-pattern", required=True, help="path of an annotator's record, ids in braces"
    )
    parser.add_argument("--table", required=True, type=Path, help="table of labels to write")
    parser.add_argument("--balance", required=True, type=Path, help="table of rounds to write")
    return run_job(list_bought, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
