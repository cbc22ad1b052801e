"""FixMatch (Sohn et al. 2020): confident predictions on weak views are labels of strong views.

An unlabelled example counts where the largest probability of its weak view reaches `threshold`
(eq. 4); its strong view is trained towards that class.

Where a row belongs to any number of classes, the rule holds for each class by itself: the class or
its absence is a label where its probability reaches `threshold`, and the binary cross-entropies of
these labels are averaged over all examples and classes. That form is ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from labelbench_core.registry.options import NonNegative, Share, ShareBelow1
from labelbench_core.trainers import Batch, Loss, Step
from labelbench_core.trainers.shared.losses import (
    ForwardPass,
    forward,
    is_decided,
    supervised_step,
    total_loss,
    weighted_loss,
)

INFO = {
    "summary": "confident predictions on weak views are labels of strong views",
    "paper": "Sohn et al., NeurIPS 2020",
    "needs_unlabeled": True,
    "needs_teacher": False,
    "multilabel": True,
    "weighted": True,
}


@dataclass(frozen=True)
class FixMatch:
    """See `build`."""

    threshold: float
    unlabeled_weight: float
    label_smoothing: float

    def state(self, problem: object) -> None:
        """Nothing changes from step to step."""

    def loss(self, network: ForwardPass, batch: Batch, step: Step) -> Loss:
        """Cross-entropy of labelled examples and of confident unlabelled ones (eq. 3 and 4)."""
        if batch.weak is None:
            return supervised_step(network, batch, self.label_smoothing)
        labeled, weak, strong = forward(network, batch)
        if batch.multilabel:
            unlabeled, used = binary_pseudo_labels(weak, strong, self.threshold)
            return total_loss(self, batch, labeled, unlabeled, used)
        confidence, classes = weak.softmax(dim=1).max(dim=1)
        used = (confidence >= self.threshold).float() * is_decided(weak)
        return total_loss(self, batch, labeled, weighted_loss(strong, classes, used), used)


def binary_pseudo_labels(
    weak: torch.Tensor, strong: torch.Tensor, threshold: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """The unlabelled loss, a scalar, and (U, C) 1.0 where a class or its absence is a label.

    Parameters
    ----------
    weak, strong
        (U, C) logits of the two views.
    """
    p = weak.sigmoid()
    used = ((torch.maximum(p, 1 - p) >= threshold) & (p != 0.5)).float()
    losses = binary_cross_entropy_with_logits(strong, (p >= 0.5).float(), reduction="none")
    return (losses * used).mean(), used


def build(
    *,
    threshold: Share = 0.95,
    unlabeled_weight: NonNegative = 1.0,
    label_smoothing: ShareBelow1 = 0.0,
) -> FixMatch:
    """FixMatch.

    Parameters
    ----------
    threshold
        τ, the lowest probability at which a prediction becomes a label. Default: the paper's.
    unlabeled_weight
        λᵤ, the weight of the unlabelled examples' loss. Default: the paper's.
    label_smoothing
        Share of a labelled example's target that is spread over all classes. Default: the paper's.
    """
    return FixMatch(threshold, unlabeled_weight, label_smoothing)
