"""What the Snakefile does while it is parsed: load and check, prepare the shell.

Every job on a cluster parses the Snakefile again, so this must be fast and, except in the main
process, free of side effects.
"""

import os
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from labelbench_core.annotators import EXACT
from labelbench_core.configuration import entries
from labelbench_core.configuration import loading as experiments
from labelbench_core.configuration.catalogue import Catalogue, LoadedCatalogue, load_catalogue
from labelbench_core.configuration.compatibility.annotations import annotated, look_at_annotators
from labelbench_core.configuration.compatibility.component_code import check_code
from labelbench_core.configuration.experiment import Experiment, annotator_in_paths
from labelbench_core.configuration.inheritance import Asked, asked
from labelbench_core.configuration.own_entries import read_entries
from labelbench_core.configuration.replays import list_sha256
from labelbench_core.configuration.sources import since_prepared
from labelbench_core.configuration.sources.source_changes import why_again
from labelbench_core.configuration.sources.weights_files import names_weights
from labelbench_core.datasets import data_directory
from labelbench_core.errors import InputError, seen_from_here
from labelbench_core.report.versions import describe_images
from labelbench_core.stages.left_out import left_out
from labelbench_core.stages.table import STAGES, stage_of
from labelbench_core.storage.places import printable
from labelbench_core.storage.records import read_record
from labelbench_core.storage.yaml_files import read_yaml
from workflow_scripts._campaign_file import campaign_of, is_campaign
from workflow_scripts._entry_notes import refuse_others
from workflow_scripts._locks import clear_dead_lock
from workflow_scripts._prepared import (
    BACKBONES_STATE,
    PREPARED,
    prepared_manifests,
    remembered_of,
    sizes_of,
)

RESULTS = "results"
_PIP = re.compile(r"(?<![\w/-])pip install\b")  # components name no environment
ANNOTATED = STAGES["annotate"].path("record")


def read_experiment(
    config: Mapping[str, Any],
    project: Path,
    config_files: Sequence[str | Path],
    module: str | None = None,
) -> Asked:
    """What is asked for, with the files that are extended and the recipe; exits if it cannot be.

    The files are read again after Snakemake, which takes the last of two equal keys. The files of a
    workflow that has this one as a module are not read.
    """
    files = {}
    try:
        if module is None:
            refuse_targets(config_files)
            chosen = config_files or [default_config(project)]
            files = {file: read_yaml(file) for file in map(Path, map(os.path.relpath, chosen))}
        return asked(config, config_name(config_files, project, module), files)
    except InputError as error:
        raise stop(error) from None


def load(wanted: Asked, project: Path) -> tuple[Experiment, LoadedCatalogue]:
    """The experiment and the catalogue, checked; exits with all errors if there are any."""
    try:
        catalogue = catalogue_of(wanted, project)
        if is_campaign(wanted):
            return campaign_of(wanted, catalogue, project).as_experiment(), catalogue
        with wanted.naming_places():
            experiment = experiments.load_experiment(
                wanted.values, catalogue, project / "config" / "schema", wanted.name
            )
    except InputError as error:
        raise stop(error) from None
    return experiment, catalogue


def catalogue_of(wanted: Asked, project: Path) -> LoadedCatalogue:
    """The catalogue with the entries that an experiment brings along."""
    return load_catalogue(project / "config" / "catalogue", read_entries(wanted.catalogues))


def config_name(
    config_files: Sequence[str | Path], project: Path, module: str | None = None
) -> str:
    """Where the experiment is configured, for messages.

    Parameters
    ----------
    config_files
        What `--configfile` names.
    project
        Folder of the Snakefile.
    module
        The module's name if another workflow uses this one as a module and passes the experiment.
    """
    if module is not None:
        return f"config of module {module}"
    return ", ".join(map(os.path.relpath, config_files or [default_config(project)]))


def default_config(project: Path) -> Path:
    """The default experiment."""
    return project / "config" / "config.yaml"


def left_out_of(experiment: Experiment) -> frozenset[str]:
    """The outputs that an archive left out on purpose; exits if its listing is damaged."""
    try:
        return left_out(experiment.experiment)
    except InputError as error:
        raise stop(error) from None


def recorded_list(catalogue: Catalogue, kind: str, name: str, seed: int) -> dict[str, str]:
    """`recorded_sha256` of the list that a strategy or a schedule buys from, if it does."""
    try:
        digest = list_sha256(catalogue, kind, name, seed, data_directory())
    except InputError as error:
        raise stop(error) from None
    return {} if digest is None else {"recorded_sha256": digest}


def configuration(experiment: Experiment, catalogue: Catalogue) -> dict[str, Any]:
    """The experiment with the catalogue entries that it uses, for the report."""
    used = {kind: experiment.all_of(kind) for kind in ("datasets", "backbones", "proxies")}
    # The exact annotator is not named, whether or not it has an entry.
    if named := [name for name in experiment.all_of("annotators") if name != EXACT]:
        used["annotators"] = tuple(named)
    used["trainers"] = experiment.trainers
    used["strategies"] = experiment.strategies + experiment.ceilings
    used["schedules"] = experiment.all_of("schedules") + experiment.full_data
    entries = {kind: {name: catalogue[kind][name] for name in used[kind]} for kind in used}
    return {"experiment": experiment.as_mapping(), "catalogue": entries}


