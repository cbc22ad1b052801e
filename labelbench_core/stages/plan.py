"""The jobs of an experiment, from its data sets to its report, and everything that they make.

The Snakefile, the table of costs and the checks for completeness all use this plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from labelbench_core.configuration.experiment import Crossing, Experiment
from labelbench_core.configuration.json_values import read, read_json
from labelbench_core.embeddings.refreshing import refreshed_after
from labelbench_core.errors import InputError, listed
from labelbench_core.registry.options import Count
from labelbench_core.stages import report_files
from labelbench_core.stages.table import COSTED, STAGES, WEIGHTS, Output, Stage
from labelbench_core.storage.files import Json


@dataclass(frozen=True)
class Refresh:
    """A pool is embedded again after `every` rounds, by a network fine-tuned by `trainer` (id)."""

    every: Count
    trainer: str


@dataclass(frozen=True)
class ByClassNames:
    """Ids of the proxies and of the trainers that start from the class names."""

    proxies: tuple[str, ...] = ()
    trainers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Needs:
    """What some proxies and trainers need, from `entries.needs`.

    Attributes
    ----------
    augmentation
        Proxy → id of the augmentation whose views it is trained on.
    refresh
        Proxy → when its pool is embedded again, and by what.
    class_names
        What starts from the class names.
    images
        Ids of the proxies that train on images; all others read embeddings.
    replays
        Strategy that buys a recorded list → ids of those that it is compared with.
    """

    augmentation: Mapping[str, str] = field(default_factory=dict)
    refresh: Mapping[str, Refresh] = field(default_factory=dict)
    class_names: ByClassNames = ByClassNames()
    images: tuple[str, ...] = ()
    replays: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def from_json(cls, text: str) -> Needs:
        """Read JSON; `InputError` names the key that is missing or wrong."""
        return read_json(cls, text, "--needs")

    @classmethod
    def from_values(cls, values: Json) -> Needs:
        """Take over what `entries.needs` gives."""
        return read(cls, values, "needs")


@dataclass(frozen=True)
class PlannedOutput:
    """A file or folder that an experiment's jobs make: its path, its stage and its output."""

    path: str
    stage: Stage
    output: Output


@dataclass(frozen=True)
class PlannedJob:
    """A job of an experiment: its stage, its ids, and all that it makes."""

    stage: Stage
    ids: Mapping[str, Any]
    outputs: tuple[PlannedOutput, ...]

    @property
    def phase(self) -> tuple[int, int, int]:
        """A job depends only on jobs of earlier phases."""
        place = list(STAGES).index(self.stage.name)
        if self.stage not in COSTED:
            return (2, 0, place)
        # A round may read a pool that was re-embedded after the fine-tuning of an earlier one.
        in_chain = "round" in self.stage.ids or self.stage.name == "train_initial"
        if self.stage.name == "refresh_embeddings":
            place = list(STAGES).index("finetune_model") + 1
        return (int(in_chain), self.ids.get("round", 0), place)


def planned_jobs(experiment: Experiment, needs: Needs) -> Iterator[PlannedJob]:
    """All jobs of an experiment, each once, stage by stage, with the outputs that belong to it.

    Left out are only the weights of fine-tunings that the experiment does not keep
    (`finetune.keep`), which are removed when the last job that reads them has ended.
    """
    passing = passing_rounds(experiment, needs)
    for stage in STAGES.values():
        for ids in jobs_of(stage, experiment, needs):
            outputs = [
                PlannedOutput(path.format_map(ids), stage, output)
                for output in stage.outputs.values()
                if output.kind != WEIGHTS or ids["round"] not in passing
                for path in output.paths
            ]
            yield PlannedJob(stage, ids, tuple(outputs))


def planned_outputs(experiment: Experiment, needs: Needs) -> Iterator[PlannedOutput]:
    """Everything that belongs to an experiment, each file and folder once, stage by stage."""
    for job in planned_jobs(experiment, needs):
        yield from job.outputs


