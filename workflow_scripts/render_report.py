"""Render an experiment's report: one self-contained page."""

import argparse
import json
import math
import sys
from pathlib import Path

from labelbench_core.analysis.published.published_results import read_comparison
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.datasets.source_files.looks import last_looks
from labelbench_core.report.origin import machine
from labelbench_core.report.page import (
    Provenance,
    read_balance,
    read_costs,
    read_money,
    read_money_curves,
    read_proxy_savings,
    read_replays,
    read_results,
    render,
)
from labelbench_core.report.versions import (
    analysis_versions,
    describe_annotators,
    describe_images,
    describe_inputs,
)
from labelbench_core.storage.files import atomic_path
from labelbench_core.storage.records import read_record
from workflow_scripts._commit import commit
from workflow_scripts._job import job_parser, run_job


def render_report(arguments: argparse.Namespace) -> None:
    """Read tables, figures and costs; write the page."""
    experiment = Experiment.from_json(arguments.experiment)
    leaks, left_out, variants = describe_images(experiment, arguments.manifest)
    prices = json.loads(arguments.prices)
    text = render(
        experiment,
        read_record(arguments.summary, "summary", {"experiment": experiment.experiment}),
        read_results(arguments.tables),
        arguments.figures,
        read_costs(arguments.costs),
        read_balance(arguments.balance),
        Provenance(
            configuration=json.loads(arguments.configuration or arguments.experiment),
            revision=arguments.revision,
            versions=analysis_versions(),
            inputs=describe_inputs(experiment, arguments.manifest),
            leaks=leaks,
            left_out=left_out,
            annotated=describe_annotators(experiment, arguments.manifest),
            variants=variants,
            made_by=[("commit of the code", commit()), *machine()],
        ),
        looks=last_looks(arguments.state, experiment.all_of("datasets"))
        if arguments.state
        else None,
        replays=read_replays(arguments.replays) if arguments.replays else None,
        money=read_money(arguments.money) if arguments.money else None,
        money_curves=read_money_curves(arguments.money_curves) if arguments.money_curves else None,
        proxy_savings=read_proxy_savings(arguments.proxy_savings),
        hour=prices.get("gpu_hour", math.nan),
        currency=prices.get("currency", ""),
        published=read_comparison(arguments.tables) if experiment.references else None,
    )
    with atomic_path(arguments.report) as aside:
        aside.write_text(text, encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--experiment", required=True, help="what is crossed, as JSON")
    parser.add_argument("--summary", required=True, type=Path, help="summary.json of tabulate")
    parser.add_argument("--tables", required=True, type=Path, help="folder of tabulate's tables")
    parser.add_argument("--figures", required=True, type=Path, help="folder of the figures")
    parser.add_argument("--costs", required=True, type=Path, help="costs.csv of collect_costs")
    parser.add_argument(
        "--proxy-savings", required=True, type=Path, help="proxy_savings.csv of collect_costs"
    )
    parser.add_argument("--balance", required=True, type=Path, help="class balance by list_bought")
    parser.add_argument("--replays", nargs="?", type=Path, help="table of compare_replays")
    parser.add_argument("--money", nargs="?", type=Path, help="table of price_costs")
    parser.add_argument("--money-curves", nargs="?", type=Path, help="its second table")
    parser.add_argument("--prices", default="{}", help="prices that it was made with, as JSON")
    parser.add_argument("--configuration", default="", help="configuration to show, as JSON")
    parser.add_argument("--revision", default="", help="git revision to show")
    parser.add_argument(
        "--manifest", action="append", default=[], help="path of a manifest, ids in braces"
    )
    parser.add_argument("--state", type=Path, help="folder that records when sources were checked")
    parser.add_argument("--report", required=True, type=Path, help="page to write")
    return run_job(render_report, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
