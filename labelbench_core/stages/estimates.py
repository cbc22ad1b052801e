"""What an experiment will cost, from its configuration, before anything of it has run.

Floating-point operations are counted as jobs count them for their records: networks are built with
their shapes alone (torch's device "meta"), and every training runs to its last step. What depends
on the data is not guessed, but unknown: how long the linear proxy's solver takes, trainings that
diverge and start again, or that end early when their patience runs out.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from labelbench_core import registry
from labelbench_core.configuration import entries
from labelbench_core.configuration.catalogue import Catalogue
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.errors import InputError
from labelbench_core.metrics.signals import STOP_ROWS
from labelbench_core.proxies import OfNetwork
from labelbench_core.stages.plan import Needs, jobs_of, passing_rounds
from labelbench_core.stages.table import STAGES, Stage
from labelbench_core.training.recipe import Recipe

if TYPE_CHECKING:
    from torch import nn

    from labelbench_core.backbones import Outline

HALF = 2  # bytes of a feature, and of a weight of a network on images
SINGLE = 4  # bytes of a weight of a proxy on embeddings
LABEL_INDEX = 8  # bytes of an index in a round's arrays
STOP_SET_CLASS = 2  # bytes of a class predicted for a row of the stop set


@dataclass(frozen=True)
class DatasetFacts:
    """What is known of a data set: rows by split, and its number of classes; None: not known."""

    splits: Mapping[str, int] = field(default_factory=dict)
    num_classes: int | None = None


@dataclass(frozen=True)
class StageEstimate:
    """What the jobs of a stage cost together.

    Attributes
    ----------
    flops
        Floating-point operations; None where one job's are unknown.
    disk
        Bytes of its arrays and weights that stay; None where unknown.
    on_gpu
        Whether its jobs use a GPU where there is one.
    unknown
        Why something is unknown.
    """

    stage: str
    jobs: int
    flops: int | None
    disk: int | None
    on_gpu: bool = False
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class JobEstimate:
    """What a job costs, as `StageEstimate`."""

    stage: Stage
    ids: Mapping[str, Any]
    flops: int | None
    disk: int | None
    unknown: tuple[str, ...] = ()


class _Unknown(Exception):
    """Something that is not known before it has run; the text says why."""


def _once(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, called once for equal arguments; what is unknown stays so."""

    @functools.cache
    def outcome(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except _Unknown as reason:
            return reason

    def call(*arguments: Any) -> Any:
        found = outcome(*arguments)
        if isinstance(found, _Unknown):
            raise found
        return found

    return call


def estimate(
    experiment: Experiment,
    catalogue: Catalogue,
    needs: Needs,
    facts: Mapping[str, DatasetFacts],
) -> list[StageEstimate]:
    """What the stages cost, in the order in which they run; those without a job are left out.

    Parameters
    ----------
    facts
        Data set → what is known of it.
    """
    by_stage: dict[str, list[JobEstimate]] = {}
    for job in estimate_jobs(experiment, catalogue, needs, facts):
        by_stage.setdefault(job.stage.name, []).append(job)
    return [
        StageEstimate(
            name,
            len(jobs),
            _sum(job.flops for job in jobs),
            _sum(job.disk for job in jobs),
            any(_uses_gpu(job.stage, job.ids, catalogue) for job in jobs),
            tuple(dict.fromkeys(reason for job in jobs for reason in job.unknown)),
        )
        for name, jobs in by_stage.items()
    ]


def estimate_jobs(
    experiment: Experiment,
    catalogue: Catalogue,
    needs: Needs,
    facts: Mapping[str, DatasetFacts],
) -> Iterator[JobEstimate]:
    """What every job costs, stage by stage; see `estimate`."""
    costs = _Costs(catalogue, needs, facts, passing_rounds(experiment, needs))
    for stage in STAGES.values():
        for ids in jobs_of(stage, experiment, needs):
            amounts: list[int | None] = []
            reasons: list[str] = []
            for count in (costs.flops, costs.disk):
                try:
                    amounts.append(count(stage, ids))
                except _Unknown as reason:
                    amounts.append(None)
                    reasons.append(str(reason))
            flops, disk = amounts
            yield JobEstimate(stage, ids, flops, disk, tuple(dict.fromkeys(reasons)))


def _sum(amounts: Iterable[int | None]) -> int | None:
    """The sum of `amounts`; None where one is not known."""
    found = list(amounts)
    known = [amount for amount in found if amount is not None]
    return sum(known) if len(known) == len(found) else None


def _uses_gpu(stage: Stage, ids: Mapping[str, Any], catalogue: Catalogue) -> bool:
    if stage.runs_backbone == "always":
        return True
    return "proxy" in ids and bool(entries.info(catalogue, ids["proxy"])["needs_torch"])


class _Costs:
    """Costs of single jobs; what several have in common is computed once."""

    def __init__(
        self,
        catalogue: Catalogue,
        needs: Needs,
        facts: Mapping[str, DatasetFacts],
        passing: frozenset[int],
    ) -> None:
        self._catalogue, self._needs, self._facts, self._passing = catalogue, needs, facts, passing
        self.backbone = _once(self._backbone)
        self.network = _once(self._network)
        self.training = _once(self._training)

    def flops(self, stage: Stage, ids: Mapping[str, Any]) -> int:
        """Floating-point operations of a job; 0 where it does not count them."""
        if not stage.flops:
            return 0
        if stage.name in ("extract_embeddings", "refresh_embeddings"):
            images = sum(self.splits(ids).values())
            return images * self.backbone(ids["backbone"])[1]
        if stage.name == "extract_views":
            return self._num_views(ids) * self.rows(ids) * self.backbone(ids["backbone"])[1]
        if stage.name == "finetune_model":
            network, per_image = self.network(ids["backbone"], self.classes(ids))
            return self._of_training(network, ids["trainer"], ids, per_image)
        return self._of_round(ids)

    def disk(self, stage: Stage, ids: Mapping[str, Any]) -> int:
        """Bytes of a job's arrays; those of a data set itself are not counted."""
        if stage.name in ("extract_embeddings", "refresh_embeddings"):
            features = self.backbone(ids["backbone"])[0].num_features
            return HALF * features * sum(self.splits(ids).values())
        if stage.name == "extract_views":
            features = self.backbone(ids["backbone"])[0].num_features
            return HALF * features * self.rows(ids) * self._num_views(ids)
        if stage.name == "finetune_model":
            if ids["round"] in self._passing:
                return 0
            network, _ = self.network(ids["backbone"], self.classes(ids))
            return HALF * _size(network)
        if stage.name in ("train_initial", "select_round"):
            watched = STOP_SET_CLASS * min(self.rows(ids), STOP_ROWS)
            return LABEL_INDEX * self.num_labeled(ids) + watched + self._of_proxy(ids)
        return 0

    def _of_proxy(self, ids: Mapping[str, Any]) -> int:
        """Bytes of what a round keeps of its proxy."""
        proxy, classes = ids["proxy"], self.classes(ids)
        features = self.backbone(ids["backbone"])[0].num_features
        if not entries.needs_images(self._catalogue, proxy):
            return SINGLE * self._members(proxy) * _size(self._on_embeddings(ids))
        size = HALF * features * self.rows(ids) + SINGLE * (features + 1) * classes
        if entries.option(self._catalogue, proxy, "start") == "warm":
            size += HALF * _size(self.network(ids["backbone"], classes, proxy)[0])
        return size

    def _members(self, proxy: str) -> int:
        return entries.option(self._catalogue, proxy, "members") or 1

    def _on_embeddings(self, ids: Mapping[str, Any]) -> nn.Module:
        """The network, a linear classifier where it has no hidden layer, of a proxy."""
        hidden = entries.option(self._catalogue, ids["proxy"], "hidden") or 0
        features = self.backbone(ids["backbone"])[0].num_features
        return _on_embeddings(features, hidden, self.classes(ids))

    def splits(self, ids: Mapping[str, Any]) -> Mapping[str, int]:
        """Rows by split."""
        found = self._facts[ids["dataset"]].splits
        if "pool" not in found:
            raise _Unknown(f"the size of data set {ids['dataset']!r}")
        return found

    def rows(self, ids: Mapping[str, Any]) -> int:
        """Number of rows of the pool."""
        return self.splits(ids)["pool"]

    def classes(self, ids: Mapping[str, Any]) -> int:
        """Number of classes of the data set."""
        found = self._facts[ids["dataset"]].num_classes
        if found is None:
            raise _Unknown(f"the number of classes of data set {ids['dataset']!r}")
        return found

    def num_labeled(self, ids: Mapping[str, Any]) -> int:
        """Labels after a round."""
        sizes = self._catalogue["schedules"][ids["schedule"]]
        if sizes["initial"] == "all":
            return self.rows(ids)
        return sizes["initial"] + ids.get("round", 0) * sizes["batch"]

    def _backbone(self, name: str) -> tuple[Outline, int]:
        """Shapes of a backbone, and FLOPs of a pass of one image."""
        from labelbench_core.compute.flops import flops_per_image

        entry = self._catalogue["backbones"][name]
        module = registry.load("backbones", entry["implementation"])
        if not hasattr(module, "outline"):
            raise _Unknown(f"the shapes of backbone {name!r}")
        try:
            outline = module.outline(**(entry.get("options") or {}))
        except InputError as error:
            raise _Unknown(f"the shapes of backbone {name!r} ({error})") from error
        return outline, flops_per_image(outline.model, outline.input_size)

    def _network(self, backbone: str, classes: int, proxy: str | None = None) -> Any:
        """The network that is trained on images, and FLOPs of a pass of one image."""
        import torch

        from labelbench_core.compute.flops import flops_per_image
        from labelbench_core.training.network import Network

        outline = self.backbone(backbone)[0]
        model = outline.model
        if proxy is not None:
            built = registry.build("proxies", entries.entry(self._catalogue, "proxies", proxy), 1)
            if not isinstance(built, OfNetwork):
                raise _Unknown(f"what proxy {proxy!r} trains")
            # A separate outline: adapters stay in the network that they are put into.
            model = built.outline(self._backbone(backbone)[0])
        with torch.device("meta"):
            network = Network(model, outline.num_features, classes)
        # The classifier is counted apart: it is kept out of mixed precision, which does not know
        # the device "meta".
        head = 2 * outline.num_features * classes
        return network, head + flops_per_image(network.backbone.eval(), outline.input_size)

    def _num_views(self, ids: Mapping[str, Any]) -> int:
        """Number of arrays of random views: only these are embedded."""
        from labelbench_core.embeddings.augmented import random_views

        entry = self._catalogue["augmentations"][ids["augmentation"]]
        return entry["draws"] * len(random_views(entry))

    def _of_round(self, ids: Mapping[str, Any]) -> int:
        """FLOPs of training a proxy and, for one on images, of embedding the pool."""
        proxy, classes = ids["proxy"], self.classes(ids)
        trainer = entries.trainer_of(self._catalogue, proxy)
        if entries.needs_images(self._catalogue, proxy):
            network, per_image = self.network(ids["backbone"], classes, proxy)
            trained = self._of_training(network, trainer, ids, per_image)
            return trained + per_image * self.rows(ids)
        if trainer is None or entries.option(self._catalogue, proxy, "refresh_every"):
            raise _Unknown(f"how long the solver of proxy {proxy!r} takes")
        network = self._on_embeddings(ids)
        # Two operations for each weight and example.
        per_example = 2 * sum(value.numel() for value in network.parameters())
        return self._members(proxy) * self._of_training(network, trainer, ids, per_example)

    def _of_training(
        self, network: nn.Module, trainer: str, ids: Mapping[str, Any], per_example: int
    ) -> int:
        return self.training(network, trainer, self.num_labeled(ids), self.rows(ids), per_example)

    def _training(
        self, network: nn.Module, trainer: str, labeled: int, rows: int, per_example: int
    ) -> int:
        from labelbench_core.training.flops import planned_flops

        entry = self._catalogue["trainers"][trainer]
        info = registry.describe("trainers", entry["implementation"]).info
        recipe = Recipe.from_options(entry.get("training"))
        return planned_flops(network, recipe, info, labeled, rows, per_example)


def _size(network: nn.Module) -> int:
    """Numbers in a network's file."""
    return sum(value.numel() for value in network.state_dict().values())


@functools.cache
def _on_embeddings(features: int, hidden: int, classes: int) -> nn.Module:
    """The network that a proxy trains on embeddings, without values."""
    import torch

    from labelbench_core.training.network import Network

    with torch.device("meta"):
        if not hidden:
            return Network(torch.nn.Identity(), features, classes)
        layer = torch.nn.Sequential(torch.nn.Linear(features, hidden), torch.nn.ReLU())
        return Network(layer, hidden, classes)
