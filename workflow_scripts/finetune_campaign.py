"""Fine-tune the backbone on all labels of a campaign, and predict its pool."""

import argparse
import sys
from pathlib import Path

from labelbench_core.campaign.finishing.final_proxy import final_proxy
from labelbench_core.campaign.finishing.fine_tuned import FineTunedFiles, finetune_campaign
from labelbench_core.storage import files
from workflow_scripts._campaign_job import campaign_parser, opened
from workflow_scripts._finishing_job import add_labels_arguments, labels_of
from workflow_scripts._job import run_job


def finetune(arguments: argparse.Namespace) -> None:
    campaign, pool = opened(arguments)
    collected = labels_of(arguments, campaign)
    written = FineTunedFiles(arguments.record, arguments.history, arguments.weights, arguments.pool)
    # A killed process may still run: only one writes the checkpoint.
    with files.exclusive(arguments.record):
        finetune_campaign(
            campaign,
            arguments.backbone,
            pool.dataset,
            collected,
            written,
            lambda: final_proxy(campaign, pool, collected, arguments.threads),
            arguments.threads,
        )


def main(argv: list[str] | None = None) -> int:
    parser = campaign_parser(__doc__)
    add_labels_arguments(parser)
    parser.add_argument("--record", type=Path, required=True, help="record to write")
    parser.add_argument("--history", type=Path, required=True, help="history.csv to write")
    parser.add_argument("--weights", type=Path, required=True, help="model.safetensors to write")
    parser.add_argument("--pool", type=Path, required=True, help="pool.npy to write")
    return run_job(finetune, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
