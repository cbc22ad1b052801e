"""Draw the panels that an experiment lays out, with published curves beneath."""

import argparse
import sys
from pathlib import Path

from labelbench_core.analysis.collected.frames import CURVE_COLUMNS, FINETUNED_COLUMNS, read_csv
from labelbench_core.analysis.published.panels import panel_curves
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures.panels import draw_panels
from labelbench_core.figures.style import drawing, save
from workflow_scripts._job import job_parser, run_job


def plot(arguments: argparse.Namespace) -> None:
    """Write panels as PNG, PDF and SVG."""
    experiment = Experiment.from_json(arguments.experiment)
    rounds = read_csv(arguments.metrics, CURVE_COLUMNS)
    finetuned = read_csv(arguments.finetuned, FINETUNED_COLUMNS)
    curves = [
        list(panel_curves(panel, place, rounds, finetuned))
        for place, panel in enumerate(experiment.panels)
    ]
    with drawing():
        save(draw_panels(experiment, curves), arguments.figures, "panels")


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--experiment", required=True, help="what is crossed, as JSON")
    parser.add_argument("--metrics", required=True, type=Path, help="metrics.csv of collect_curves")
    parser.add_argument(
        "--finetuned", required=True, type=Path, help="finetuned.csv of collect_curves"
    )
    parser.add_argument("--figures", required=True, type=Path, help="folder to write figures to")
    return run_job(plot, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
