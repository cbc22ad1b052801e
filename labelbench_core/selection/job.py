"""A round to be made: its name, its inputs, and its random streams."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from labelbench_core import registry
from labelbench_core.compute.values import normalized
from labelbench_core.datasets import POOL, VAL
from labelbench_core.proxies import Proxy, TrainingSet
from labelbench_core.seeds import rng_for
from labelbench_core.selection.annotator import LabelSeller
from labelbench_core.selection.data import RoundData, option
from labelbench_core.storage.files import Json
from labelbench_core.storage.job_settings import JobSettings
from labelbench_core.storage.round_files import INITIAL, Round
from labelbench_core.storage.rows import RowSource

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RoundJob:
    """A round to be made.

    Attributes
    ----------
    data
        What all rounds on a data set and backbone read, without labels.
    settings
        Ids `dataset`, `backbone` and `seed`, and the catalogue's entries `proxy`, `schedule` and,
        except for round 0, `strategy`. They are read by `ids` and `entry` alone: the params of a
        job hold the entry of a backbone that its proxy trains (`storage.job_settings`).
    seller
        Sells the pool's labels; knows those bought so far.
    previous
        The previous round; None in round 0.
    threads
        Number of threads, without influence on results.
    """

    data: RoundData
    settings: Mapping[str, Any]
    seller: LabelSeller
    previous: Round | None = None
    threads: int = 1

    @property
    def number(self) -> int:
        """Number of the round, from 0."""
        return 0 if self.previous is None else self.previous.record["round"] + 1

    @property
    def strategy(self) -> str:
        """The strategy's id; round 0 is the same for all of them."""
        return INITIAL if self.previous is None else JobSettings.of(self.settings).ids["strategy"]

    @property
    def state(self) -> Mapping[str, Any]:
        """What the strategy returned for itself in the round before; nothing in round 0."""
        return {} if self.previous is None else self.previous.record["state"]

    @property
    def fit_before(self) -> Mapping[str, Any] | None:
        """What the previous round recorded of its fit; None if that was on other embeddings."""
        before = self.previous
        if before is None or before.record["source"] != self.data.source:
            return None  # values chosen for other embeddings are chosen again
        return before.record["fit"]

    def ids(self) -> dict[str, Any]:
        """The ids of the round, as in its record."""
        named = JobSettings.of(self.settings).ids
        keys = ("dataset", "backbone", "seed", "proxy", "schedule")
        ids = {key: named[key] for key in keys}
        return {**ids, "strategy": self.strategy, "round": self.number}

    def entry(self, key: str) -> Mapping[str, Any]:
        """The catalogue's entry of what a key of the settings names."""
        return JobSettings.of(self.settings).entries[key]

    def rng(self, role: str) -> np.random.Generator:
        """A random stream for each role in this round."""
        ids = self.ids()
        chain = (ids[name] for name in ("dataset", "backbone", "proxy", "schedule", "strategy"))
        return rng_for(role, *chain, ids["seed"], ids["round"])

    def build_proxy(self) -> Proxy:
        """An untrained proxy."""
        return registry.build("proxies", self.entry("proxy"), self.threads)

    def training_set(
        self,
        indices: np.ndarray,
        labels: np.ndarray,
        *,
        previous: Mapping[str, np.ndarray] | None = None,
        resumed: bool = True,
    ) -> TrainingSet:
        """The pool with these labels, for a proxy.

        Parameters
        ----------
        previous
            Arrays of the round before.
        resumed
            Whether an interrupted training is continued, from the checkpoint that `data` names.
        """
        data = self.data
        return TrainingSet(
            pool=data.embeddings["pool"],
            indices=indices,
            labels=labels,
            num_classes=data.num_classes,
            statistics=data.statistics,
            views=data.views,
            backbone=data.backbone,
            zero_shot=data.zero_shot,
            validation=self._validation(),
            weights=self._weights(POOL, indices),
            validation_weights=self._weights(VAL),
            previous=previous or {},
            checkpoint=data.checkpoint if resumed else None,
        )

    def _weights(self, split: str, rows: np.ndarray | None = None) -> np.ndarray | None:
        """Weights of a split's rows in training, all or some; None where it has none."""
        weights = self.data.training_weights.get(split)
        return weights if weights is None or rows is None else normalized(weights[rows])

    def _validation(self) -> tuple[RowSource, np.ndarray] | None:
        """The validation split, for a trainer that says that its labels stand beside the budget."""
        trainer: Json = option(self.entry("proxy"), "trainer")
        training: Mapping[str, Any] = {}
        if isinstance(trainer, Mapping):
            training = trainer.get("training") or {}
        if training.get("validation") != "extra" or VAL not in self.data.embeddings:
            return None
        return self.data.embeddings[VAL], self.data.truth[VAL]


class timed:
    """Log how long a phase took."""

    def __init__(self, phase: str) -> None:
        self.phase = phase

    def __enter__(self) -> None:
        self.started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        log.info("%s: %.3f s", self.phase, time.perf_counter() - self.started)