def prepare_main_process(
    experiment: Experiment,
    catalogue: LoadedCatalogue,
    wanted: Asked,
    *,
    uses_conda: bool = False,
) -> tuple[dict[str, str], dict[str, str]]:
    """Before anything is planned: clear a dead run's lock, and check that code and data are there.

    It also checks that results are not of another study's entries.

    Returns
    -------
    Manifest or record → reason, for data sets that have to be prepared again because their sources
    changed, and annotators whose tables have to be read again; data set → what is missing of it,
    for those that can be planned with the sizes as published.
    """
    clear_dead_lock(Path(".snakemake"))
    datasets = experiment.all_of("datasets")
    manifests = {dataset: PREPARED.format(dataset=dataset) for dataset in datasets}
    try:
        with wanted.naming_places():
            check_code(experiment, catalogue, wanted.name, jobs_run_here=not uses_conda)
        refuse_others(catalogue, configuration(experiment, catalogue)["catalogue"])
        changed = since_prepared.changed_sources(
            {dataset: catalogue["datasets"][dataset] for dataset in datasets},
            {dataset: Path(path) for dataset, path in manifests.items()},
            data_directory(),
            when=wanted.values.get("check_sources", "small"),
            tell=lambda line: print(line, file=sys.stderr),
        )
        prepared = {
            dataset: manifest
            for dataset, manifest in prepared_manifests(experiment, catalogue).items()
            if dataset not in changed
        }
        with wanted.naming_places():
            missing = experiments.check_sources(
                experiment,
                catalogue,
                data_directory(),
                sizes_of(prepared),
                wanted.name,
                remembered_of(experiment),
            )
        reread = check_annotators(experiment, catalogue, prepared)
    except InputError as error:
        raise stop(error) from None
    told = {manifests[dataset]: why_again(dataset, what) for dataset, what in changed.items()}
    return {**told, **reread}, missing


def check_missing(
    missing: Mapping[str, str], jobs: Iterable[tuple[str, Mapping[str, str]]]
) -> None:
    """Before anything runs: exit if `jobs`, (rule, wildcards), prepare data sets that are missing.

    `missing` as from `prepare_main_process`.
    """
    if needed := _missing_of(missing, jobs):
        raise stop(InputError("\n".join(needed)))


def tell_missing(missing: Mapping[str, str], jobs: Iterable[tuple[str, Mapping[str, str]]]) -> None:
    """At the end of a dry run: a line for each data set that `jobs` prepare and that is missing."""
    for line in _missing_of(missing, jobs):
        print(f"planned with published sizes, but a run would stop: {line}", file=sys.stderr)


def _missing_of(
    missing: Mapping[str, str], jobs: Iterable[tuple[str, Mapping[str, str]]]
) -> list[str]:
    prepared = {ids["dataset"] for rule, ids in jobs if rule == "prepare_dataset"}
    return [why for dataset, why in missing.items() if dataset in prepared]


def check_weights(catalogue: Catalogue, jobs: Iterable[tuple[str, Mapping[str, str]]]) -> None:
    """Before anything runs: check that the weights that `jobs`, (rule, wildcards), read exist."""
    try:
        needed = backbones_to_run(catalogue, jobs)
        experiments.check_backbones(catalogue, needed, BACKBONES_STATE)
    except InputError as error:
        raise stop(error) from None


def check_planned_weights(
    catalogue: Catalogue, jobs: Iterable[tuple[str, Mapping[str, str]]]
) -> None:
    """`check_weights` of files, names and functions: a plan needs no packages of the jobs."""
    running = [one for one in jobs if runs_backbone(catalogue, *one)]
    named = catalogue["backbones"]
    check_weights(catalogue, [one for one in running if names_weights(named[one[1]["backbone"]])])


def tell_lacking(catalogue: Catalogue, jobs: Iterable[tuple[str, Mapping[str, str]]]) -> None:
    """At the end of a dry run: a line for each backbone whose packages or weights are not here.

    These are the backbones that `check_planned_weights` leaves to the jobs.
    """
    named = catalogue["backbones"]
    needed = [one for one in backbones_to_run(catalogue, jobs) if not names_weights(named[one])]
    try:
        experiments.check_backbones(catalogue, needed, BACKBONES_STATE)
    except InputError as error:
        for line in lines_of(error):
            print(f"planned, but a run would stop: {line}", file=sys.stderr)


