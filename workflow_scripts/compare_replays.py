"""Compare what recorded lists bought with what our strategies of the same names buy."""

import argparse
import itertools
import sys
from pathlib import Path

from labelbench_core.analysis.collected.frames import CURVE_COLUMNS, read_csv, write_csv
from labelbench_core.analysis.published.replays import compare_replays, read_picks, replay_tables
from labelbench_core.analysis.results import FLOAT_FORMAT, write_texts
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.datasets import POOL, open_dataset
from labelbench_core.stages.plan import Needs
from workflow_scripts._job import job_parser, run_job


def compare(arguments: argparse.Namespace) -> None:
    """Read metrics, rounds and labels; write the table as CSV, Markdown and LaTeX."""
    experiment = Experiment.from_json(arguments.experiment)
    pairs = Needs.from_json(arguments.needs).replays
    chosen = [*pairs, *itertools.chain(*pairs.values())]
    datasets = [
        open_dataset(Path(arguments.dataset_pattern.format(dataset=dataset)).parent, dataset)
        for dataset in experiment.all_of("datasets")
    ]
    labels = {one.manifest["dataset"]: one.labels(POOL) for one in datasets if one.has_labels(POOL)}
    metrics = read_csv(arguments.metrics, CURVE_COLUMNS)
    table = compare_replays(
        metrics[metrics["dataset"].isin(labels)],
        pairs,
        read_picks(experiment, chosen, arguments.round_pattern, arguments.initial_pattern),
        labels,
    )
    write_csv(table, arguments.table, FLOAT_FORMAT)
    write_texts(replay_tables(table, experiment.metric), arguments.table)


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--experiment", required=True, help="what is crossed, as JSON")
    parser.add_argument("--needs", required=True, help="which strategies are compared, as JSON")
    parser.add_argument("--metrics", required=True, type=Path, help="metrics.csv of collect_curves")
    parser.add_argument("--round-pattern", required=True, help="path of a round, ids in braces")
    parser.add_argument("--initial-pattern", required=True, help="path of round 0, ids in braces")
    parser.add_argument(
        "--dataset-pattern", required=True, help="path of a data set's manifest, ids in braces"
    )
    parser.add_argument("--table", required=True, type=Path, help="table to write")
    return run_job(compare, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
