"""Draw the critical-difference diagram: mean ranks over data sets."""

import argparse
import sys
from pathlib import Path

from labelbench_core.analysis.collected.frames import read_csv
from labelbench_core.analysis.ranks.across import ACROSS_COLUMNS
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures.critical_difference import draw_critical_difference
from labelbench_core.figures.style import drawing, save
from workflow_scripts._job import job_parser, run_job


def plot(arguments: argparse.Namespace) -> None:
    """Write critical_difference as PNG, PDF and SVG."""
    experiment = Experiment.from_json(arguments.experiment)
    table = read_csv(arguments.across, ACROSS_COLUMNS)
    with drawing():
        save(draw_critical_difference(table, experiment), arguments.figures, "critical_difference")


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--experiment", required=True, help="what is crossed, as JSON")
    parser.add_argument("--across", required=True, type=Path, help="across.csv of tabulate")
    parser.add_argument("--figures", required=True, type=Path, help="folder to write figures to")
    return run_job(plot, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
