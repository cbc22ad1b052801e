"""Collect what the jobs of an experiment cost, in seconds and in FLOPs, and what proxies save."""

import argparse
import sys
from pathlib import Path

from labelbench_core.analysis.collected.costs import collect_costs
from labelbench_core.analysis.collected.frames import write_csv
from labelbench_core.analysis.results import FLOAT_FORMAT
from labelbench_core.analysis.targets.proxy_savings import proxy_savings
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.stages.plan import Needs
from workflow_scripts._job import job_parser, run_job


def collect(arguments: argparse.Namespace) -> None:
    """Read the benchmark files and the records that exist; write both tables."""
    experiment = Experiment.from_json(arguments.experiment)
    needs = Needs.from_json(arguments.needs)
    costs = collect_costs(experiment, needs, arguments.benchmark, arguments.record)
    write_csv(costs, arguments.costs)
    savings = proxy_savings(experiment, needs, costs)
    write_csv(savings, arguments.proxy_savings, FLOAT_FORMAT)


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--experiment", required=True, help="what is crossed, as JSON")
    parser.add_argument(
        "--needs", default="{}", help="views, refreshes and class names that proxies need, as JSON"
    )
    parser.add_argument(
        "--benchmark",
        action="append",
        required=True,
        metavar="STAGE=PATTERN",
        help="path of a stage's benchmark file, ids in braces; may be given several times",
    )
    parser.add_argument(
        "--record",
        action="append",
        default=[],
        metavar="STAGE=PATTERN",
        help="path of the JSON file in which a stage states its FLOPs, ids in braces",
    )
    parser.add_argument("--costs", required=True, type=Path, help="costs.csv to write")
    parser.add_argument(
        "--proxy-savings", required=True, type=Path, help="proxy_savings.csv to write"
    )
    return run_job(collect, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
