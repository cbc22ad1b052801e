"""Draw an experiment's metric against what had been spent, in money."""

import argparse
import json
import sys
from pathlib import Path

from labelbench_core.analysis.collected.frames import read_csv
from labelbench_core.analysis.targets.money_curves import MONEY_CURVE_COLUMNS
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures.money import draw_money
from labelbench_core.figures.style import drawing, save
from workflow_scripts._job import job_parser, run_job


def plot(arguments: argparse.Namespace) -> None:
    """Write money as PNG, PDF and SVG."""
    experiment = Experiment.from_json(arguments.experiment)
    curves = read_csv(arguments.curves, MONEY_CURVE_COLUMNS)
    currency = json.loads(arguments.prices).get("currency", "")
    with drawing():
        save(draw_money(curves, experiment, currency), arguments.figures, "money")


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--experiment", required=True, help="what is crossed, as JSON")
    curves = "money_curves.csv of price_costs"
    parser.add_argument("--curves", required=True, type=Path, help=curves)
    parser.add_argument("--prices", required=True, help="prices that they were made with, as JSON")
    parser.add_argument("--figures", required=True, type=Path, help="folder to write figures to")
    return run_job(plot, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
