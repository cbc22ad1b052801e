"""Round 0: train the proxy on the initial pool and evaluate it; shared by all strategies."""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from labelbench_core.selection import rounds
from labelbench_core.storage import files, round_files
from labelbench_core.storage.records import read_with_digest
from workflow_scripts._job import job_parser, run_job
from workflow_scripts._round_data import add_data_arguments, checkpoint_of, open_data


def train_initial(arguments: argparse.Namespace) -> None:
    settings = json.loads(arguments.settings)
    data = open_data(arguments, settings)
    drawn, digest = read_with_digest(
        arguments.initial,
        "initial pool",
        {
            "dataset": settings["dataset"],
            "schedule": settings["schedule"]["id"],
            "seed": settings["seed"],
            "dataset_fingerprint": data.dataset_fingerprint,
            "annotator": data.labeled_by.get("annotator"),
            "annotations_sha256": data.labeled_by.get("annotations_sha256"),
        },
    )
    labeled = np.array(drawn["labeled"], np.int64)
    pool_size = len(data.said)
    round_files.check_labeled(arguments.initial, labeled, len(labeled), pool_size)
    with files.exclusive(arguments.record):
        result = rounds.initial_round(
            data, settings, labeled, arguments.threads, made_from={"record_sha256": digest}
        )
        round_files.write_round(arguments.record, arguments.arrays, result)
        files.remove(checkpoint_of(arguments))


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    add_data_arguments(parser)
    parser.add_argument("--initial", type=Path, required=True, help="initial pool")
    parser.add_argument(
        "--settings", required=True, help="ids and the catalogue's entries, as JSON"
    )
    parser.add_argument("--record", type=Path, required=True, help="round-0.json to write")
    parser.add_argument("--arrays", type=Path, required=True, help="round-0.npz to write")
    return run_job(train_initial, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
