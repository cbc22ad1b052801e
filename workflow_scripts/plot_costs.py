"""Draw what each stage of an experiment cost."""

import argparse
import sys
from pathlib import Path

from labelbench_core.analysis.collected.costs import COST_COLUMNS
from labelbench_core.analysis.collected.frames import read_csv
from labelbench_core.figures.costs import draw_costs
from labelbench_core.figures.style import drawing, save
from workflow_scripts._job import job_parser, run_job


def plot(arguments: argparse.Namespace) -> None:
    """Write costs as PNG, PDF and SVG."""
    costs = read_csv(arguments.costs, COST_COLUMNS)
    with drawing():
        save(draw_costs(costs), arguments.figures, "costs")


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--costs", required=True, type=Path, help="costs.csv of collect_costs")
    parser.add_argument("--figures", required=True, type=Path, help="folder to write figures to")
    return run_job(plot, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
