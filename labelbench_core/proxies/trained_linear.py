"""A linear classifier on embeddings, trained by any trainer, semi-supervised ones included.

With a supervised trainer, the proxy `linear` reaches the optimum of the same loss, and faster.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np

from labelbench_core.proxies import TrainingSet
from labelbench_core.proxies.shared.linear_head import LinearClassifier
from labelbench_core.proxies.shared.trained import train_on_embeddings
from labelbench_core.registry.options import Reference

INFO = {
    "summary": "linear classifier on embeddings, trained by any trainer",
    "paper": "Zhang et al. 2024 (LabelBench)",
    "provides": ["probabilities", "head"],
    "cost": "steps B D C, B rows a step",
    "needs_torch": True,
    "pretrained_head": True,
    "multilabel": True,
    "weighted": True,
}


class TrainedLinear(LinearClassifier):
    """See the module and `labelbench_core.proxies`; predicts as the linear probe does."""

    def __init__(self, trainer: Mapping[str, Any], threads: int) -> None:
        super().__init__(threads)
        self.trainer = trainer

    def fit(
        self,
        training: TrainingSet,
        rng: np.random.Generator,
        previous: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Train from zeros."""
        self.statistics, self.multilabel = training.statistics, training.multilabel
        network, record = train_on_embeddings(training, 0, self.trainer, rng, self.threads)
        head = (
            parameter.detach().numpy().astype(np.float64)
            for parameter in (network.head.weight.T, network.head.bias)
        )
        self.weights, self.bias = self._for_stored(*head)
        return record


def build(
    threads: int = 1,
    *,
    trainer: Annotated[str, Reference("trainers")] = "embeddings-supervised",
    augmentation: Annotated[str, Reference("augmentations")] | None = None,
) -> TrainedLinear:
    """A linear classifier trained by a trainer.

    Parameters
    ----------
    threads
        Threads to use; the number can change the last digits.
    trainer
        Id in the catalogue's trainers.yaml of the trainer of the classifier. Default: ours.
    augmentation
        Id in the catalogue's augmentations.yaml of the cached views to train on. Semi-supervised
        trainers need it; null: the embeddings of the unchanged images. Default: ours.
    """
    return TrainedLinear(trainer, threads)
