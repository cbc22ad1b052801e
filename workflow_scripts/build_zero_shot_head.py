"""Make a classifier of the class names by a backbone's text tower."""

import argparse
import json
import sys
from pathlib import Path

from labelbench_core.storage import files
from labelbench_core.storage.job_settings import JobSettings
from workflow_scripts._job import job_parser, run_job


def build(arguments: argparse.Namespace) -> None:
    """Write the classifier."""
    from labelbench_core.backbones.zero_shot import build_zero_shot_head
    from labelbench_core.datasets import open_dataset
    from labelbench_core.storage.zero_shot_file import write_head

    ids, entries = JobSettings.of(arguments.settings)
    dataset = open_dataset(arguments.dataset.parent, ids["dataset"])
    with files.exclusive(arguments.output):
        head = build_zero_shot_head(entries["backbone"], dataset.class_names, ids["prompts"])
        made_for = {
            "dataset": ids["dataset"],
            "dataset_fingerprint": dataset.manifest["fingerprint"],
            "backbone": ids["backbone"],
        }
        write_head(arguments.output, head, made_for)


def main(argv: list[str] | None = None) -> int:
    """Parse arguments and run; the exit status."""
    parser = job_parser(__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="manifest of the data set")
    parser.add_argument("--settings", type=json.loads, required=True, help="entries, as JSON")
    parser.add_argument("--output", type=Path, required=True, help="head.npz to write")
    return run_job(build, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
