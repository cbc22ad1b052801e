"""Embed every image of a prepared data set with a frozen backbone."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labelbench_core import registry
from labelbench_core.datasets import open_dataset
from labelbench_core.storage import files
from labelbench_core.storage.job_settings import JobSettings
from workflow_scripts._job import job_parser, run_job


def extract(
    arguments: argparse.Namespace,
    change: Callable[[Any, dict[str, Any], str], Any] = lambda backbone, settings, of: backbone,
) -> None:
    """Embed the data set with the backbone that the settings name, after a `change` to it.

    `change` is called with the backbone, the settings and the data set's fingerprint.
    """
    from labelbench_core.embeddings.extract import extract_embeddings

    settings = json.loads(arguments.settings)
    ids, entries = JobSettings.of(settings)
    dataset = open_dataset(arguments.dataset.parent, ids["dataset"])
    with files.exclusive(arguments.arrays):
        backbone = registry.build("backbones", entries["backbone"])
        extract_embeddings(
            dataset,
            change(backbone, settings, dataset.manifest["fingerprint"]),
            ids["backbone"],
            arguments.arrays,
            arguments.manifest,
            code=arguments.code,
            threads=arguments.threads,
        )


def embedding_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with the options that `extract` needs."""
    parser = job_parser(description)
    parser.add_argument("--dataset", type=Path, required=True, help="manifest of the data set")
    parser.add_argument("--settings", required=True, help="the backbone's entry, as JSON")
    parser.add_argument(
        "--code", default="", help="hash of the code; partial results of other code are discarded"
    )
    parser.add_argument("--arrays", type=Path, required=True, help="folder to write arrays to")
    parser.add_argument("--manifest", type=Path, required=True, help="manifest to write, last")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the job; its exit status."""
    return run_job(extract, embedding_parser(__doc__).parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
