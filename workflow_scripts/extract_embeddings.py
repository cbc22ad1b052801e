"""Embed every image of a prepared data set with a frozen backbone."""

import argparse
import json
import sys
from pathlib import Path

from labelbench_core import files, registry
from labelbench_core.datasets import open_dataset
from workflow_scripts._job import job_parser, run_job


def extract(arguments: argparse.Namespace) -> None:
    """Embed the data set with the backbone that the settings name."""
    from labelbench_core.embeddings.extract import extract_embeddings

    settings = json.loads(arguments.settings)
    dataset = open_dataset(arguments.dataset)
    with files.exclusive(arguments.arrays):
        backbone = registry.load("backbones", settings["source"]).build(
            **settings.get("options", {})
        )
        extract_embeddings(
            dataset,
            backbone,
            settings["backbone"],
            arguments.arrays,
            arguments.manifest,
            threads=arguments.threads,
            precision=settings.get("precision", "auto"),
            batch_size=settings.get("batch_size"),
        )


def main(argv: list[str] | None = None) -> int:
    """Run the job; its exit status."""
    parser = job_parser(__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="folder of a prepared data set")
    parser.add_argument("--settings", required=True, help="JSON: backbone, source, options")
    parser.add_argument("--arrays", type=Path, required=True, help="folder to write arrays to")
    parser.add_argument("--manifest", type=Path, required=True, help="file to write, last")
    return run_job(extract, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
