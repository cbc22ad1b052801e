"""What the semi-supervised trainers have in common: their forward passes and cross-entropies."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn.functional import cross_entropy

from labelbench_core.trainers import Batch, Loss

Network = Callable[[torch.Tensor], torch.Tensor]


def labeled_loss(logits: torch.Tensor, batch: Batch, label_smoothing: float = 0.0) -> torch.Tensor:
    """Mean cross-entropy of the labelled examples, whose logits are (B, C)."""
    return cross_entropy(logits, batch.labels, label_smoothing=label_smoothing)


def forward(network: Network, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Float32 logits of labelled (B, C), weak (U, C) and strong (U, C) examples.

    The weak view, which targets are made of, gets no gradient, and so no backward pass.
    """
    with torch.no_grad():
        weak = network(batch.weak).float()
    together = network(torch.cat([batch.inputs, batch.strong])).float()
    return together[: len(batch.inputs)], weak, together[len(batch.inputs) :]


def supervised_step(network: Network, batch: Batch, label_smoothing: float = 0.0) -> Loss:
    """The step of a semi-supervised trainer where there are no unlabelled examples."""
    logits = network(batch.inputs).float()
    return Loss(labeled_loss(logits, batch, label_smoothing), logits)


def weighted_loss(
    logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """Mean over all U examples of weight times cross-entropy: those left out count as zero.

    Parameters
    ----------
    logits
        (U, C), with gradient.
    targets
        (U,) int64 classes or (U, C) probabilities.
    weights
        (U,) float, from 0 to 1.
    """
    return (cross_entropy(logits, targets, reduction="none") * weights).mean()
