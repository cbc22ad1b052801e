"""A network with one hidden layer on embeddings, trained by any trainer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

import numpy as np

from labelbench_core.compute.halves import product
from labelbench_core.compute.likelihoods import softmax
from labelbench_core.proxies import Statistics, TrainingSet
from labelbench_core.proxies.shared.streaming import predict
from labelbench_core.proxies.shared.trained import train_on_embeddings
from labelbench_core.registry.options import Interval, Reference

INFO = {
    "summary": "one hidden layer on embeddings, trained by any trainer",
    "paper": "Zhang et al. 2024 (LabelBench)",
    "provides": ["probabilities", "head"],
    "cost": "steps B (D H + H C), B rows a step, H hidden units",
    "needs_torch": True,
    "weighted": True,
}


class ShallowProxy:
    """See the module and `labelbench_core.proxies`.

    Attributes
    ----------
    layers
        Hidden weights (D, H) and bias (H,) for embeddings as stored (standardisation is folded in),
        then the classifier's (H, C) and (C,); float32.
    """

    NAMES = ("hidden_weights", "hidden_bias", "head_weights", "head_bias")

    def __init__(self, hidden: int, trainer: Mapping[str, Any], threads: int) -> None:
        self.hidden, self.trainer, self.threads = hidden, trainer, threads
        self.layers: tuple[np.ndarray, ...] = ()

    def fit(
        self,
        training: TrainingSet,
        rng: np.random.Generator,
        previous: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Train from random hidden weights."""
        network, record = train_on_embeddings(
            training, self.hidden, self.trainer, rng, self.threads
        )
        first, last = network.backbone[0], network.head
        raw = [
            parameter.detach().numpy().astype(np.float64)
            for layer in (first, last)
            for parameter in (layer.weight.T, layer.bias)
        ]
        weights = raw[0] * training.statistics.scale[:, None]
        raw[:2] = [weights, raw[1] - training.statistics.mean @ weights]
        self.layers = tuple(np.ascontiguousarray(values, np.float32) for values in raw)
        return record

    def pool_rows(self, pool: Any) -> Any:
        """The pool as `predict_proba` and `embed` take it: as it is."""
        return pool

    def predict_proba(self, features: Any) -> np.ndarray:
        """(N, C) float32 for an (N, D) array or a `RowSource`, which is streamed."""
        return predict(self._probabilities, features, len(self.layers[3]), self.threads)

    def embed(self, features: np.ndarray) -> np.ndarray:
        """(N, H) float32 activations of the hidden layer."""
        rows = product(features, self.layers[0])
        rows += self.layers[1]
        return np.maximum(rows, 0, out=rows)

    def head(self) -> tuple[np.ndarray, np.ndarray]:
        """(H, C) weights and (C,) bias for rows of `embed`."""
        return self.layers[2], self.layers[3]

    def arrays(self) -> dict[str, np.ndarray]:
        """The layers, under `NAMES`."""
        return dict(zip(self.NAMES, self.layers, strict=True))

    def restore(self, arrays: dict[str, np.ndarray], statistics: Statistics) -> Self:
        """Take over trained layers from `arrays`."""
        self.layers = tuple(arrays[name] for name in self.NAMES)
        return self

    def _probabilities(self, rows: np.ndarray) -> np.ndarray:
        return softmax(self.embed(rows) @ self.layers[2] + self.layers[3])


def build(
    threads: int = 1,
    *,
    hidden: Annotated[int, Interval(ge=1, le=1_000_000)] = 512,
    trainer: Annotated[str, Reference("trainers")] = "embeddings-supervised",
    augmentation: Annotated[str, Reference("augmentations")] | None = None,
) -> ShallowProxy:
    """A network with one hidden layer of rectified units.

    Parameters
    ----------
    threads
        Threads to use; the number can change the last digits.
    hidden
        Number of units in the hidden layer. Default: ours.
    trainer
        Id in the catalogue's trainers.yaml of the trainer of the network. Default: ours.
    augmentation
        Id in the catalogue's augmentations.yaml of the cached views to train on. Semi-supervised
        trainers need it; null: the embeddings of the unchanged images. Default: ours.
    """
    return ShallowProxy(hidden, trainer, threads)
