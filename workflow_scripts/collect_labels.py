"""Take in the answers to a campaign's batches, and write all labels that it has; no new batch."""

import argparse
import sys
from pathlib import Path

from labelbench_core.campaign.calls import advance
from labelbench_core.campaign.finishing.collected import write_collected
from workflow_scripts._campaign_job import campaign_parser, opened
from workflow_scripts._job import run_job


def collect(arguments: argparse.Namespace) -> None:
    campaign, pool = opened(arguments)
    done = advance(campaign, pool, arguments.answers, hands_out=False, threads=arguments.threads)
    write_collected(done.state, pool, arguments.labels, arguments.arrays, arguments.table)


def main(argv: list[str] | None = None) -> int:
    parser = campaign_parser(__doc__)
    parser.add_argument("--answers", type=Path, nargs="*", default=[], help="files of answers")
    parser.add_argument("--labels", type=Path, required=True, help="record of all labels to write")
    parser.add_argument("--arrays", type=Path, required=True, help="its arrays to write")
    parser.add_argument("--table", type=Path, required=True, help="labels.csv to write")
    return run_job(collect, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
