"""Render the page of a labelling campaign: accuracy so far, what may come, and what to look at."""

import argparse
import json
import sys
from pathlib import Path

from labelbench_core.campaign.pool import open_pool
from labelbench_core.campaign.settings import Campaign
from labelbench_core.campaign.standing.whole import standing_of
from labelbench_core.campaign.standing_page.page import page
from labelbench_core.campaign.state import read_state
from labelbench_core.storage import files
from workflow_scripts._job import job_parser, run_job


def render(arguments: argparse.Namespace) -> None:
    campaign = Campaign.from_mapping(json.loads(arguments.settings))
    pool = open_pool(arguments.dataset, arguments.embeddings, campaign.pool, campaign.backbone)
    state, _ = read_state(campaign, pool)
    standing = standing_of(state, pool, arguments.threads)
    with files.atomic_path(arguments.page) as aside:
        aside.write_text(page(standing, pool, arguments.threads), encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="manifest of the pool")
    parser.add_argument("--embeddings", type=Path, required=True, help="manifest of the embeddings")
    parser.add_argument("--settings", required=True, help="the campaign, as JSON")
    parser.add_argument("--page", type=Path, required=True, help="page to write")
    return run_job(render, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
