"""Fine-tune the backbone on all labels of a campaign, and predict its pool."""

import argparse
import json
import sys
from pathlib import Path

from labelbench_core.campaign.finishing.collected import read_collected
from labelbench_core.campaign.finishing.final_proxy import final_proxy
from labelbench_core.campaign.finishing.fine_tuned import FineTunedFiles, finetune_campaign
from labelbench_core.campaign.pool import open_pool
from labelbench_core.campaign.settings import Campaign
from labelbench_core.storage import files
from workflow_scripts._job import job_parser, run_job


def finetune(arguments: argparse.Namespace) -> None:
    campaign = Campaign.from_mapping(json.loads(arguments.settings))
    collected = read_collected(arguments.labels, arguments.arrays, campaign.campaign)
    pool = open_pool(arguments.dataset, arguments.embeddings, campaign.pool, campaign.backbone)
    written = FineTunedFiles(arguments.record, arguments.history, arguments.weights, arguments.pool)
    # A killed process may still run: only one writes the checkpoint.
    with files.exclusive(arguments.record):
        finetune_campaign(
            campaign,
            json.loads(arguments.backbone),
            pool.dataset,
            collected,
            written,
            lambda: final_proxy(campaign, pool, collected, arguments.threads),
            arguments.threads,
        )


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="manifest of the pool")
    parser.add_argument("--embeddings", type=Path, required=True, help="manifest of the embeddings")
    parser.add_argument("--labels", type=Path, required=True, help="record of all labels")
    parser.add_argument("--arrays", type=Path, required=True, help="its arrays")
    parser.add_argument("--settings", required=True, help="the campaign, as JSON")
    parser.add_argument("--backbone", required=True, help="the backbone's entry, as JSON")
    parser.add_argument("--record", type=Path, required=True, help="record to write")
    parser.add_argument("--history", type=Path, required=True, help="history.csv to write")
    parser.add_argument("--weights", type=Path, required=True, help="model.safetensors to write")
    parser.add_argument("--pool", type=Path, required=True, help="pool.npy to write")
    return run_job(finetune, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
