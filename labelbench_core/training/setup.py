"""Setting up a training by a catalogue trainer, on images or on embeddings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from labelbench_core import registry
from labelbench_core.compute.values import normalized
from labelbench_core.errors import InputError
from labelbench_core.seeds import rng_for
from labelbench_core.trainers import Trainer
from labelbench_core.training.checkpoints import Checkpoint
from labelbench_core.training.examples import Examples
from labelbench_core.training.flops import training_flops
from labelbench_core.training.loop import Fit, train
from labelbench_core.training.network import Network
from labelbench_core.training.recipe import LEAST_TO_HOLD_OUT, Recipe, num_held_out
from labelbench_core.training.run import Task, Validation


@dataclass(frozen=True)
class Training:
    """A training ready to start: method, recipe and data."""

    method: Trainer
    recipe: Recipe
    task: Task

    @property
    def spent_beside(self) -> dict[str, int]:
        """What a record says of labels that were spent and not bought; nothing where none were."""
        if self.recipe.validation != "extra" or self.task.validation is None:
            return {}
        return {"extra_labels": len(self.task.validation.labels)}

    def run(
        self, network: Network, checkpoint: Checkpoint, flops_per_example: int
    ) -> tuple[Fit, int]:
        """Train `network` in place; the outcome, and its floating-point operations."""
        fit = train(network, self.method, self.recipe, self.task, checkpoint)
        return fit, training_flops(network, self.recipe, self.task, fit, flops_per_example)


def set_up(
    trainer: Mapping[str, Any],
    labels: np.ndarray,
    num_classes: int,
    names: tuple[str | int, ...],
    device: torch.device,
    *,
    labeled: Callable[[np.ndarray], Examples],
    unlabeled: Callable[[], Examples | None],
    extra: Callable[[int], Validation],
    weights: np.ndarray | None = None,
) -> Training:
    """The training that a trainer's entry describes.

    Parameters
    ----------
    trainer
        The catalogue's entry, with `implementation`, `options` and `training`.
    labels
        (L,) int64 of the labelled examples, or (L, C) of 0 and 1.
    names
        What every random stream is derived from.
    labeled
        Places among the L labelled examples → these examples.
    unlabeled
        Returns the unlabelled examples, None if there are none; called if the method uses them.
    extra
        Number of validation labels that were not bought → these examples and labels.
    weights
        (L,) weights of the labelled examples, above 0; None: all are equal.
    """
    recipe = Recipe.from_options(trainer.get("training"))
    method = registry.build("trainers", trainer)
    info = registry.describe("trainers", trainer["implementation"]).info
    kept, validation = np.arange(len(labels)), None
    if recipe.validation == "held-out":
        held = hold_out(labels, recipe.validation_size, names)
        kept = np.setdiff1d(kept, held)
        validation = Validation(
            labeled(held), labels[held], None if weights is None else weights[held]
        )
    elif recipe.validation == "extra":
        validation = extra(int(recipe.validation_size))
    if validation is not None and validation.weights is not None:
        validation = replace(validation, weights=normalized(validation.weights))
    task = Task(
        labeled=labeled(kept),
        labels=labels[kept],
        num_classes=num_classes,
        names=names,
        device=device,
        unlabeled=unlabeled() if info["needs_unlabeled"] else None,
        unlabeled_views=info["unlabeled_views"],
        validation=validation,
        weights=None if weights is None else normalized(weights[kept]),
    )
    return Training(method, recipe.for_labels(len(kept)), task)


def hold_out(labels: np.ndarray, share: float, names: tuple[str | int, ...]) -> np.ndarray:
    """Places of a random `share` of the labels, spread over the classes; at least one, never all.

    Where a row belongs to any number of classes: spread over the different sets of classes.

    `InputError` if there are not two labels.
    """
    if len(labels) < LEAST_TO_HOLD_OUT:
        raise InputError(
            f"training.validation: 'held-out' with {len(labels)} labels; allowed: none, or "
            f"{LEAST_TO_HOLD_OUT} labels or more"
        )
    count = num_held_out(len(labels), share)
    if labels.ndim > 1:
        labels = np.unique(labels, axis=0, return_inverse=True)[1].reshape(len(labels))
    shuffled = rng_for("validation", *names).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    # Evenly spaced over the sorted labels: every class gives its share.
    places = np.floor((np.arange(count) + 0.5) * len(labels) / count).astype(np.int64)
    return np.sort(by_class[places])


def extra_rows(available: int, size: int, names: tuple[str | int, ...]) -> np.ndarray:
    """`size` random rows, sorted, of a validation split of `available`; `InputError` if fewer."""
    if size > available:
        raise InputError(
            f"training.validation_size: {size}; allowed: at most {available}, the size of the data "
            "set's validation split"
        )
    return np.sort(rng_for("validation", *names).permutation(available)[:size])
