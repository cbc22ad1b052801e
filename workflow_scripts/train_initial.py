"""Round 0: train the proxy on the initial pool and evaluate it; shared by all strategies."""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from labelbench_core import files, rounds
from workflow_scripts._job import job_parser, run_job


def train_initial(arguments: argparse.Namespace) -> None:
    labeled = np.array(files.read_json(arguments.initial)["labeled"], np.int64)
    data = rounds.open_round_data(arguments.dataset, arguments.embeddings)
    with files.exclusive(arguments.record):
        result = rounds.initial_round(
            data, json.loads(arguments.settings), labeled, arguments.threads
        )
        files.write_npz(arguments.arrays, **result.arrays)
        files.write_json(arguments.record, result.record)


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="manifest of the data set")
    parser.add_argument("--embeddings", type=Path, required=True, help="their manifest")
    parser.add_argument("--initial", type=Path, required=True, help="the initial pool")
    parser.add_argument("--settings", required=True, help="JSON: ids and the proxy's entry")
    parser.add_argument("--record", type=Path, required=True, help="output: round-0.json")
    parser.add_argument("--arrays", type=Path, required=True, help="output: round-0.npz")
    return run_job(train_initial, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