def check_images(catalogue: Catalogue, jobs: Iterable[tuple[str, Mapping[str, str]]]) -> None:
    """Before anything runs: check that the folders of images that `jobs` read are there.

    This concerns prepared data sets whose images stay in their own files. A data set that is
    prepared in this run needs its source anyway, and says so.
    """
    jobs = list(jobs)
    prepared_now = {ids["dataset"] for rule, ids in jobs if rule == "prepare_dataset"}
    reading = {ids["dataset"] for rule, ids in jobs if runs_backbone(catalogue, rule, ids)}
    for dataset in sorted(reading - prepared_now):
        try:
            manifest = read_record(Path(PREPARED.format(dataset=dataset)), "data set")
        except InputError:  # the first job that reads it says so
            continue
        stored = {split["storage"] for split in manifest["splits"].values()}
        if "files" in stored and not (folder := data_directory() / manifest["root"]).is_dir():
            told = f"data set {dataset!r}: the folder of its images is missing: "
            told += f"{printable(folder)}; set LABELBENCH_DATA to the folder that holds it"
            raise stop(InputError(told))


def refuse_prefix(module: str | None, placed: Callable[[str], str]) -> None:
    """Exit if another workflow puts its module's results anywhere but in `results/`.

    Jobs derive thousands of paths from the table of stages, which knows no other place.
    `placed` gives the place of a path.
    """
    if module is not None and (place := placed(RESULTS + "/")) != RESULTS + "/":
        told = f"module {module}: prefix: results would go to {place}; allowed: no prefix: results "
        raise stop(InputError(told + f"go to {RESULTS}/ in the working directory (--directory)"))


def refuse_targets(config_files: Iterable[str | Path]) -> None:
    """`InputError` for a result among the configuration files.

    Snakemake takes every argument after `--configfile` for one. If the file does not exist, it
    stops before it reads the Snakefile.
    """
    for file in map(os.path.relpath, config_files):
        if Path(file).parts[0] == RESULTS:
            raise InputError(
                f"{file}: was read as a configuration file; put targets before --configfile: "
                f"snakemake {file} --configfile FILE"
            )


def stop(error: InputError) -> SystemExit:
    """End Snakemake with nothing but the error's lines: no traceback, nothing started."""
    return SystemExit("\n".join(f"error: {line}" for line in lines_of(error)))


def lines_of(error: InputError) -> list[str]:
    """Its lines; those that say how to install a package name the pip of this environment."""
    pip = seen_from_here(Path(sys.executable).with_name("pip"))
    return _PIP.sub(lambda _: f"{pip} install", str(error)).splitlines()


def check_annotators(
    experiment: Experiment, catalogue: Catalogue, prepared: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """Check that annotators can be used; records of those whose tables have changed → why."""
    records = {
        (dataset, annotator): Path(
            ANNOTATED.format(dataset=dataset, annotator=annotator_in_paths(annotator))
        )
        for dataset, annotator in annotated(experiment)
    }
    changed = look_at_annotators(experiment, catalogue, data_directory(), records, prepared)
    return {str(record): why for record, why in changed.items()}


def data_notes(experiment: Experiment) -> str:
    """What figure captions say of the prepared data sets' splits and classes, as reStructuredText.

    The same sentences as in the report (`labelbench_core.report.versions`).
    """
    prepared = map(PREPARED.format_map, ({"dataset": one} for one in experiment.all_of("datasets")))
    try:
        _, _, notes = describe_images(experiment, list(filter(os.path.isfile, prepared)))
    except InputError:  # a damaged manifest is named by the first job that reads it
        return ""
    return re.sub(r"([\\*`_|])", r"\\\1", " ".join(notes))


def backbones_to_run(
    catalogue: Catalogue, jobs: Iterable[tuple[str, Mapping[str, str]]]
) -> list[str]:
    """Backbones that some of `jobs`, (rule, wildcards), run: the others' weights are not needed."""
    running = (ids["backbone"] for rule, ids in jobs if runs_backbone(catalogue, rule, ids))
    return list(dict.fromkeys(running))


def runs_backbone(catalogue: Catalogue, rule: str, ids: Mapping[str, str]) -> bool:
    """Whether a job reads images, to run a backbone on them."""
    stage = stage_of(rule)
    when = stage.runs_backbone if stage else "never"
    return when == "always" or (
        when == "for images" and entries.needs_images(catalogue, ids["proxy"])
    )


def shell_prefix(project: str | Path, *, uses_conda: bool, keep_python_path: bool = False) -> str:
    """What every job's shell starts with, as `shell.prefix` takes it: braces doubled.

    The library is found without being installed. Without conda, the runner's own interpreter comes
    first, so that a virtual environment works without being activated. Folders may have any name.
    With `keep_python_path`, the former `PYTHONPATH` comes after the library: an outer workflow may
    need it, and packages of a user's own that are found only there are found by this process, too.
    """
    others = '"${PYTHONPATH:+:$PYTHONPATH}"' if keep_python_path else ""
    steps = ["set -euo pipefail", f"export PYTHONPATH={shlex.quote(str(project))}{others}"]
    if not uses_conda:
        own = shlex.quote(str(Path(sys.executable).parent))
        steps.append(f'export PATH={own}:"$PATH"')
    return escape_braces("; ".join(steps)) + "; "


def escape_braces(text: str) -> str:
    """`text` with its braces doubled, so that Snakemake takes them literally."""
    return text.replace("{", "{{").replace("}", "}}")


def has_gpu() -> bool:
    """Whether this machine has an NVIDIA GPU, without asking a library that takes seconds."""
    return Path("/dev/nvidiactl").exists()
