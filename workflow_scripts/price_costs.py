"""Turn what an experiment cost into money: what it takes to reach an accuracy, and curves."""

import argparse
import json
import sys
from pathlib import Path

from labelbench_core.analysis.collected.costs import COST_COLUMNS
from labelbench_core.analysis.collected.frames import CURVE_COLUMNS, read_csv, write_csv
from labelbench_core.analysis.results import FLOAT_FORMAT, write_texts
from labelbench_core.analysis.savings.label_savings import SAVING_COLUMNS
from labelbench_core.analysis.targets.money import cost_to_reach, money_tables
from labelbench_core.analysis.targets.money_curves import metric_by_money
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.stages.plan import Needs
from workflow_scripts._job import job_parser, run_job


def price(arguments: argparse.Namespace) -> None:
    """Read savings, metrics and costs; write one table in all formats, the other as CSV."""
    prices = json.loads(arguments.prices)
    metrics = read_csv(arguments.metrics, CURVE_COLUMNS)
    costs = read_csv(arguments.costs, COST_COLUMNS)
    needs = Needs.from_json(arguments.needs)
    savings = read_csv(arguments.savings, SAVING_COLUMNS)
    table = cost_to_reach(savings, metrics, costs, needs, prices)
    write_csv(table, arguments.money, FLOAT_FORMAT)
    write_texts(money_tables(table, prices.get("currency", "")), arguments.money)
    experiment = Experiment.from_json(arguments.experiment)
    curves = metric_by_money(experiment, needs, metrics, costs, prices)
    write_csv(curves, arguments.curves, FLOAT_FORMAT)


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--experiment", required=True, help="what is crossed, as JSON")
    parser.add_argument(
        "--needs", default="{}", help="views, refreshes and class names that proxies need, as JSON"
    )
    parser.add_argument("--costs", required=True, type=Path, help="costs.csv of collect_costs")
    parser.add_argument("--metrics", required=True, type=Path, help="metrics.csv of collect_curves")
    parser.add_argument("--savings", required=True, type=Path, help="savings.csv of tabulate")
    parser.add_argument("--prices", required=True, help="prices, as JSON")
    parser.add_argument("--money", required=True, type=Path, help="money.csv to write")
    parser.add_argument("--curves", required=True, type=Path, help="money_curves.csv to write")
    return run_job(price, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
