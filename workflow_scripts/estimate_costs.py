"""Estimate what an experiment will cost before anything of it has run: jobs, GPU hours and disk.

Networks are built without weights, and no data are read but what is prepared. A dry run of
Snakemake prints the same where the experiment gives `prices`.
"""

import argparse
import sys

from labelbench_core.piping import until_reader_leaves
from workflow_scripts import _snakefile as parsing
from workflow_scripts._estimates import estimate_lines
from workflow_scripts._experiment import (
    PROJECT,
    add_experiment_arguments,
    asked_for,
    require_experiment,
    run_command,
)


def estimate_costs(arguments: argparse.Namespace, options: object = None) -> None:
    wanted = asked_for(arguments.configfile, arguments.config)
    require_experiment(wanted)
    experiment, catalogue = parsing.load(wanted, PROJECT)
    print(*estimate_lines(experiment, catalogue, wanted.values.get("prices", {})), sep="\n")


@until_reader_leaves()
def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    add_experiment_arguments(parser)
    return run_command(estimate_costs, parser.parse_args(argv), [])


if __name__ == "__main__":
    sys.exit(main())
