"""Draw the share of the headroom that every strategy takes."""

import argparse
import sys
from pathlib import Path

from labelbench_core.analysis.collected.frames import SETTING, read_csv
from labelbench_core.analysis.headroom import HEADROOM_COLUMNS
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures.headroom import draw_headroom
from labelbench_core.figures.style import drawing, save
from workflow_scripts._job import job_parser, run_job


def plot(arguments: argparse.Namespace) -> None:
    """Write headroom as PNG, PDF and SVG."""
    experiment = Experiment.from_json(arguments.experiment)
    table = read_csv(arguments.headroom, [*SETTING, *HEADROOM_COLUMNS])
    with drawing():
        save(draw_headroom(table, experiment), arguments.figures, "headroom")


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--experiment", required=True, help="what is crossed, as JSON")
    parser.add_argument("--headroom", required=True, type=Path, help="headroom.csv of tabulate")
    parser.add_argument("--figures", required=True, type=Path, help="folder to write figures to")
    return run_job(plot, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
