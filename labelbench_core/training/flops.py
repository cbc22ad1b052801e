"""What a training costs in floating-point operations, the same on every device."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    """Floating-point operations of a training, estimated from those of a pass of one example.

    An example with a gradient costs a pass forward, one for the gradient of what layers see, and
    one for that of the weights that are trained; any other one costs one pass. Of two views of an
    unlabelled example, one has a gradient.
    """
    sizes = [(value.numel(), value.requires_grad) for value in network.parameters()]
    with_gradient = 2 + sum(size for size, trained in sizes if trained) / sum(s for s, _ in sizes)
    passes = with_gradient * min(recipe.batch_size, len(task.labels))
    if task.unlabeled is not None:
        others = min(recipe.unlabeled_ratio * recipe.batch_size, len(task.unlabeled))
        passes += others * (with_gradient + task.unlabeled_views - 1)
    passes *= sum(attempt["steps"] for attempt in fit.attempts)
    if task.validation is not None:
        passes += len(fit.validation) * len(task.validation.labels)
    return round(passes * per_example)
