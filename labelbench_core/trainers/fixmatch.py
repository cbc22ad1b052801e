"""FixMatch (Sohn et al. 2020): confident predictions on weak views are labels of strong views.

An unlabelled example counts where the largest probability of its weak view reaches `threshold`
(eq. 4); its strong view is trained towards that class.
"""

from __future__ import annotations

from dataclasses import dataclass

from labelbench_core.registry.options import NonNegative, Share, ShareBelow1
from labelbench_core.trainers import Batch, Loss, Step
from labelbench_core.trainers.shared.losses import (
    ForwardPass,
    forward,
    supervised_step,
    total_loss,
    weighted_loss,
)

INFO = {
    "summary": "confident predictions on weak views are labels of strong views",
    "paper": "Sohn et al., NeurIPS 2020",
    "needs_unlabeled": True,
    "needs_teacher": False,
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
        confidence, classes = weak.softmax(dim=1).max(dim=1)
        used = (confidence >= self.threshold).float()
        return total_loss(self, batch, labeled, weighted_loss(strong, classes, used), used)


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
