"""Check an experiment's file, and all that it names, without Snakemake: one line for every error.

Snakemake reads the file before this project's code runs, and ends in a traceback where it cannot.
"""

import argparse
import itertools
import sys
from pathlib import Path

from labelbench_core import config as experiments
from labelbench_core import workflow as parsing
from labelbench_core.catalogue import load_catalogue
from labelbench_core.component_code import check_code
from labelbench_core.datasets import data_directory
from labelbench_core.errors import InputError
from labelbench_core.yaml_files import read_yaml

PROJECT = Path(__file__).resolve().parents[1]


def check(file: Path) -> str:
    """What a valid experiment would make, in one line; `InputError` otherwise."""
    config = PROJECT / "config"
    catalogue = load_catalogue(config / "catalogue")
    experiment = experiments.load_experiment(
        read_yaml(file), catalogue, config / "schema", str(file)
    )
    check_code(experiment, catalogue, str(file))
    prepared = parsing.prepared_splits(experiment)
    experiments.check_sources(experiment, catalogue, data_directory(), prepared, str(file))
    rounds = sum(1 for _ in itertools.islice(experiment.selections(), experiments.MOST_ROUNDS))
    tuned = sum(1 for _ in itertools.islice(experiment.finetunings(), experiments.MOST_ROUNDS))
    return f"{file}: valid: {rounds} rounds and {tuned} fine-tunings"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path, help="the experiment's YAML file")
    try:
        print(check(parser.parse_args(argv).file))
    except InputError as error:
        print(parsing.stop(error).code, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
