"""Networks on cached embeddings, trained by any trainer; what several proxies share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from labelbench_core.compute.devices import choose_device, prepare_cpu
from labelbench_core.errors import InputError, shown
from labelbench_core.proxies import TrainingSet
from labelbench_core.training.checkpoints import Checkpoint
from labelbench_core.training.examples import EmbeddingExamples
from labelbench_core.training.network import Network
from labelbench_core.training.run import Validation
from labelbench_core.training.setup import extra_rows, set_up

# Up to this size, the pool and its views are read into memory once.
RESIDENT_BYTES = 4 << 30


def train_on_embeddings(
    training: TrainingSet,
    hidden: int,
    trainer: Mapping[str, Any],
    rng: np.random.Generator,
    threads: int,
) -> tuple[Network, dict[str, Any]]:
    """A network on standardised embeddings, and what to record of its training.

    Parameters
    ----------
    hidden
        Width of the hidden layer; 0: a linear classifier.
    trainer
        The catalogue's entry, with `implementation`, `options` and `training`.
    rng
        All random streams of the training are derived from it.

    Returns
    -------
    The network, on the CPU in evaluation mode: `backbone` is the hidden layer, `head` the last.
    """
    prepare_cpu(threads)
    device = torch.device(choose_device())
    names = ("proxy", str(rng.integers(2**63)))
    network = _network(training, hidden, rng)
    if isinstance(trainer, str):  # the catalogue's id; jobs get its entry in its place
        raise InputError(
            f"options.trainer: {shown(trainer)}; allowed, in Python: its entry, as `id`, "
            "`implementation`, `options` and `training`"
        )
    views = _views(training)

    def examples(indices: np.ndarray) -> EmbeddingExamples:
        statistics = training.statistics
        return EmbeddingExamples(views, indices, statistics.mean, statistics.scale, device)

    def unlabeled() -> EmbeddingExamples | None:
        if "strong" not in views:
            raise InputError(
                f"options.augmentation: null; trainer {trainer['id']!r} needs views of unlabelled "
                "rows; allowed: an id of the catalogue's augmentations"
            )
        indices = training.unlabeled()
        return examples(indices) if len(indices) else None

    prepared = set_up(
        trainer,
        training.labels,
        training.num_classes,
        names,
        device,
        labeled=lambda places: examples(training.indices[places]),
        unlabeled=unlabeled,
        extra=lambda size: _validation(training, size, names, device),
        weights=training.weights,
    )
    # Two operations for each weight and example.
    per_example = 2 * sum(parameter.numel() for parameter in network.parameters())
    fit, flops = prepared.run(network, Checkpoint(None, ""), per_example)
    return network.cpu().eval(), {**fit.record(flops), **prepared.spent_beside}


def _validation(
    training: TrainingSet, size: int, names: tuple[str, ...], device: torch.device
) -> Validation:
    """`size` rows of the validation split, whose labels were not bought."""
    rows, labels = training.validation or (np.zeros((0, 0), np.float32), np.zeros(0, np.int64))
    chosen = extra_rows(len(labels), size, names)
    statistics = training.statistics
    views = {"plain": [rows]}
    examples = EmbeddingExamples(views, chosen, statistics.mean, statistics.scale, device)
    weights = training.validation_weights
    return Validation(examples, labels[chosen], None if weights is None else weights[chosen])


def _network(training: TrainingSet, hidden: int, rng: np.random.Generator) -> Network:
    """Hidden weights as torch's own layers draw them; the last layer starts from zeros."""
    features = training.pool.shape[1]
    if not hidden:
        return Network(torch.nn.Identity(), features, training.num_classes)
    layer = torch.nn.Linear(features, hidden)
    with torch.no_grad():
        for parameter in (layer.weight, layer.bias):
            drawn = rng.uniform(-1, 1, parameter.shape) / np.sqrt(features)
            parameter.copy_(torch.from_numpy(drawn))
    network = torch.nn.Sequential(layer, torch.nn.ReLU())
    return Network(network, hidden, training.num_classes)


def _views(training: TrainingSet) -> dict[str, list[Any]]:
    """The pool and its views by name, in memory if they fit; the pool is its own weak view."""
    views = {
        "plain": [training.pool],
        "weak": list(training.views.get("weak") or [training.pool]),
    }
    if "strong" in training.views:
        views["strong"] = list(training.views["strong"])
    arrays = {id(array): array for group in views.values() for array in group}
    size = sum(
        array.shape[0] * array.shape[1] * np.dtype(array.dtype).itemsize
        for array in arrays.values()
    )
    if size > RESIDENT_BYTES:
        return views
    loaded = {key: array.load() for key, array in arrays.items()}
    return {name: [loaded[id(array)] for array in group] for name, group in views.items()}
