"""What a training costs in floating-point operations, the same on every device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from labelbench_core.training.recipe import num_held_out

if TYPE_CHECKING:
    from torch import nn

    from labelbench_core.training.loop import Fit
    from labelbench_core.training.recipe import Recipe
    from labelbench_core.training.run import Task


def training_flops(
    network: nn.Module,
    recipe: Recipe,
    task: Task,
    fit: Fit,
    per_example: int,
) -> int:
    """Floating-point operations of a training, estimated from those of a pass of one example."""
    passes = passes_of_step(
        network,
        recipe,
        len(task.labels),
        0 if task.unlabeled is None else len(task.unlabeled),
        task.unlabeled_views,
    )
    passes *= sum(attempt["steps"] for attempt in fit.attempts)
    if task.validation is not None:
        passes += len(fit.validation) * len(task.validation.labels)
    return round(passes * per_example)


def planned_flops(
    network: nn.Module,
    recipe: Recipe,
    trainer: Mapping[str, Any],
    num_labeled: int,
    pool_rows: int,
    per_example: int,
) -> int:
    """`training_flops` before a training, if it runs to its last step and does not diverge.

    Parameters
    ----------
    network
        Like the network that will be trained; its values play no part.
    trainer
        `INFO` of its method, as `registry.describe` gives it.
    num_labeled
        Labels bought.
    pool_rows
        Number of rows of the pool that they are from.
    """
    looked_at = 0
    if recipe.validation == "held-out":
        looked_at = num_held_out(num_labeled, recipe.validation_size)
    trained_on = num_labeled - looked_at
    if recipe.validation == "extra":
        looked_at = int(recipe.validation_size)
    recipe = recipe.for_labels(trained_on)
    unlabeled = pool_rows - num_labeled if trainer["needs_unlabeled"] else 0
    views = trainer["unlabeled_views"]
    passes = recipe.steps * passes_of_step(network, recipe, trained_on, unlabeled, views)
    looks = -(-recipe.steps // recipe.validation_steps)  # the last step is looked at, too
    return round((passes + looks * looked_at) * per_example)


def passes_of_step(
    network: nn.Module, recipe: Recipe, labeled: int, unlabeled: int, unlabeled_views: int
) -> float:
    """The cost of a step, in forward passes of one example.

    An example with a gradient costs a pass forward, one for the gradient of what layers see, and
    one for that of the weights that are trained; any other one costs one pass. Of two views of an
    unlabelled example, one has a gradient.

    Parameters
    ----------
    labeled, unlabeled
        Examples that there are; no unlabelled ones where the method looks at none.
    """
    sizes = [(value.numel(), value.requires_grad) for value in network.parameters()]
    with_gradient = 2 + sum(size for size, trained in sizes if trained) / sum(s for s, _ in sizes)
    passes = with_gradient * min(recipe.batch_size, labeled)
    if unlabeled:
        others = min(recipe.unlabeled_ratio * recipe.batch_size, unlabeled)
        passes += others * (with_gradient + unlabeled_views - 1)
    return passes
