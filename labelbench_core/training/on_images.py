"""End-to-end training of a backbone and a classifier on images, and its evaluation.

What `finetune_model` and the proxies that train a backbone in every round have in common.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from labelbench_core import metrics
from labelbench_core.backbones import Backbone
from labelbench_core.backbones.folding import Fold, fold_batch_norm
from labelbench_core.compute.flops import flops_per_image
from labelbench_core.compute.precision import autocast, training_precision
from labelbench_core.datasets import POOL, VAL, Images, PreparedDataset
from labelbench_core.training.batches import DeviceImages
from labelbench_core.training.checkpoints import Checkpoint
from labelbench_core.training.examples import ImageExamples
from labelbench_core.training.loop import Fit
from labelbench_core.training.network import Network, set_head
from labelbench_core.training.recipe import Recipe
from labelbench_core.training.run import Validation
from labelbench_core.training.setup import extra_rows, set_up

log = logging.getLogger(__name__)

EVALUATION_BATCH = 256


@dataclass(frozen=True)
class Start:
    """The initial network.

    Attributes
    ----------
    backbone
        The backbone with its pretrained weights.
    head
        (D, C) weights and (C,) bias of the classifier; None: zeros.
    unit_features
        Whether features get unit length before the classifier.
    """

    backbone: Backbone
    head: tuple[np.ndarray, np.ndarray] | None = None
    unit_features: bool = False


def zero_shot_start(backbone: Backbone, zero_shot: Mapping[str, np.ndarray]) -> Start:
    """The start from the classifier of the class names, `backbones.zero_shot`."""
    weights = zero_shot["weights"] * zero_shot["scale"]
    head = weights, np.zeros(weights.shape[1], np.float32)
    return Start(backbone, head, unit_features=True)


@dataclass(frozen=True)
class Trained:
    """A trained network.

    Attributes
    ----------
    network
        The network, in evaluation mode, on its device; BatchNorms may be folded.
    folds
        The folded BatchNorms.
    validation_size
        Labels that were not trained on, part of those bought or in addition to them.
    flops
        Floating-point operations of the training, estimated: those of layers, three passes for
        every image with a gradient and one for every other.
    flops_per_image
        Floating-point operations of one forward pass of one image.
    spent_beside
        What a record says of labels that were spent and not bought.
    """

    network: Network
    folds: list[Fold]
    fit: Fit
    device: torch.device
    dtype: torch.dtype
    validation_size: int
    flops: int
    flops_per_image: int
    spent_beside: Mapping[str, int]


def train_network(
    dataset: PreparedDataset,
    labeled: np.ndarray,
    labels: np.ndarray,
    start: Start,
    trainer: Mapping[str, Any],
    names: tuple[str | int, ...],
    checkpoint: Checkpoint,
    device: torch.device,
    threads: int,
    *,
    weights: np.ndarray | None = None,
    validation_weights: np.ndarray | None = None,
) -> Trained:
    """Train on some examples of the pool.

    Parameters
    ----------
    labeled, labels
        (L,) indices into the pool, and (L,) or (L, C) their labels.
    trainer
        The catalogue's entry, with `implementation`, `options` and `training`.
    names
        What every random stream is derived from.
    checkpoint
        File that an interrupted run leaves, to resume from.
    threads
        Threads for decoding.
    weights, validation_weights
        (L,) of the examples and (V,) of all validation labels, above 0; None: all are equal.
    """
    recipe = Recipe.from_options(trainer.get("training"))
    network, folds = _network(start, recipe, dataset.num_classes)
    framing = start.backbone.framing
    images = dataset.images(POOL, threads=threads, framing=framing)

    def examples(source: Images, indices: np.ndarray) -> ImageExamples:
        on_device = DeviceImages(source, indices, device)
        return ImageExamples(on_device, start.backbone.preprocess, recipe)

    def unlabeled() -> ImageExamples | None:
        indices = np.setdiff1d(np.arange(len(images)), labeled)
        return examples(images, indices) if len(indices) else None

    def extra(size: int) -> Validation:
        available = len(dataset.labels(VAL)) if VAL in dataset.splits else 0
        rows = extra_rows(available, size, names)
        source = dataset.images(VAL, threads=threads, framing=framing)
        of_rows = None if validation_weights is None else validation_weights[rows]
        return Validation(examples(source, rows), dataset.labels(VAL)[rows], of_rows)

    training = set_up(
        trainer,
        labels,
        dataset.num_classes,
        names,
        device,
        labeled=lambda places: examples(images, labeled[places]),
        unlabeled=unlabeled,
        extra=extra,
        weights=weights,
    )
    per_image = flops_per_image(network, start.backbone.input_size)
    fit, flops = training.run(network, checkpoint, per_image)
    validation = training.task.validation
    size = 0 if validation is None else len(validation.labels)
    dtype = training_precision(recipe.precision, device)
    spent = training.spent_beside
    return Trained(network, folds, fit, device, dtype, size, flops, per_image, spent)


def _network(start: Start, recipe: Recipe, num_classes: int) -> tuple[Network, list[Fold]]:
    """The network at its start, and which BatchNorms were folded."""
    backbone = start.backbone
    model, folds = backbone.model, []
    if recipe.batch_norm == "folded":
        model, folds = fold_batch_norm(model, backbone.input_size)
        log.info("%d BatchNorms folded", len(folds))
    network = Network(model, backbone.num_features, num_classes, unit_features=start.unit_features)
    if start.head is not None:
        set_head(network, *start.head)
    return network, folds


def evaluate(
    trained: Trained,
    backbone: Backbone,
    dataset: PreparedDataset,
    splits: Sequence[str],
    threads: int,
) -> dict[str, dict[str, float]]:
    """Metrics by split."""
    network = for_inference(trained, backbone)
    return {
        split: metrics.evaluate(
            predict_proba(
                network,
                backbone,
                dataset.images(split, threads=threads, framing=backbone.framing),
                trained.device,
                trained.dtype,
                multilabel=dataset.labels(split).ndim > 1,
            ),
            dataset.labels(split),
            dataset.groups(split),
            dataset.evaluation_weights(split),
        )
        for split in splits
    }


def for_inference(trained: Trained, backbone: Backbone) -> Network:
    """The network; where BatchNorms are left, a copy with these folded."""
    network = trained.network
    model, folds = fold_batch_norm(network.backbone, backbone.input_size)
    if not folds:
        return network
    sizes = network.head.in_features, network.head.out_features
    copy = Network(model, *sizes, unit_features=bool(network.unit_features))
    copy.head = network.head
    return copy.eval().to(device=trained.device, memory_format=torch.channels_last)


def predict_proba(
    network: Network,
    backbone: Backbone,
    images: Images,
    device: torch.device,
    dtype: torch.dtype,
    *,
    multilabel: bool = False,
) -> np.ndarray:
    """(N, C) float32 class probabilities of all `images`.

    The softmax is taken in float32, so that probabilities near 1 stay distinct. If a diverged
    network gives no finite logits, the probabilities are uniform.

    Parameters
    ----------
    multilabel
        Whether a row belongs to any number of classes: then each has a logistic function.
    """
    rows = np.arange(len(images))
    # Nothing is kept on the device: every image is seen once.
    source = DeviceImages(images, rows, device, resident_bytes=0)
    plans = np.split(rows, np.arange(EVALUATION_BATCH, len(rows), EVALUATION_BATCH))
    parts = []
    with torch.inference_mode():
        for _, batch in source.batches(plans):
            with autocast(device, dtype):
                features = network.backbone(backbone.preprocess(batch))
            logits = network.classify(features.float())
            logits = torch.where(logits.isfinite().all(dim=1, keepdim=True), logits, 0.0)
            p = logits.sigmoid() if multilabel else logits.softmax(dim=1)
            parts.append(p.cpu().numpy())
    return np.concatenate(parts)
