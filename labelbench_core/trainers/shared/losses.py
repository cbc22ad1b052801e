"""Common parts of the semi-supervised trainers: forward passes, losses, the ramp of the weight."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from labelbench_core.trainers import Batch, Loss, Step
from labelbench_core.trainers.shared.places import in_steps

ForwardPass = Callable[[torch.Tensor], torch.Tensor]


class Weighted(Protocol):
    """The options that every semi-supervised trainer has."""

    @property
    def unlabeled_weight(self) -> float:
        """λᵤ of the unlabelled examples' loss."""
        ...

    @property
    def label_smoothing(self) -> float:
        """Label smoothing of the labelled examples' targets."""
        ...


def labeled_loss(logits: torch.Tensor, batch: Batch, label_smoothing: float = 0.0) -> torch.Tensor:
    """Mean cross-entropy of the labelled examples, whose logits are (B, C), times their weights.

    Where a row belongs to any number of classes, the mean of the binary ones over the classes.
    """
    if batch.multilabel:
        return weighted_mean(binary_losses(logits, batch.labels.float(), label_smoothing), batch)
    if batch.weights is None:
        return cross_entropy(logits, batch.labels, label_smoothing=label_smoothing)
    losses = cross_entropy(logits, batch.labels, reduction="none", label_smoothing=label_smoothing)
    return weighted_mean(losses, batch)


def weighted_mean(losses: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Mean of the labelled examples' losses (B,), each times its weight.

    Not divided by the weights of the batch: their mean is 1 over the labelled set, so that every
    step follows the gradient of the whole set's weighted loss in expectation.
    """
    return (losses if batch.weights is None else losses * batch.weights).mean()


def binary_losses(
    logits: torch.Tensor, targets: torch.Tensor, label_smoothing: float = 0.0
) -> torch.Tensor:
    """(B,) mean over the classes of the binary cross-entropies.

    Parameters
    ----------
    targets
        (B, C) float from 0 to 1.
    label_smoothing
        Share of a target that is spread over its two values.
    """
    smooth = targets * (1 - label_smoothing) + label_smoothing / 2
    return binary_cross_entropy_with_logits(logits, smooth, reduction="none").mean(dim=1)


def summed_loss(
    logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None = None
) -> torch.Tensor:
    """The sum of the losses whose mean `labeled_loss` is, without smoothing.

    Each loss is multiplied by its weight, (B,), if there are any.
    """
    if labels.ndim == 1 and weights is None:
        return cross_entropy(logits, labels, reduction="sum")
    if labels.ndim == 1:
        losses = cross_entropy(logits, labels, reduction="none")
    else:
        losses = binary_losses(logits, labels.float())
    return (losses if weights is None else losses * weights).sum()


def forward_together(network: ForwardPass, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Float32 logits of each of `inputs`, computed in one pass."""
    return network(torch.cat(inputs)).float().split([len(part) for part in inputs])


def forward(network: ForwardPass, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Float32 logits of labelled (B, C), weak (U, C) and strong (U, C) examples.

    The weak view, which targets are made of, gets no gradient, and so no backward pass.
    """
    with torch.no_grad():
        weak = network(batch.weak).float()
    labeled, strong = forward_together(network, batch.inputs, batch.strong)
    return labeled, weak, strong


def supervised_step(network: ForwardPass, batch: Batch, label_smoothing: float = 0.0) -> Loss:
    """The step of a semi-supervised trainer without unlabelled examples."""
    logits = network(batch.inputs).float()
    return Loss(labeled_loss(logits, batch, label_smoothing), logits)


def is_decided(logits: torch.Tensor) -> torch.Tensor:
    """(U,) 1.0 where one class has the largest logit, else 0.0.

    To a classifier that starts from zeros all classes are equal. Its argmax would be the first
    class for every example: methods whose thresholds start low would train on that.
    """
    first, second = logits.detach().topk(2, dim=1).values.unbind(dim=1)
    return (first > second).float()


def weighted_loss(
    logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor, average: str = "batch"
) -> torch.Tensor:
    """Cross-entropy of unlabelled examples, each with its weight.

    Parameters
    ----------
    logits
        (U, C), with gradient.
    targets
        (U,) int64 classes or (U, C) probabilities.
    weights
        (U,) float, from 0 to 1.
    average
        "batch": divided by U, as in the papers: those left out count as zero; "selected": by the
        sum of the weights, or by 1 where that is less.
    """
    losses = cross_entropy(logits, targets, reduction="none") * weights
    return losses.mean() if average == "batch" else losses.sum() / weights.sum().clamp(min=1)


def total_loss(
    trainer: Weighted,
    batch: Batch,
    logits: torch.Tensor,
    unlabeled: torch.Tensor,
    weights: torch.Tensor,
    *,
    labeled: torch.Tensor | None = None,
    extra: torch.Tensor | float = 0.0,
) -> Loss:
    """The loss of a step with unlabelled examples.

    Parameters
    ----------
    logits
        (B, C) of the labelled examples.
    unlabeled
        The unlabelled examples' loss, a scalar, before its weight.
    weights
        (U,) of the unlabelled examples.
    labeled
        The labelled examples' loss, if it is not their mean cross-entropy.
    extra
        Any further loss of the unlabelled examples, with its weight.
    """
    if labeled is None:
        labeled = labeled_loss(logits, batch, trainer.label_smoothing)
    share = trainer.unlabeled_weight * unlabeled + extra
    return Loss(labeled + share, logits, share, weights.mean())


RAMPS: dict[str, Callable[[float], float]] = {
    "linear": lambda done: done,
    # Laine & Aila, "Temporal Ensembling", ICLR 2017
    "sigmoid": lambda done: math.exp(-5 * (1 - done) ** 2),
    # Berthelot et al., "AdaMatch", ICLR 2022
    "cosine": lambda done: 0.5 - math.cos(math.pi * done) / 2,
}


def ramp(step: Step, shape: str, end: float, start: float = 0.0) -> float:
    """Factor of the unlabelled examples' weight in a step, growing to 1.

    Parameters
    ----------
    shape
        A key of `RAMPS`.
    start, end
        Between which steps it grows: their numbers or, below 1, shares of all steps.
    """
    start, end = (in_steps(place, step.steps) for place in (start, end))
    if step.number >= end:
        return 1.0
    return RAMPS[shape](0.0 if step.number <= start else (step.number - start) / (end - start))
