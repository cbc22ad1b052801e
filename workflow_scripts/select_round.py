"""One round: select with the previous round's proxy, buy the labels, train, evaluate."""

import argparse
import json
import sys
from pathlib import Path

from labelbench_core.selection import rounds
from labelbench_core.selection.data import expected_before
from labelbench_core.storage import files, round_files
from workflow_scripts._job import job_parser, run_job
from workflow_scripts._round_data import add_data_arguments, checkpoint_of, open_data


def select_round(arguments: argparse.Namespace) -> None:
    settings = json.loads(arguments.settings)
    data = open_data(arguments, settings)
    previous = round_files.read_round(
        arguments.previous_record,
        arguments.previous_arrays,
        expected_before(data, settings, settings["round"]),
    )
    with files.exclusive(arguments.record):
        result = rounds.next_round(data, settings, previous, arguments.threads)
        round_files.write_round(arguments.record, arguments.arrays, result)
        files.remove(checkpoint_of(arguments))


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    add_data_arguments(parser)
    parser.add_argument(
        "--previous-record", type=Path, required=True, help="record of the round before"
    )
    parser.add_argument(
        "--previous-arrays", type=Path, required=True, help="arrays of the round before"
    )
    parser.add_argument(
        "--settings", required=True, help="ids and the catalogue's entries, as JSON"
    )
    parser.add_argument("--record", type=Path, required=True, help="round-N.json to write")
    parser.add_argument("--arrays", type=Path, required=True, help="round-N.npz to write")
    return run_job(select_round, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
