"""Collect the metrics and signals of all rounds and fine-tunings of an experiment into tables."""

import argparse
import sys
from pathlib import Path

from labelbench_core.analysis.collected.collect import collect_finetunings, collect_rounds
from labelbench_core.analysis.collected.frames import write_csv
from labelbench_core.configuration.experiment import Experiment
from workflow_scripts._job import job_parser, run_job


def collect(arguments: argparse.Namespace) -> None:
    """Read every file that the experiment's crossing names; write the tables."""
    experiment = Experiment.from_json(arguments.experiment)
    patterns = arguments.round_pattern, arguments.initial_pattern
    rounds, signals, hits = collect_rounds(experiment, *patterns)
    write_csv(rounds, arguments.metrics)
    write_csv(signals, arguments.signals)
    write_csv(hits, arguments.hits)
    finetuned = collect_finetunings(experiment, arguments.finetuned_pattern, rounds, *patterns)
    write_csv(finetuned, arguments.finetuned)


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--experiment", required=True, help="what is crossed, as JSON")
    parser.add_argument("--round-pattern", required=True, help="path of a round, ids in braces")
    parser.add_argument("--initial-pattern", required=True, help="path of round 0, ids in braces")
    parser.add_argument(
        "--finetuned-pattern", default="", help="path of a fine-tuning's metrics, ids in braces"
    )
    parser.add_argument("--metrics", required=True, type=Path, help="metrics.csv to write")
    parser.add_argument("--signals", required=True, type=Path, help="signals.csv to write")
    parser.add_argument("--hits", required=True, type=Path, help="hits.csv to write")
    parser.add_argument("--finetuned", required=True, type=Path, help="finetuned.csv to write")
    return run_job(collect, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
