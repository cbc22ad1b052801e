"""A deep ensemble of shallow networks on embeddings: same labels, different starts and batches.

Predicts the mean of its members' probabilities; strategies that need a head or hidden activations
see the first member's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

import numpy as np

from labelbench_core.proxies import Statistics, TrainingSet
from labelbench_core.proxies.shallow import ShallowProxy
from labelbench_core.registry.options import Interval, Reference

INFO = {
    "summary": "several networks with one hidden layer; predicts the mean",
    "paper": "Lakshminarayanan et al., NeurIPS 2017",
    "provides": ["probabilities", "head", "member_probabilities"],
    "cost": "that of the shallow proxy for each member",
    "needs_torch": True,
    "weighted": True,
}


class ShallowEnsemble(ShallowProxy):
    """See the module and `labelbench_core.proxies`; `layers` are the first member's."""

    def __init__(self, members: int, hidden: int, trainer: Mapping[str, Any], threads: int) -> None:
        super().__init__(hidden, trainer, threads)
        self.members = [ShallowProxy(hidden, trainer, threads) for _ in range(members)]

    def fit(
        self,
        training: TrainingSet,
        rng: np.random.Generator,
        previous: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Train the members one after the other."""
        records = [member.fit(training, rng) for member in self.members]
        self.layers = self.members[0].layers
        return {
            "members": records,
            "converged": all(record["converged"] for record in records),
            "flops": sum(record["flops"] for record in records),
        }

    def predict_members(self, features: np.ndarray, members: slice = slice(None)) -> np.ndarray:
        """(n, m, C) float32 probabilities by the chosen members, for (n, D) rows as stored."""
        return np.stack([one.predict_proba(features) for one in self.members[members]], axis=1)

    def arrays(self) -> dict[str, np.ndarray]:
        """The members' layers, stacked, under `NAMES`."""
        members = zip(*(member.layers for member in self.members), strict=True)
        return {name: np.stack(layers) for name, layers in zip(self.NAMES, members, strict=True)}

    def restore(self, arrays: dict[str, np.ndarray], statistics: Statistics) -> Self:
        """Take over trained layers from `arrays`."""
        for place, member in enumerate(self.members):
            member.restore({name: arrays[name][place] for name in self.NAMES}, statistics)
        self.layers = self.members[0].layers
        return self

    def _probabilities(self, rows: np.ndarray) -> np.ndarray:
        return self.predict_members(rows).mean(axis=1)


def build(
    threads: int = 1,
    *,
    members: Annotated[int, Interval(ge=2, le=1000)] = 5,
    hidden: Annotated[int, Interval(ge=1, le=1_000_000)] = 512,
    trainer: Annotated[str, Reference("trainers")] = "embeddings-supervised",
    augmentation: Annotated[str, Reference("augmentations")] | None = None,
) -> ShallowEnsemble:
    """An ensemble of networks with one hidden layer.

    Parameters
    ----------
    threads
        Threads to use; the number can change the last digits.
    members
        Number of networks; a single one cannot disagree. Default: ours.
    hidden
        Number of units in each hidden layer. Default: ours.
    trainer
        Id in the catalogue's trainers.yaml of the trainer of each network. Default: ours.
    augmentation
        Id in the catalogue's augmentations.yaml of the cached views to train on. Semi-supervised
        trainers need it; null: the embeddings of the unchanged images. Default: ours.
    """
    return ShallowEnsemble(members, hidden, trainer, threads)
