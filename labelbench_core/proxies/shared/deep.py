"""Proxies that train a backbone in every round: what fine-tuning and adapters share.

After each training the pool is embedded once with the new weights; the next round selects with
these embeddings and the classifier on them, which are in the round's file. No backbone has to be
loaded for selection.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import torch

from labelbench_core import registry
from labelbench_core.backbones import Backbone, Outline
from labelbench_core.compute.devices import choose_device, prepare_cpu
from labelbench_core.compute.halves import single
from labelbench_core.compute.likelihoods import softmax
from labelbench_core.compute.precision import autocast
from labelbench_core.datasets.rows.image_rows import BLOCK_ROWS, ImageRows
from labelbench_core.proxies import Statistics, TrainingSet
from labelbench_core.storage import files
from labelbench_core.storage.rows import ArrayRows
from labelbench_core.training.checkpoints import Checkpoint
from labelbench_core.training.fingerprint import fingerprint
from labelbench_core.training.on_images import (
    Start,
    Trained,
    for_inference,
    train_network,
)

log = logging.getLogger(__name__)


class DeepProxy(ABC):
    """See the module and `labelbench_core.proxies`.

    Rows are (n, H, W, 3) uint8 images or, as `pool_rows` gives the pool, (n, D) embeddings.

    Attributes
    ----------
    pool_features
        (N, D) float16 embeddings of the pool by the network as trained.
    weights, bias
        (D, C) and (C,) float32, for such embeddings.
    """

    def __init__(
        self, trainer: Mapping[str, Any], options: Mapping[str, Any], threads: int
    ) -> None:
        self.trainer, self.options, self.threads = trainer, options, threads
        self.pool_features = np.zeros((0, 0), np.float16)
        self.weights = np.zeros((0, 0), np.float32)
        self.bias = np.zeros(0, np.float32)
        self._embed_images: Any = None

    @abstractmethod
    def start(self, backbone: Backbone, training: TrainingSet, rng: np.random.Generator) -> Start:
        """The network that the training starts from, given the pretrained backbone."""

    def outline(self, backbone: Outline) -> torch.nn.Module:
        """The backbone's network as it is trained, without values, to estimate its cost."""
        return backbone.model

    def finish(self, trained: Trained) -> Trained:
        """The network to keep, given the trained one."""
        return trained

    def fit(
        self,
        training: TrainingSet,
        rng: np.random.Generator,
        previous: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Train the network, then embed the pool with it."""
        prepare_cpu(self.threads)
        device = torch.device(choose_device())
        entry = training.backbone
        backbone = registry.build("backbones", entry)
        names = ("proxy", str(rng.integers(2**63)))
        depends_on = fingerprint(
            type(self).__module__,
            training.pool.dataset,
            backbone,
            {"trainers": self.trainer, "backbones": entry},
            device,
            {
                "options": dict(self.options),
                "previous": files.sha256_arrays(training.previous),
                "labeled": files.sha256_arrays(_labeled(training)),
                **(
                    {"zero_shot": files.sha256_arrays(training.zero_shot)}
                    if training.zero_shot
                    else {}
                ),
                "names": names,
            },
        )
        trained = train_network(
            training.pool.dataset,
            training.indices,
            training.labels,
            self.start(backbone, training, rng),
            self.trainer,
            names,
            Checkpoint(training.checkpoint, depends_on),
            device,
            self.threads,
            weights=training.weights,
            validation_weights=training.validation_weights,
        )
        trained = self.finish(trained)
        self._keep(trained, backbone)
        blocks = (self.embed(images) for _, images in training.pool.blocks())
        self.pool_features = np.concatenate([rows.astype(np.float16) for rows in blocks])
        flops = trained.flops + trained.flops_per_image * len(training.pool)
        return {**trained.fit.record(flops), **trained.spent_beside}

    def pool_rows(self, pool: ImageRows) -> ArrayRows:
        """The pool as `predict_proba` and `embed` take it without a network."""
        return ArrayRows(self.pool_features, BLOCK_ROWS)

    def predict_proba(self, rows: np.ndarray) -> np.ndarray:
        """(n, C) float32."""
        return softmax(self.embed(rows) @ self.weights + self.bias)

    def embed(self, rows: np.ndarray) -> np.ndarray:
        """(n, D) float32 embeddings by the network as trained."""
        if rows.ndim == 2:
            return single(rows)
        if not len(rows):
            return np.zeros((0, len(self.weights)), np.float32)
        return self._embed_images(rows)

    def head(self) -> tuple[np.ndarray, np.ndarray]:
        """(D, C) weights and (C,) bias for rows of `embed`."""
        return self.weights, self.bias

    def arrays(self) -> dict[str, np.ndarray]:
        """`pool_features`, `head_weights`, `head_bias`."""
        return {
            "pool_features": self.pool_features,
            "head_weights": self.weights,
            "head_bias": self.bias,
        }

    def restore(self, arrays: dict[str, np.ndarray], statistics: Statistics) -> Self:
        """Take over the pool's embeddings and the classifier from `arrays`."""
        self.pool_features = arrays["pool_features"]
        self.weights, self.bias = arrays["head_weights"], arrays["head_bias"]
        return self

    def _keep(self, trained: Trained, backbone: Backbone) -> None:
        """Keep the trained network, to predict on images."""
        network = for_inference(trained, backbone)
        self.weights = network.head.weight.detach().cpu().numpy().T.copy()
        self.bias = network.head.bias.detach().cpu().numpy().copy()

        def embed(images: np.ndarray) -> np.ndarray:
            with torch.inference_mode(), autocast(trained.device, trained.dtype):
                pixels = torch.from_numpy(images).to(trained.device)
                features = network.backbone(backbone.preprocess(pixels)).float()
            # So that the classifier is linear in them.
            return network.before_head(features).cpu().numpy()

        self._embed_images = embed


def _labeled(training: TrainingSet) -> dict[str, np.ndarray]:
    """What is known of the labelled rows, and of validation's, beside their images."""
    found = {"indices": training.indices, "labels": training.labels}
    beside = {
        "weights": training.weights,
        "validation_weights": training.validation_weights,
    }
    return found | {name: array for name, array in beside.items() if array is not None}
