"""Pseudo-Label (Lee 2013): the network's own predictions are the labels of unlabelled examples.

Target and prediction come from the same (weak) view; the target gets no gradient. The weight of
these examples grows from 0 (eq. 16).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from labelbench_core.registry.options import NonNegative, Share, ShareBelow1, Steps
from labelbench_core.trainers import Batch, Loss, Step
from labelbench_core.trainers.shared.losses import (
    ForwardPass,
    forward_together,
    is_decided,
    ramp,
    supervised_step,
    total_loss,
    weighted_loss,
)

INFO = {
    "summary": "the network's own predictions are the labels of unlabelled examples",
    "paper": "Lee, ICML 2013 Workshop on Challenges in Representation Learning",
    "needs_unlabeled": True,
    "needs_teacher": False,
    "unlabeled_views": 1,
    "steps_at_least": {"warmup_end": "warmup_start"},
    "weighted": True,
}


@dataclass(frozen=True)
class PseudoLabel:
    """See `build`."""

    threshold: float
    warmup_start: float
    warmup_end: float
    average: str
    unlabeled_weight: float
    label_smoothing: float

    def state(self, problem: object) -> None:
        """Nothing changes from step to step."""

    def loss(self, network: ForwardPass, batch: Batch, step: Step) -> Loss:
        """Cross-entropy of labelled examples and, increasingly, of unlabelled ones (eq. 15)."""
        if batch.weak is None:
            return supervised_step(network, batch, self.label_smoothing)
        labeled, weak = forward_together(network, batch.inputs, batch.weak)
        confidence, classes = weak.detach().softmax(dim=1).max(dim=1)
        used = (confidence >= self.threshold).float() * is_decided(weak)
        unlabeled = weighted_loss(weak, classes, used, self.average)
        grown = ramp(step, "linear", self.warmup_end, self.warmup_start)
        return total_loss(self, batch, labeled, grown * unlabeled, used)


def build(
    *,
    threshold: Share = 0.0,
    warmup_start: Steps = 0.0,
    warmup_end: Steps = 0.4,
    average: Literal["batch", "selected"] = "batch",
    unlabeled_weight: NonNegative = 3.0,
    label_smoothing: ShareBelow1 = 0.0,
) -> PseudoLabel:
    """Pseudo-Label.

    Parameters
    ----------
    threshold
        Lowest probability at which a prediction counts; 0: all count. Default: the paper's.
    warmup_start
        T₁, the step at which the weight of unlabelled examples begins to grow from 0; below 1 a
        share of all steps. Default: USB's.
    warmup_end
        T₂, the step at which the weight of unlabelled examples reaches `unlabeled_weight`; below 1
        a share of all steps. Default: USB's.
    average
        What the unlabelled loss is divided by: "batch", all unlabelled examples of the step;
        "selected", those that count, as in LabelBench. Default: the paper's.
    unlabeled_weight
        α_f, the largest weight of the unlabelled examples' loss. USB takes 1. Default: the paper's.
    label_smoothing
        Share of a labelled example's target that is spread over all classes. Default: the paper's.
    """
    return PseudoLabel(
        threshold, warmup_start, warmup_end, average, unlabeled_weight, label_smoothing
    )
