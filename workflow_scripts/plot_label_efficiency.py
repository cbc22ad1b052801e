"""Draw the metric and its difference to the baseline by labels, wins, classes, class balance."""

import argparse
import sys
from pathlib import Path

from labelbench_core.analysis.classes import CLASS_COLUMNS
from labelbench_core.analysis.collected.balance import BALANCE_COLUMNS
from labelbench_core.analysis.collected.curves import SUMMARY_COLUMNS
from labelbench_core.analysis.collected.frames import SETTING, read_csv
from labelbench_core.analysis.published.published_curves import REFERENCE_COLUMNS
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures.class_balance import draw_class_balance
from labelbench_core.figures.classes import draw_classes
from labelbench_core.figures.label_efficiency import draw_curves, draw_differences
from labelbench_core.figures.pairwise import draw_pairwise
from labelbench_core.figures.style import drawing, save
from workflow_scripts._job import job_parser, run_job


def plot(arguments: argparse.Namespace) -> None:
    """Write label_efficiency, difference, pairwise, classes, class_balance as PNG, PDF and SVG."""
    experiment = Experiment.from_json(arguments.experiment)
    curves = read_csv(arguments.curves, [*SETTING, *SUMMARY_COLUMNS])
    comparisons = read_csv(arguments.comparisons, [*SETTING, "difference", "low", "high", "p_holm"])
    pairwise = read_csv(arguments.pairwise, ["split", "strategy"])
    classes = read_csv(arguments.classes, [*SETTING, "split", *CLASS_COLUMNS])
    balance = read_csv(arguments.balance, BALANCE_COLUMNS)
    published = None
    if arguments.published:
        published = read_csv(arguments.published, REFERENCE_COLUMNS)
    with drawing():
        save(draw_curves(curves, experiment, published), arguments.figures, "label_efficiency")
        save(draw_differences(comparisons, experiment), arguments.figures, "difference")
        save(draw_pairwise(pairwise, experiment), arguments.figures, "pairwise")
        save(draw_classes(classes, experiment), arguments.figures, "classes")
        save(draw_class_balance(balance, experiment), arguments.figures, "class_balance")


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--experiment", required=True, help="what is crossed, as JSON")
    parser.add_argument("--curves", required=True, type=Path, help="curves.csv of tabulate")
    parser.add_argument(
        "--comparisons", required=True, type=Path, help="comparisons.csv of tabulate"
    )
    parser.add_argument("--pairwise", required=True, type=Path, help="pairwise.csv of tabulate")
    parser.add_argument("--classes", required=True, type=Path, help="classes.csv of tabulate")
    parser.add_argument("--balance", required=True, type=Path, help="class balance by list_bought")
    parser.add_argument("--published", type=Path, help="reference.csv of compare_published")
    parser.add_argument("--figures", required=True, type=Path, help="folder to write figures to")
    return run_job(plot, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
