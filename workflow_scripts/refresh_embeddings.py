"""Embed every image of a prepared data set with a backbone as it was fine-tuned."""

import argparse
import sys
from pathlib import Path

from workflow_scripts._job import run_job
from workflow_scripts.extract_embeddings import embedding_parser, extract


def refresh(arguments: argparse.Namespace) -> None:
    """As `extract_embeddings`, with the weights of a fine-tuning."""
    from labelbench_core.backbones.finetuned import with_weights

    extract(arguments, lambda backbone: with_weights(backbone, arguments.weights))


def main(argv: list[str] | None = None) -> int:
    """Run the job; its exit status."""
    parser = embedding_parser(__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="model.safetensors")
    return run_job(refresh, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
