"""Which jobs an experiment consists of, from its data sets to its fine-tunings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labelbench_core.errors import InputError
from labelbench_core.experiment import Experiment
from labelbench_core.refreshing import refreshed_after


@dataclass(frozen=True)
class Needs:
    """What some proxies and trainers need, as `proxy_entries.needs` finds it.

    Attributes
    ----------
    augmentation
        Proxy → id of the augmentation whose views it is trained on.
    refresh
        Proxy → `every` (rounds from one refresh to the next) and `trainer` (id).
    class_names
        "proxies" and "trainers" → ids of those that start from the class names.
    images
        Ids of the proxies that train on images; all others read embeddings.
    """

    augmentation: Mapping[str, str] = field(default_factory=dict)
    refresh: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    class_names: Mapping[str, list[str]] = field(default_factory=dict)
    images: Sequence[str] = ()

    @classmethod
    def from_json(cls, text: str) -> Needs:
        """Read JSON; `InputError` if it has anything else."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError) as error:
            raise InputError(f"--needs {text}: {error}") from error


def ids_of_jobs(stage: str, experiment: Experiment, needs: Needs) -> Iterator[dict[str, Any]]:
    """The ids of every job of a stage; of those that do not depend on all ids, several times."""
    if stage in ("prepare_dataset", "draw_initial_pool"):
        yield from experiment.selections()
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
        raise InputError(f"{stage}: there is no such stage")


def _refreshes(experiment: Experiment, needs: Needs) -> Iterator[dict[str, Any]]:
    """The ids of every fine-tuning after which the pool is embedded anew."""
    for ids in experiment.selections():
        if ids["proxy"] in needs.refresh:
            refresh = needs.refresh[ids["proxy"]]
            number = refreshed_after(refresh["every"], ids["round"])
            if number is not None:
                yield {**ids, "trainer": refresh["trainer"], "round": number}


def _starts_from_class_names(experiment: Experiment, needs: Needs) -> Iterator[dict[str, Any]]:
    for ids in experiment.selections():
        if ids["proxy"] in needs.class_names.get("proxies", ()):
            yield ids
    for ids in ids_of_jobs("finetune_model", experiment, needs):
        if ids["trainer"] in needs.class_names.get("trainers", ()):
            yield ids
