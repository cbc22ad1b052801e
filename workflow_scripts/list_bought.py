"""List and show what was bought, by which strategy and when, and how balanced classes are."""

import argparse
import sys
from pathlib import Path

from labelbench_core.analysis.collected.bought import write_bought
from labelbench_core.analysis.collected.shown_batches import shown_batches
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.report.contact_sheets import contact_sheets
from labelbench_core.storage.files import atomic_path
from workflow_scripts._job import job_parser, run_job


def list_bought(arguments: argparse.Namespace) -> None:
    """Read rounds, data sets and annotations; write both tables and the page."""
    experiment = Experiment.from_json(arguments.experiment)
    patterns = {
        f"{name}_pattern": getattr(arguments, f"{name}_pattern")
        for name in ("round", "initial", "dataset", "annotation")
    }
    write_bought(arguments.table, arguments.balance, experiment, **patterns)
    sheets = shown_batches(experiment, **patterns, threads=arguments.threads)
    with atomic_path(arguments.sheets) as aside:
        aside.write_text(contact_sheets(experiment.experiment, sheets), encoding="utf-8")


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
    parser.add_argument("--sheets", required=True, type=Path, help="page with rows to write")
    return run_job(list_bought, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
