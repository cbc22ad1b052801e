"""Draw accuracy by group, and its difference to the baseline."""

import argparse
import sys
from pathlib import Path

from labelbench_core.analysis.classes import GROUP_COLUMNS
from labelbench_core.analysis.collected.frames import SETTING, read_csv
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures.classes import draw_groups
from labelbench_core.figures.style import drawing, save
from workflow_scripts._job import job_parser, run_job


def plot(arguments: argparse.Namespace) -> None:
    """Write groups as PNG, PDF and SVG."""
    experiment = Experiment.from_json(arguments.experiment)
    table = read_csv(arguments.groups, [*SETTING, "split", *GROUP_COLUMNS])
    with drawing():
        save(draw_groups(table, experiment), arguments.figures, "groups")


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--experiment", required=True, help="what is crossed, as JSON")
    parser.add_argument("--groups", required=True, type=Path, help="groups.csv of tabulate")
    parser.add_argument("--figures", required=True, type=Path, help="folder to write figures to")
    return run_job(plot, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
