"""Draw curves, differences to the baseline and label savings by a further metric."""

import argparse
import sys
from pathlib import Path

from labelbench_core.analysis.collected.curves import SUMMARY_COLUMNS
from labelbench_core.analysis.collected.frames import SETTING, read_csv
from labelbench_core.analysis.savings.label_savings import SAVING_COLUMNS
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures.label_efficiency import draw_curves, draw_differences
from labelbench_core.figures.label_savings import draw_savings
from labelbench_core.figures.style import drawing, save
from labelbench_core.stages.report_files import FIGURES_OF, PLOT_METRIC
from workflow_scripts._job import job_parser, run_job


def plot(arguments: argparse.Namespace) -> None:
    """Write the figures of `FIGURES_OF` as PNG, PDF and SVG."""
    experiment = Experiment.from_json(arguments.experiment).by(arguments.metric)
    curves = read_csv(arguments.curves, [*SETTING, *SUMMARY_COLUMNS])
    comparisons = read_csv(arguments.comparisons, [*SETTING, "difference", "low", "high", "p_holm"])
    savings = read_csv(arguments.savings, [*SETTING, *SAVING_COLUMNS])
    names = [name.format(metric=arguments.metric) for name in FIGURES_OF[PLOT_METRIC]]
    tables = (curves, comparisons, savings)
    with drawing():
        for name, draw, table in zip(
            names, (draw_curves, draw_differences, draw_savings), tables, strict=True
        ):
            save(draw(table, experiment), arguments.figures, name)


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--experiment", required=True, help="what is crossed, as JSON")
    parser.add_argument("--metric", required=True, help="the further metric to draw")
    parser.add_argument("--curves", required=True, type=Path, help="curves.csv of tabulate")
    parser.add_argument(
        "--comparisons", required=True, type=Path, help="comparisons.csv of tabulate"
    )
    parser.add_argument("--savings", required=True, type=Path, help="savings.csv of tabulate")
    parser.add_argument("--figures", required=True, type=Path, help="folder to write figures to")
    return run_job(plot, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
