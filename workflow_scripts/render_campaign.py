"""Render the page of a labelling campaign: accuracy so far, what may come, and what to look at."""

import argparse
import sys
from pathlib import Path

from labelbench_core.campaign.standing.whole import standing_of
from labelbench_core.campaign.standing_page.page import page
from labelbench_core.campaign.state import read_state
from labelbench_core.storage import files
from workflow_scripts._campaign_job import campaign_parser, opened
from workflow_scripts._job import run_job


def render(arguments: argparse.Namespace) -> None:
    campaign, pool = opened(arguments)
    state, _ = read_state(campaign, pool)
    standing = standing_of(state, pool, arguments.threads)
    with files.atomic_path(arguments.page) as aside:
        aside.write_text(page(standing, pool, arguments.threads), encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    parser = campaign_parser(__doc__)
    parser.add_argument("--page", type=Path, required=True, help="page to write")
    return run_job(render, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
