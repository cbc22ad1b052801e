"""Embed every image of a prepared data set with a fine-tuned backbone."""

import argparse
import sys
from pathlib import Path
from typing import Any

from labelbench_core.storage.job_settings import JobSettings
from labelbench_core.storage.records import ROUND
from workflow_scripts._job import run_job
from workflow_scripts.extract_embeddings import embedding_parser, extract


def refresh(arguments: argparse.Namespace) -> None:
    """As `extract_embeddings`, with the weights of a fine-tuning."""
    from labelbench_core.embeddings.refreshed import with_weights

    def fine_tuned(backbone: Any, settings: dict[str, Any], dataset_fingerprint: str) -> Any:
        named = JobSettings.of(settings).ids
        ids = {key: named[key] for key in (*ROUND, "trainer")}
        ids["dataset_fingerprint"] = dataset_fingerprint
        ids["annotator"] = named.get("annotator")
        return with_weights(backbone, arguments.weights, arguments.metrics, ids)

    extract(arguments, fine_tuned)


def main(argv: list[str] | None = None) -> int:
    """Run the job; its exit status."""
    parser = embedding_parser(__doc__)
    parser.add_argument(
        "--weights", type=Path, required=True, help="model.safetensors of finetune_model"
    )
    parser.add_argument(
        "--metrics", type=Path, required=True, help="metrics.json of finetune_model"
    )
    return run_job(refresh, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
