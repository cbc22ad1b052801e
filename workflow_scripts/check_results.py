"""Read all results of an experiment, and name everything that is missing, damaged or swapped.

    python -m workflow_scripts.check_results [--configfile FILE]

Jobs read what they need and stop at the first file that is wrong. This command reads all files and
makes nothing: arrays against the hashes in their manifests, records against their own, each round
against the rounds before it, weights against their metrics, and what a run here has recorded of all
other files. Its exit status is 1 if something is wrong. To mend that, delete what it names, then
run `python -m workflow_scripts.restore_results`, which reruns nothing that was made from files
that come back with the same bytes; or run Snakemake.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from labelbench_core.annotators import EXACT
from labelbench_core.annotators.annotations import read_annotations
from labelbench_core.configuration.experiment import annotator_of
from labelbench_core.datasets import DRAWN_FILE, POOL, open_dataset
from labelbench_core.errors import InputError, damaged
from labelbench_core.piping import CUT_SHORT, until_reader_leaves
from labelbench_core.stages.left_out import left_out
from labelbench_core.stages.plan import PlannedJob
from labelbench_core.stages.table import STAGES
from labelbench_core.storage import files, store
from labelbench_core.storage.records import read_record, read_with_digest
from labelbench_core.storage.round_files import INITIAL, ids_of_round, read_round
from labelbench_core.storage.zero_shot_file import read_head
from workflow_scripts import _noted_outputs
from workflow_scripts._completeness import what_is_missing
from workflow_scripts._experiment import add_experiment_arguments, experiment_of, run_command

Job = tuple[str, tuple[tuple[str, Any], ...]]
"""Stage and ids."""


def check_results(arguments: argparse.Namespace, options: object = None) -> None:
    experiment, jobs = experiment_of(arguments.configfile, arguments.config)
    name = experiment.experiment
    absent = left_out(name)
    paths = [one.path for job in jobs for one in job.outputs if one.path not in absent]
    wrong = {path: "missing" for path in paths if not os.path.exists(path)}
    digests: dict[Job, Mapping[str, str]] = {}
    for job in jobs:
        for problem in _problems(job, absent.union(wrong), digests):
            # An `InputError` begins with its file; of one file, the first problem is reported.
            path, _, told = problem.partition(": ")
            wrong.setdefault(path, told.partition("; delete ")[0] or "damaged")
    for path in _noted_outputs.differing(paths):
        wrong.setdefault(path, "differs from the record of the run that made it: edited or damaged")
    for path, told in wrong.items():
        print(f"{path}: {told}")
    left = f", {len(absent)} left out on purpose" if absent else ""
    print(f"checked: {len(paths)} results of {len(jobs)} jobs{left}; wrong: {len(wrong)}")
    if wrong:
        raise SystemExit(1)


def _problems(
    job: PlannedJob, absent: frozenset[str], digests: dict[Job, Mapping[str, str]]
) -> Iterator[str]:
    """What is wrong with the outputs of a job, each beginning with a file."""
    places = {one: job.stage.path(one).format_map(job.ids) for one in _single(job)}
    if absent.intersection(places.values()) - {places.get("weights")}:
        return  # reported already, or left out on purpose
    there = {one: Path(path) for one, path in places.items() if path not in absent}
    check = _CHECKS.get(job.stage.name)
    if check is not None:
        try:
            check(job, there, digests)
        except InputError as error:
            yield str(error)


def _single(job: PlannedJob) -> list[str]:
    """Names of the outputs that are one file or folder."""
    return [name for name, output in job.stage.outputs.items() if len(output.paths) == 1]


def _data_set(job: PlannedJob, places: Mapping[str, Path], _: object) -> None:
    _whole(places)
    dataset = open_dataset(places["manifest"].parent, job.ids["dataset"])
    dataset.verify()
    if "drawn" in dataset.manifest:
        read_record(dataset.folder / DRAWN_FILE, "drawn splits")


def _embeddings(job: PlannedJob, places: Mapping[str, Path], _: object) -> None:
    _whole(places)
    expected = {key: job.ids[key] for key in ("dataset", "backbone")}
    manifest = read_record(places["manifest"], "embeddings", expected)
    for split in manifest["splits"].values():
        for view in split["views"].values():
            store.check_array(places["arrays"] / view["array"], view)


def _whole(places: Mapping[str, Path]) -> None:
    told = what_is_missing(places["manifest"], places["arrays"])
    if told is not None:
        raise InputError(f"{places['manifest']}: incomplete: {told}")


def _initial_pool(
    job: PlannedJob, places: Mapping[str, Path], digests: dict[Job, Mapping[str, str]]
) -> None:
    _, digest = read_with_digest(places["pool"], "initial pool")
    digests[_key(job.stage.name, job.ids)] = {"record_sha256": digest}


def _round(
    job: PlannedJob, places: Mapping[str, Path], digests: dict[Job, Mapping[str, str]]
) -> None:
    number = job.ids.get("round", 0)
    ids = {"strategy": INITIAL, **job.ids, "annotator": _annotator(job)}
    found = read_round(places["record"], places["arrays"], ids_of_round(ids, number))
    digests[_key(job.stage.name, job.ids)] = found.digests
    before = digests.get(_before(job, number))
    if before is not None and found.record["previous"] != before:
        told = "previous: made from another round or initial pool than the one that is there now"
        raise damaged(places["record"], told)


def _annotator(job: PlannedJob) -> str | None:
    """The annotator as records name it: None for the exact one."""
    annotator = annotator_of(job.ids)
    return None if annotator == EXACT else annotator


def _before(job: PlannedJob, number: int) -> Job:
    """The job whose files a round was made from."""
    return _round_of(job, number - 1) if number else _key("draw_initial_pool", job.ids)


def _round_of(job: PlannedJob, number: int) -> Job:
    """Round `number` of the chain that a job belongs to."""
    stage = "select_round" if number else "train_initial"
    return _key(stage, {**job.ids, "round": number})


def _key(stage: str, ids: Mapping[str, Any]) -> Job:
    """A job; of `ids`, those that its stage has."""
    return stage, tuple((name, ids[name]) for name in STAGES[stage].ids)


def _finetuning(
    job: PlannedJob, places: Mapping[str, Path], digests: dict[Job, Mapping[str, str]]
) -> None:
    ids = ids_of_round({**job.ids, "annotator": _annotator(job)}, job.ids["round"])
    expected = {**ids, "trainer": job.ids["trainer"]}
    metrics = read_record(places["metrics"], "fine-tuning", expected)
    tuned_on = digests.get(_round_of(job, job.ids["round"]))
    if tuned_on is not None and metrics["previous"] != tuned_on:
        told = "previous: made from another round than the one that is there now"
        raise damaged(places["metrics"], told)
    for name in ("weights", "history"):
        digest = metrics.get(f"{name}_sha256")
        if name not in places or digest is None:
            continue
        if files.sha256_file(places[name]) != digest:
            told = f"content does not match its SHA-256 ({name}_sha256 in metrics.json)"
            raise damaged(places[name], told)


def _annotations(job: PlannedJob, places: Mapping[str, Path], _: object) -> None:
    manifest = _dataset_of(job)
    expected = {**_made_for(manifest), "annotator": _annotator(job)}
    num_rows = manifest["splits"][POOL]["num_rows"]
    read_annotations(places["record"], expected, num_rows, manifest["num_classes"])


def _head(job: PlannedJob, places: Mapping[str, Path], _: object) -> None:
    manifest = _dataset_of(job)
    expected = {**_made_for(manifest), "backbone": job.ids["backbone"]}
    read_head(places["head"], expected, manifest["num_classes"])


def _dataset_of(job: PlannedJob) -> dict[str, Any]:
    """The manifest of the data set that a job reads."""
    place = STAGES["prepare_dataset"].path("manifest").format_map(job.ids)
    return open_dataset(Path(place).parent, job.ids["dataset"]).manifest


def _made_for(manifest: Mapping[str, Any]) -> dict[str, str]:
    return {"dataset": manifest["dataset"], "dataset_fingerprint": manifest["fingerprint"]}


_CHECKS: Mapping[str, Callable[[PlannedJob, Mapping[str, Path], Any], None]] = {
    "prepare_dataset": _data_set,
    "extract_embeddings": _embeddings,
    "extract_views": _embeddings,
    "refresh_embeddings": _embeddings,
    "build_zero_shot_head": _head,
    "annotate": _annotations,
    "draw_initial_pool": _initial_pool,
    "train_initial": _round,
    "select_round": _round,
    "finetune_model": _finetuning,
}


@until_reader_leaves(CUT_SHORT)
def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").strip(), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_experiment_arguments(parser)
    return run_command(check_results, parser.parse_args(argv), [])


if __name__ == "__main__":
    sys.exit(main())
