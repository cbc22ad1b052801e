"""Networks on cached embeddings, trained by any trainer; what several proxies share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from labelbench_core import registry
from labelbench_core.compute.devices import choose_device, prepare_cpu
from labelbench_core.errors import InputError
from labelbench_core.proxies import TrainingSet
from labelbench_core.training.checkpoints import Checkpoint
from labelbench_core.training.examples import EmbeddingExamples
from labelbench_core.training.flops import training_flops
from labelbench_core.training.loop import train
from labelbench_core.training.network import Network
from labelbench_core.training.on_images import hold_out
from labelbench_core.training.recipe import Recipe
from labelbench_core.training.run import Task, Validation

# Up to this size, the pool and its views are read into memory once.
RESIDENT_BYTES = 4 << 30


def train_on_embeddings(
    training: TrainingSet,
    hidden: int,
    trainer: Mapping[str, Any],
    rng: np.random.Generator,
    threads: int,
) -> tuple[Network, dict[str, Any]]:
    """A network on standardised embeddings, and what is worth recording of its training.

    Parameters
    ----------
    hidden
        Width of the hidden layer; 0: a linear classifier.
    trainer
        The catalogue's entry, with `implementation`, `options` and `training`.
    rng
        Names all random streams of the training.

    Returns
    -------
    The network, on the CPU in evaluation mode: `backbone` is the hidden layer, `head` the last.
    """
    prepare_cpu(threads)
    device = torch.device(choose_device())
    recipe = Recipe.from_options(trainer.get("training"))
    method = registry.build("trainers", trainer)
    info = registry.describe("trainers", trainer["implementation"]).info
    names = ("proxy", str(rng.integers(2**63)))
    network = _network(training, hidden, rng)
    views = _views(training)

    def examples(indices: np.ndarray) -> EmbeddingExamples:
        statistics = training.statistics
        return EmbeddingExamples(views, indices, statistics.mean, statistics.scale, device)

    kept, validation = np.arange(len(training.labels)), None
    if recipe.validation == "held-out":
        held = hold_out(training.labels, recipe.validation_size, names)
        kept = np.setdiff1d(kept, held)
        validation = Validation(examples(training.indices[held]), training.labels[held])
    elif recipe.validation == "extra":
        raise InputError(
            "training.validation: 'extra'; allowed in proxies: none, held-out (a round's budget "
            "holds all labels that are spent)"
        )
    needs_unlabeled = info["needs_unlabeled"]
    if needs_unlabeled and "strong" not in views:
        raise InputError(
            f"trainer {trainer['id']!r} needs views of unlabelled rows; give the proxy an "
            "`augmentation`"
        )
    unlabeled = training.unlabeled() if needs_unlabeled else np.zeros(0, np.int64)
    task = Task(
        labeled=examples(training.indices[kept]),
        labels=training.labels[kept],
        num_classes=training.num_classes,
        names=names,
        device=device,
        unlabeled=examples(unlabeled) if len(unlabeled) else None,
        unlabeled_views=info.get("unlabeled_views", 2),
        validation=validation,
    )
    fit = train(network, method, recipe, task, Checkpoint(None, ""))
    # Two operations for each weight and example.
    per_example = 2 * sum(parameter.numel() for parameter in network.parameters())
    flops = training_flops(network, recipe, task, fit, per_example)
    return network.cpu().eval(), fit.record(flops)


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
