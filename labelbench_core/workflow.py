"""What the Snakefile does while it is parsed: load and check, prepare the shell, clear dead locks.

Every job of a cluster parses the Snakefile again, so that this stays light and, but for the main
process, without side effects.
"""

import dataclasses
import fcntl
import os
import socket
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from labelbench_core import config as experiments
from labelbench_core import proxy_entries
from labelbench_core.catalogue import Catalogue, load_catalogue
from labelbench_core.datasets import data_directory
from labelbench_core.errors import InputError
from labelbench_core.experiment import Experiment
from labelbench_core.result_files import read_record

PREPARED = "results/datasets/{dataset}/manifest.json"
# Rules that read a backbone's weights; rounds do for the proxies that train on images.
ROUNDS = ("train_initial_deep", "select_round_deep")
READ_WEIGHTS = (
    "extract_embeddings",
    "extract_views",
    "build_zero_shot_head",
    "refresh_embeddings",
    "finetune_model",
)
# Kept open, and so locked, for as long as this process lives.
_held_locks: list[int] = []


def load(
    config: Mapping[str, Any], project: Path, config_files: Iterable[str | Path]
) -> tuple[Experiment, Catalogue]:
    """The experiment and the catalogue, checked; exits with all errors if there are any."""
    try:
        catalogue = load_catalogue(project / "config" / "catalogue")
        experiment = experiments.load_experiment(
            config, catalogue, project / "config" / "schema", file_name(config_files)
        )
    except InputError as error:
        raise stop(error) from None
    return experiment, catalogue


def configuration(experiment: Experiment, catalogue: Catalogue) -> dict[str, Any]:
    """The experiment with the catalogue entries that it uses, for the report."""
    used = {kind: experiment.all_of(kind) for kind in ("datasets", "backbones", "proxies")}
    used["trainers"] = experiment.trainers
    used["strategies"] = experiment.strategies + experiment.ceilings
    used["schedules"] = experiment.all_of("schedules") + experiment.full_data
    entries = {kind: {name: catalogue[kind][name] for name in used[kind]} for kind in used}
    return {"experiment": dataclasses.asdict(experiment), "catalogue": entries}


def prepare_main_process(
    experiment: Experiment,
    catalogue: Catalogue,
    config_files: Iterable[str | Path],
) -> None:
    """Before anything is planned: clear a dead run's lock, see that data are there."""
    clear_dead_lock(Path(".snakemake"))
    try:
        experiments.check_sources(
            experiment,
            catalogue,
            data_directory(),
            prepared_splits(experiment),
            file_name(config_files),
        )
    except InputError as error:
        raise stop(error) from None


def check_weights(catalogue: Catalogue, jobs: Iterable[tuple[str, Mapping[str, str]]]) -> None:
    """Before anything runs: see that the weights are there that `jobs`, (rule, wildcards), read."""
    try:
        experiments.check_backbones(catalogue, backbones_to_run(catalogue, jobs))
    except InputError as error:
        raise stop(error) from None


def file_name(config_files: Iterable[str | Path]) -> str:
    """The configuration's file or files, for messages."""
    return ", ".join(map(os.path.relpath, config_files)) or "config/config.yaml"


def stop(error: InputError) -> SystemExit:
    """End Snakemake with nothing but the error's lines: no traceback, nothing started."""
    return SystemExit("\n".join(f"error: {line}" for line in str(error).splitlines()))


def prepared_splits(experiment: Experiment) -> dict[str, dict[str, int]]:
    """Sizes of the splits of data sets that are prepared: their source is not needed any more."""
    sizes = {}
    for dataset in experiment.all_of("datasets"):
        manifest = Path(PREPARED.format(dataset=dataset))
        if manifest.is_file():
            splits = read_record(manifest, "data set", {"dataset": dataset})["splits"]
            sizes[dataset] = {name: split["num_rows"] for name, split in splits.items()}
    return sizes


def backbones_to_run(
    catalogue: Catalogue, jobs: Iterable[tuple[str, Mapping[str, str]]]
) -> list[str]:
    """Backbones that some of `jobs`, (rule, wildcards), run: the others' weights are not needed."""
    needed = (
        ids["backbone"]
        for rule, ids in jobs
        if rule in READ_WEIGHTS
        or (rule in ROUNDS and proxy_entries.needs_images(catalogue, ids["proxy"]))
    )
    return list(dict.fromkeys(needed))


def shell_prefix(project: str | Path, *, uses_conda: bool) -> str:
    """What every job's shell starts with.

    The library is found without being installed. Without conda, the runner's own interpreter comes
    first, so that a virtual environment works without being activated.
    """
    steps = ["set -euo pipefail", f"export PYTHONPATH='{project}'"]
    if not uses_conda:
        steps.append(f"export PATH='{Path(sys.executable).parent}':\"$PATH\"")
    return "; ".join(steps) + "; "


def has_gpu() -> bool:
    """Whether this machine has an NVIDIA GPU, without asking a library that takes seconds."""
    return Path("/dev/nvidiactl").exists()


def clear_dead_lock(folder: Path) -> None:
    """Remove Snakemake's lock if the process that left it is proven dead.

    Every main process holds a shared `flock` on a file of its own working directory until it ends,
    however it ends. Who gets it exclusively is therefore alone on this host; if the lock was left
    by this host too, its owner is dead.
    """
    folder.mkdir(exist_ok=True)
    descriptor = os.open(folder / "labelbench.owner", os.O_RDWR | os.O_CREAT, 0o666)
    _held_locks.append(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        return
    host = socket.gethostname().encode()
    if os.pread(descriptor, 4096, 0) == host:
        for lock in (folder / "locks").glob("*.lock"):
            lock.unlink(missing_ok=True)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, host, 0)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
