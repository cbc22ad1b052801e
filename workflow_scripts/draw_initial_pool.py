"""Draw the first labelled set of a data set, schedule and seed."""

import argparse
import json
import sys
from pathlib import Path

from labelbench_core.annotators.annotations import open_annotations
from labelbench_core.datasets import open_dataset
from labelbench_core.datasets.rows.identity import pool_sha256
from labelbench_core.seeds import rng_for
from labelbench_core.selection import initial_pool, recorded
from labelbench_core.storage import files
from labelbench_core.storage.records import write_record
from workflow_scripts._annotations import add_annotations_argument
from workflow_scripts._job import job_parser, run_job


def draw_initial_pool(arguments: argparse.Namespace) -> None:
    settings = json.loads(arguments.settings)
    schedule = settings["schedule"]
    names = (settings["dataset"], schedule["id"], settings["seed"])
    dataset = open_dataset(arguments.dataset.parent, settings["dataset"])
    annotations = open_annotations(settings, dataset, arguments.annotations)
    labels = dataset.labels("pool") if annotations is None else annotations.labels
    how = schedule.get("draw", "uniform")
    if how == "recorded":
        pool = dataset.manifest["splits"]["pool"]
        labeled = recorded.first_rows(schedule, settings, len(labels), pool_sha256(pool))
    else:
        rng = rng_for("initial-pool", *names)
        labeled = initial_pool.draw(labels, schedule["initial"], how, rng)
    with files.exclusive(arguments.output):
        write_record(
            arguments.output,
            "initial pool",
            {
                "dataset": settings["dataset"],
                "dataset_fingerprint": dataset.manifest["fingerprint"],
                **({} if annotations is None else annotations.ids),
                "schedule": schedule["id"],
                "seed": settings["seed"],
                "labeled": labeled,
            },
        )


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="manifest of the data set")
    add_annotations_argument(parser)
    help_settings = "dataset, annotator, schedule and seed, as JSON"
    parser.add_argument("--settings", required=True, help=help_settings)
    parser.add_argument("--output", type=Path, required=True, help="initial pool to write")
    return run_job(draw_initial_pool, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
