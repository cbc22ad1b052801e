"""How the jobs that finish a campaign are told its labels and its backbone.

Apart from `_campaign_job`: jobs that hand batches out depend on nothing of this.
"""

import argparse
import json
from pathlib import Path

from labelbench_core.campaign.finishing.collected import CollectedLabels, read_collected
from labelbench_core.campaign.settings import Campaign


def add_labels_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of jobs that finish a campaign."""
    parser.add_argument("--labels", type=Path, required=True, help="record of all labels")
    parser.add_argument("--arrays", type=Path, required=True, help="its arrays")
    parser.add_argument(
        "--backbone", type=json.loads, required=True, help="the backbone's entry, as JSON"
    )


def labels_of(arguments: argparse.Namespace, campaign: Campaign) -> CollectedLabels:
    """All labels of a campaign that is finished, verified."""
    return read_collected(arguments.labels, arguments.arrays, campaign.campaign)
