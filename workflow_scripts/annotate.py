"""Write down what an annotator says of every row of a pool, and how often it is wrong."""

import argparse
import json
import sys
from pathlib import Path

from labelbench_core.annotators import annotating
from labelbench_core.datasets import data_directory, open_dataset
from labelbench_core.storage import files
from labelbench_core.storage.job_settings import JobSettings
from workflow_scripts._job import job_parser, run_job


def annotate(arguments: argparse.Namespace) -> None:
    """Write the labels and their record."""
    ids, entries = JobSettings.of(json.loads(arguments.settings))
    dataset = open_dataset(arguments.dataset.parent, ids["dataset"])
    with files.exclusive(arguments.record):
        annotating.annotate_pool(
            dataset, entries["annotator"], data_directory(), arguments.record, arguments.arrays
        )


def main(argv: list[str] | None = None) -> int:
    """Run the job; its exit status."""
    parser = job_parser(__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="manifest of the data set")
    parser.add_argument(
        "--settings", required=True, help="data set's id and annotator's entry, as JSON"
    )
    parser.add_argument("--record", type=Path, required=True, help="record.json to write")
    parser.add_argument("--arrays", type=Path, required=True, help="labels.npz to write")
    return run_job(annotate, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
