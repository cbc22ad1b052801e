"""Finish a campaign: the data set, predictions with probabilities, rows to look at, the model."""

import argparse
import json
import sys
from pathlib import Path

from labelbench_core.campaign.finishing.collected import read_collected
from labelbench_core.campaign.finishing.fine_tuned import FineTunedFiles
from labelbench_core.campaign.finishing.finish import FinishedFiles, finish
from labelbench_core.campaign.pool import open_pool
from labelbench_core.campaign.settings import Campaign
from labelbench_core.storage.records import read_record
from workflow_scripts._commit import commit
from workflow_scripts._job import job_parser, run_job
from workflow_scripts._versions import versions_of

PACKAGES = ("numpy", "scikit-learn", "scipy", "torch", "cleanlab")


def finish_campaign(arguments: argparse.Namespace) -> None:
    campaign = Campaign.from_mapping(json.loads(arguments.settings))
    collected = read_collected(arguments.labels, arguments.arrays, campaign.campaign)
    pool = open_pool(arguments.dataset, arguments.embeddings, campaign.pool, campaign.backbone)
    fine_tuned = None
    if arguments.fine_tuned:
        fine_tuned = FineTunedFiles(*arguments.fine_tuned)
    written = FinishedFiles(
        data_set=arguments.data_set,
        predictions=arguments.predictions,
        to_check=arguments.to_check,
        probabilities=arguments.probabilities,
        model=arguments.model,
        summary=arguments.summary,
    )
    finish(
        campaign,
        json.loads(arguments.backbone),
        pool,
        collected,
        fine_tuned,
        written,
        embedded=read_record(arguments.embeddings, "embeddings"),
        made_with={"commit": commit(), "code": arguments.code, **versions_of(PACKAGES)},
        threads=arguments.threads,
    )


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="manifest of the pool")
    parser.add_argument("--embeddings", type=Path, required=True, help="manifest of the embeddings")
    parser.add_argument("--labels", type=Path, required=True, help="record of all labels")
    parser.add_argument("--arrays", type=Path, required=True, help="its arrays")
    fine_tuned = "record, history, weights and predictions of a fine-tuning; none: the proxy"
    parser.add_argument("--fine-tuned", type=Path, nargs="*", default=[], help=fine_tuned)
    parser.add_argument("--settings", required=True, help="the campaign, as JSON")
    parser.add_argument("--backbone", required=True, help="the backbone's entry, as JSON")
    parser.add_argument("--code", default="", help="hash of the code, for the model's record")
    parser.add_argument("--data-set", type=Path, required=True, help="dataset.csv to write")
    parser.add_argument("--predictions", type=Path, required=True, help="table to write")
    parser.add_argument("--to-check", type=Path, required=True, help="table to write")
    parser.add_argument("--probabilities", type=Path, required=True, help=".npy file to write")
    parser.add_argument("--model", type=Path, required=True, help="folder to write")
    parser.add_argument("--summary", type=Path, required=True, help="record to write")
    return run_job(finish_campaign, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
