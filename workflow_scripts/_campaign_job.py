"""How the jobs of a campaign are told which it is, and where its pool is."""

import argparse
import json
from pathlib import Path

from labelbench_core.campaign.pool import CampaignPool, open_pool
from labelbench_core.campaign.settings import Campaign
from workflow_scripts._job import job_parser


def campaign_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with the options that all jobs of a campaign share."""
    parser = job_parser(description)
    parser.add_argument("--dataset", type=Path, required=True, help="manifest of the pool")
    parser.add_argument("--embeddings", type=Path, required=True, help="manifest of the embeddings")
    parser.add_argument("--settings", required=True, help="the campaign, as JSON")
    return parser


def opened(arguments: argparse.Namespace) -> tuple[Campaign, CampaignPool]:
    """The campaign and its pool, verified."""
    campaign = Campaign.from_mapping(json.loads(arguments.settings))
    pool = open_pool(arguments.dataset, arguments.embeddings, campaign.pool, campaign.backbone)
    return campaign, pool
