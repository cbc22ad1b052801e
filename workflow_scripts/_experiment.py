"""What the commands share: an experiment's jobs, their missing outputs, and running Snakemake."""

import argparse
import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from labelbench_core.configuration import entries
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.configuration.inheritance import Asked
from labelbench_core.errors import InputError, shown
from labelbench_core.stages.plan import Needs, PlannedJob, planned_jobs
from labelbench_core.stages.table import stage_of
from labelbench_core.storage.yaml_files import read_yaml
from workflow_scripts import _snakefile as parsing
from workflow_scripts._campaign_file import is_campaign
from workflow_scripts._completeness import what_is_missing

PROJECT = Path(__file__).resolve().parents[1]
# Files on a command line; the system's limit is two million characters.
MOST_TARGETS = 2000


def command_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser for a command that runs Snakemake; unknown options are passed on to Snakemake."""
    parser = argparse.ArgumentParser(
        description=(description or "").strip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Further options are passed on to Snakemake.",
        allow_abbrev=False,
    )
    add_experiment_arguments(parser)
    parser.add_argument("--cores", default="all", help="cores that jobs may use; default: all")
    return parser


def add_experiment_arguments(parser: argparse.ArgumentParser) -> None:
    """Options that say which experiment is meant, and where its results are."""
    parser.add_argument(
        "--configfile", type=Path, nargs="+", default=[], help="the experiment's file"
    )
    parser.add_argument(
        "--config", nargs="+", default=[], metavar="KEY=VALUE", help="values in place of the file's"
    )
    working = "folder that holds results/, as for Snakemake; default: the current one"
    parser.add_argument("--directory", "-d", type=Path, help=working)


def experiment_of(
    config_files: Sequence[Path], overwritten: Sequence[str] = ()
) -> tuple[Experiment, list[PlannedJob]]:
    """The experiment and its jobs, of the experiment in `config_files`; see `asked_for`."""
    wanted = asked_for(config_files, overwritten)
    require_experiment(wanted)
    experiment, catalogue = parsing.load(wanted, PROJECT)
    needs = Needs.from_values(entries.needs(experiment, catalogue))
    return experiment, list(planned_jobs(experiment, needs))


def asked_for(config_files: Sequence[Path], overwritten: Sequence[str] = ()) -> Asked:
    """What `config_files` ask for, merged as Snakemake merges them.

    `overwritten`: what `--config` says, as on Snakemake's command line.
    """
    from snakemake.cli import parse_config
    from snakemake.utils import update_config

    config: dict = {}
    for file in config_files or [parsing.default_config(PROJECT)]:
        content = read_yaml(file)
        if not isinstance(content, dict):
            raise InputError(f"{file}: {shown(content)}; allowed: a mapping")
        update_config(config, content)
    try:
        update_config(config, parse_config(list(overwritten)))
    except ValueError as error:
        raise InputError(f"--config: {error}") from error
    return parsing.read_experiment(config, PROJECT, config_files)


def require_experiment(wanted: Asked) -> None:
    """`InputError` for the file of a campaign, which has no rounds and no report."""
    if is_campaign(wanted):
        told = f"{wanted.name}: campaign: {shown(wanted.values['campaign'])}"
        raise InputError(f"{told}; allowed here: the file of an experiment")


def missing_of(job: PlannedJob, left_out: frozenset[str] = frozenset()) -> list[str]:
    """Outputs of a job that are missing or incomplete, except those left out on purpose."""
    paths = [one.path for one in job.outputs]
    missing = [path for path in paths if path not in left_out and not os.path.exists(path)]
    if not missing and "manifest" in job.stage.outputs:
        places = (job.stage.path(name).format_map(job.ids) for name in ("manifest", "arrays"))
        manifest, arrays = map(Path, places)
        if what_is_missing(manifest, arrays) is not None:
            return [str(manifest)]
    return missing


class Snakemake:
    """Runs Snakemake for one experiment.

    Parameters
    ----------
    config_files, overwritten, cores, options
        As on its command line.
    """

    def __init__(
        self,
        config_files: Sequence[Path],
        overwritten: Sequence[str],
        cores: str,
        options: Sequence[str],
    ) -> None:
        chosen = ["--config", *overwritten] if overwritten else []
        chosen += ["--configfile", *map(str, config_files)] if config_files else []
        # Any folder may be the working directory, even one with a Snakefile of its own.
        snakefile = ["--snakefile", os.path.relpath(PROJECT / "Snakefile")]
        self._options = ["--cores", cores, *snakefile, *options, *chosen]

    def make(self, targets: Sequence[str]) -> None:
        """Make `targets`; `InputError` if a job fails, whose log Snakemake has shown."""
        for first in range(0, len(targets), MOST_TARGETS):
            part = targets[first : first + MOST_TARGETS]
            if subprocess.run(self._command(*part), check=False).returncode:
                raise InputError(
                    "a job failed: see above; fix the cause and run the same command again"
                )

    def left_to_do(self, *options: str) -> str | None:
        """What a dry run plans; None if there is nothing to be done."""
        done = subprocess.run(
            self._command("--dry-run", *options),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise InputError(done.stdout.strip())
        return None if "Nothing to be done" in done.stdout else done.stdout

    def _command(self, *arguments: str) -> list[str]:
        # Targets first: --configfile takes every argument after it.
        return [sys.executable, "-m", "snakemake", *arguments, *self._options]


def enter_directory(arguments: argparse.Namespace) -> None:
    """Change to `--directory`; files on the command line are resolved before."""
    if arguments.directory is None:
        return
    if not arguments.directory.is_dir():
        raise InputError(
            f"--directory {arguments.directory}: no such folder; allowed: one that exists"
        )
    arguments.configfile = [file.absolute() for file in arguments.configfile]
    if getattr(arguments, "archive", None) is not None:
        arguments.archive = arguments.archive.absolute()
    os.chdir(arguments.directory)


def planned_rules(plan: str) -> list[str]:
    """The rules that a dry run prints, in order, without targets that make nothing."""
    table = plan[plan.index("Job stats:") :].splitlines()[3:]
    rules = [line.split()[0] for line in itertools.takewhile(str.strip, table)]
    return [rule for rule in rules if stage_of(rule) is not None]


def run_command(
    main: Callable[[argparse.Namespace, list[str]], None],
    arguments: argparse.Namespace,
    options: list[str],
) -> int:
    """Run a command's `main`; the exit status: 0, or 2 for bad input (one clear line)."""
    try:
        enter_directory(arguments)
        main(arguments, options)
    except InputError as error:
        print("\n".join(f"error: {line}" for line in str(error).splitlines()), file=sys.stderr)
        return 2
    return 0
