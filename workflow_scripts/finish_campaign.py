"""Finish a campaign: the data set, predictions with probabilities, rows to look at, the model."""

import argparse
import sys
from pathlib import Path

from labelbench_core.campaign.finishing.fine_tuned import FineTunedFiles
from labelbench_core.campaign.finishing.finish import FinishedFiles, finish
from labelbench_core.provenance import installed
from labelbench_core.storage.records import read_record
from workflow_scripts._campaign_job import campaign_parser, opened
from workflow_scripts._commit import commit
from workflow_scripts._finishing_job import add_labels_arguments, labels_of
from workflow_scripts._job import run_job

PACKAGES = ("numpy", "scikit-learn", "scipy", "torch", "cleanlab")


def finish_campaign(arguments: argparse.Namespace) -> None:
    campaign, pool = opened(arguments)
    collected = labels_of(arguments, campaign)
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
        arguments.backbone,
        pool,
        collected,
        fine_tuned,
        written,
        embedded=read_record(arguments.embeddings, "embeddings"),
        made_with={"commit": commit(), "code": arguments.code, **installed(PACKAGES)},
        threads=arguments.threads,
    )


def main(argv: list[str] | None = None) -> int:
    parser = campaign_parser(__doc__)
    add_labels_arguments(parser)
    fine_tuned = "record, history, weights and predictions of a fine-tuning; none: the proxy"
    parser.add_argument("--fine-tuned", type=Path, nargs="*", default=[], help=fine_tuned)
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