def jobs_of(stage: Stage, experiment: Experiment, needs: Needs) -> Iterator[dict[str, Any]]:
    """The ids of every job of a stage, each job once."""
    if stage not in COSTED:
        if _has_use(stage, needs):
            yield from report_files.jobs(stage.name, experiment)
        return
    seen = set()
    for ids in ids_of_jobs(stage.name, experiment, needs):
        key = tuple([ids[name] for name in stage.ids])
        if key not in seen:
            seen.add(key)
            yield dict(zip(stage.ids, key, strict=True))


def _has_use(stage: Stage, needs: Needs) -> bool:
    """Whether there is anything for a part of the report."""
    return stage.name != report_files.COMPARE_REPLAYS or bool(needs.replays)


def passing_rounds(experiment: Experiment, needs: Needs) -> frozenset[int]:
    """Rounds after which fine-tunings keep no weights.

    Where crossings differ, the most generous one decides. Fine-tunings after which a pool is
    re-embedded follow the `finetune.keep` of their crossing; without one, they are kept.
    """
    every, kept = set(), set()
    for crossing in experiment.crossings:
        rounds = {ids["round"] for ids in crossing.finetunings()}
        rounds |= {ids["round"] for ids in _refreshes(crossing, needs)}
        every |= rounds
        kept |= rounds & _kept_rounds(crossing, rounds)
    return frozenset(every - kept)


def _kept_rounds(crossing: Crossing, rounds: set[int]) -> set[int]:
    """Rounds of a crossing's fine-tunings, of all its `rounds`, that keep their weights."""
    chosen = crossing.finetune
    if chosen is None or chosen.keep == "all":
        return rounds
    if chosen.keep == "none":
        return set()
    # A model on the full data has no other round.
    at_once = {0} if set(chosen.strategies) & set(crossing.full_data) else set()
    return {max(chosen.rounds)} | at_once


def ids_of_jobs(stage: str, experiment: Experiment, needs: Needs) -> Iterator[dict[str, Any]]:
    """The ids of every job of a stage; a job that does not depend on all ids comes repeatedly."""
    if stage in ("prepare_dataset", "draw_initial_pool"):
        yield from experiment.selections()
    elif stage == "annotate":
        yield from (ids for ids in experiment.selections() if ids["annotator"])
    elif stage == "extract_embeddings":
        yield from (ids for ids in experiment.selections() if ids["proxy"] not in needs.images)
    elif stage == "train_initial":
        yield from (ids for ids in experiment.selections() if ids["round"] == 0)
    elif stage == "select_round":
        yield from (ids for ids in experiment.selections() if ids["round"] > 0)
    elif stage == "extract_views":
        for ids in experiment.selections():
            if ids["proxy"] in needs.augmentation:
                yield {**ids, "augmentation": needs.augmentation[ids["proxy"]]}
    elif stage == "refresh_embeddings":
        yield from _refreshes(experiment, needs)
    elif stage == "finetune_model":
        yield from experiment.finetunings()
        yield from _refreshes(experiment, needs)
    elif stage == "build_zero_shot_head":
        yield from _starts_from_class_names(experiment, needs)
    else:
        raise InputError(f"{stage}: no such stage; allowed: {listed(STAGES)}")


def _refreshes(experiment: Experiment | Crossing, needs: Needs) -> Iterator[dict[str, Any]]:
    """The ids of every fine-tuning after which the pool is re-embedded."""
    for ids in experiment.selections():
        if ids["proxy"] in needs.refresh:
            refresh = needs.refresh[ids["proxy"]]
            number = refreshed_after(refresh.every, ids["round"])
            if number is not None:
                yield {**ids, "trainer": refresh.trainer, "round": number}


def _starts_from_class_names(experiment: Experiment, needs: Needs) -> Iterator[dict[str, Any]]:
    for ids in experiment.selections():
        if ids["proxy"] in needs.class_names.proxies:
            yield ids
    for ids in ids_of_jobs("finetune_model", experiment, needs):
        if ids["trainer"] in needs.class_names.trainers:
            yield ids
