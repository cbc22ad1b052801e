"""Embed random views of a prepared data set's pool with a frozen backbone."""

import argparse
import json
import sys
from pathlib import Path

from labelbench_core import registry
from labelbench_core.datasets import open_dataset
from labelbench_core.storage import files
from labelbench_core.storage.job_settings import JobSettings
from workflow_scripts._job import job_parser, run_job


def extract(arguments: argparse.Namespace) -> None:
    """Embed the pool's views with the backbone and the augmentation that the settings name."""
    from labelbench_core.embeddings.augmented import extract_views

    settings = json.loads(arguments.settings)
    ids, entries = JobSettings.of(settings)
    dataset = open_dataset(arguments.dataset.parent, ids["dataset"])
    with files.exclusive(arguments.arrays):
        backbone = registry.build("backbones", entries["backbone"])
        extract_views(
            dataset,
            backbone,
            ids["backbone"],
            settings["augmentation"],
            arguments.arrays,
            arguments.manifest,
            code=arguments.code,
            threads=arguments.threads,
        )


def main(argv: list[str] | None = None) -> int:
    """Run the job; its exit status."""
    parser = job_parser(__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="manifest of the data set")
    parser.add_argument(
        "--settings", required=True, help="entries of backbone and augmentation, as JSON"
    )
    parser.add_argument(
        "--code", default="", help="hash of the code; partial results of other code are discarded"
    )
    parser.add_argument("--arrays", type=Path, required=True, help="folder to write arrays to")
    parser.add_argument("--manifest", type=Path, required=True, help="manifest to write, last")
    return run_job(extract, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
