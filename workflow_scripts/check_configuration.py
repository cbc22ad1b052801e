"""Check the file of an experiment or a campaign without Snakemake: one line for every error.

Wrong entries of the catalogue that the file does not name are listed, and are not errors.

Snakemake reads the file before this project's code runs, and stops with a traceback if it cannot.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from labelbench_core.configuration import entries
from labelbench_core.configuration import loading as experiments
from labelbench_core.configuration.catalogue import load_catalogue
from labelbench_core.configuration.compatibility.component_code import check_code
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.configuration.inheritance import Asked, asked
from labelbench_core.configuration.own_entries import read_entries
from labelbench_core.datasets import data_directory
from labelbench_core.errors import InputError, raise_all
from labelbench_core.stages.left_out import left_out
from labelbench_core.stages.plan import Needs, jobs_of, planned_jobs
from labelbench_core.stages.table import STAGES
from labelbench_core.storage.yaml_files import read_yaml
from workflow_scripts import _snakefile as parsing
from workflow_scripts._campaign_file import campaign_of, is_campaign

PROJECT = Path(__file__).resolve().parents[1]


def check(file: Path, *, use_conda: bool = False) -> str:
    """What a valid experiment would make, by each of its recipes, in one line; else `InputError`.

    Further lines name wrong entries that it does not use.

    With `use_conda`, weights that come as packages are in the jobs' environments, not in this one:
    backbones are not checked.
    """
    content = read_yaml(file)
    wanted = asked(content, str(file), {file: content})
    unused = _wrong_but_unused(wanted)
    if len(wanted.recipes) < 2:
        return "\n".join([f"{file}: valid: {_check_one(wanted, use_conda=use_conda)}", *unused])
    told = []
    for recipe in wanted.recipes:
        one = asked(content, str(file), {file: content}, recipe)
        told.append(f"{recipe}: {_check_one(one, use_conda=use_conda)}")
    return "\n".join([f"{file}: valid: {'; '.join(told)}", *unused])


def _wrong_but_unused(wanted: Asked) -> list[str]:
    """Lines on entries that are wrong; only those that nothing names leave an experiment valid."""
    read = read_entries(wanted.catalogues)
    wrong = load_catalogue(PROJECT / "config" / "catalogue", read).wrong
    return [f"not used, but wrong: {line}" for lines in wrong.values() for line in lines]


def _check_one(wanted: Asked, *, use_conda: bool) -> str:
    """What one of the recipes would make."""
    config = PROJECT / "config"
    catalogue = parsing.catalogue_of(wanted, PROJECT)
    campaign = campaign_of(wanted, catalogue, PROJECT) if is_campaign(wanted) else None
    with wanted.naming_places():
        if campaign is None:
            experiment = experiments.load_experiment(
                wanted.values, catalogue, config / "schema", wanted.name
            )
        else:
            experiment = campaign.as_experiment()
        check_code(experiment, catalogue, wanted.name, jobs_run_here=not use_conda)
        prepared = parsing.prepared_manifests(experiment, catalogue)
        sizes = parsing.sizes_of(prepared)
        missing = experiments.check_sources(
            experiment,
            catalogue,
            data_directory(),
            sizes,
            wanted.name,
            parsing.remembered_of(experiment),
        )
        raise_all(missing.values())
    if campaign is not None:
        if not use_conda:
            experiments.check_backbones(catalogue, [campaign.backbone])
        return f"a campaign on data set {campaign.pool}"
    parsing.check_annotators(experiment, catalogue, prepared)
    needs = Needs.from_values(entries.needs(experiment, catalogue))
    if not use_conda:
        needed = parsing.backbones_to_run(catalogue, _jobs_to_run(experiment, needs))
        experiments.check_backbones(catalogue, needed)
    # As in the plan: strategies share round 0.
    rounds, tuned = (
        sum(1 for name in names for _ in jobs_of(STAGES[name], experiment, needs))
        for names in (("train_initial", "select_round"), ("finetune_model",))
    )
    counts = ((rounds, "round"), (tuned, "fine-tuning"))
    return " and ".join(f"{count} {what}{'s' * (count != 1)}" for count, what in counts)


def _jobs_to_run(experiment: Experiment, needs: Needs) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(stage, ids) of the planned jobs whose results are not all there yet."""
    absent_on_purpose = left_out(experiment.experiment)
    for job in planned_jobs(experiment, needs):
        paths = {output.path for output in job.outputs} - absent_on_purpose
        if not all(Path(path).exists() for path in paths):
            yield job.stage.name, job.ids


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path, help="YAML file of an experiment or a campaign")
    parser.add_argument(
        "--use-conda",
        action="store_true",
        help="jobs will run in their own environments, so backbones are not checked here",
    )
    arguments = parser.parse_args(argv)
    try:
        print(check(arguments.file, use_conda=arguments.use_conda))
    except InputError as error:
        print(parsing.stop(error).code, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
