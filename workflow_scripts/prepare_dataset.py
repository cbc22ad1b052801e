"""Read a data set from its source, check it, and write it as arrays with a manifest."""

import argparse
import json
import sys
from pathlib import Path

from labelbench_core import registry
from labelbench_core.datasets import BOTH, data_directory
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.datasets.rows.needed_rows import NeededRows
from labelbench_core.storage import files
from labelbench_core.storage.job_settings import JobSettings
from workflow_scripts._job import job_parser, run_job


def prepare(arguments: argparse.Namespace) -> None:
    """Prepare the data set that the settings name."""
    dataset = JobSettings.of(json.loads(arguments.settings)).entries["dataset"]
    with files.exclusive(arguments.arrays):
        prepare_dataset(
            dataset["id"],
            dataset["implementation"],
            registry.options_of(dataset),
            data_directory(),
            arguments.arrays,
            arguments.manifest,
            dataset.get("pool_size"),
            arguments.state,
            duplicates=dataset.get("duplicates", "warn"),
            near_duplicates=dataset.get("near_duplicates"),
            merge_classes=dataset.get("merge_classes"),
            long_tail=dataset.get("long_tail"),
            near_copies=dataset.get("near_copies"),
            weights_for=dataset.get("weights_for", BOTH),
            needed=[NeededRows(*one) for one in json.loads(arguments.needed)],
            threads=arguments.threads,
        )


def main(argv: list[str] | None = None) -> int:
    """Run the job; its exit status."""
    parser = job_parser(__doc__)
    parser.add_argument("--settings", required=True, help="the data set's entry, as JSON")
    parser.add_argument("--arrays", type=Path, required=True, help="folder to write arrays to")
    parser.add_argument("--manifest", type=Path, required=True, help="manifest to write, last")
    parser.add_argument("--needed", default="[]", help="rows that the experiment needs, as JSON")
    parser.add_argument("--state", type=Path, help="folder to remember hashes of files in")
    return run_job(prepare, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
