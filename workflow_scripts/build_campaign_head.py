"""Make a classifier of a campaign's class names by a backbone's text tower."""

import argparse
import json
import sys
from pathlib import Path

from labelbench_core.storage import files
from workflow_scripts._job import job_parser, run_job


def build(arguments: argparse.Namespace) -> None:
    """Write the classifier."""
    from labelbench_core.backbones.zero_shot import build_zero_shot_head
    from labelbench_core.campaign.zero_shot import made_for
    from labelbench_core.storage.zero_shot_file import write_head

    asked = arguments.settings
    with files.exclusive(arguments.output):
        head = build_zero_shot_head(asked["backbone"], asked["classes"], asked["prompts"])
        write_head(arguments.output, head, made_for(asked["backbone"]["id"], asked["classes"]))


def main(argv: list[str] | None = None) -> int:
    """Parse arguments and run; the exit status."""
    parser = job_parser(__doc__)
    parser.add_argument(
        "--settings", type=json.loads, required=True, help="backbone, classes and prompts, as JSON"
    )
    parser.add_argument("--output", type=Path, required=True, help="file to write")
    return run_job(build, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
