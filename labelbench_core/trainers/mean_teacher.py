"""Mean Teacher (Tarvainen & Valpola 2017): consistency with the averaged network.

The consistency cost is the squared difference between the network's probabilities on strong views
and those on weak views of the moving average of its weights (eq. 1), which the recipe keeps if
`ema_decay` is above 0. With `strong_operations: 0` and `strong_cutout: 0` both views are weak ones,
as in the paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from labelbench_core.errors import InputError
from labelbench_core.registry.options import NonNegative, ShareBelow1, Steps
from labelbench_core.trainers import Batch, Loss, Step
from labelbench_core.trainers.shared.losses import (
    ForwardPass,
    forward_together,
    ramp,
    supervised_step,
    total_loss,
)

INFO = {
    "summary": "strong views agree with the averaged network's predictions on weak ones",
    "paper": "Tarvainen & Valpola, NeurIPS 2017",
    "needs_unlabeled": True,
    "needs_teacher": True,
    "weighted": True,
}


@dataclass(frozen=True)
class MeanTeacher:
    """See `build`."""

    warmup: float
    warmup_shape: str
    unlabeled_weight: float
    label_smoothing: float

    def state(self, problem: object) -> None:
        """None: only the teacher changes from step to step, and the loop keeps it."""

    def loss(self, network: ForwardPass, batch: Batch, step: Step) -> Loss:
        """Cross-entropy of labelled examples and the consistency of unlabelled ones."""
        if batch.weak is None:
            return supervised_step(network, batch, self.label_smoothing)
        if step.teacher is None:
            raise InputError(
                "training.ema_decay: 0; allowed: more than 0 for mean-teacher, whose teacher is "
                "the moving average of the weights"
            )
        with torch.no_grad():
            targets = step.teacher(batch.weak).float().softmax(dim=1)
        labeled, strong = forward_together(network, batch.inputs, batch.strong)
        cost = (strong.softmax(dim=1) - targets).square().mean()
        weights = torch.ones_like(targets[:, 0])
        grown = ramp(step, self.warmup_shape, self.warmup)
        return total_loss(self, batch, labeled, grown * cost, weights)


def build(
    *,
    warmup: Steps = 0.27,
    warmup_shape: Literal["sigmoid", "linear", "cosine"] = "sigmoid",
    unlabeled_weight: NonNegative = 100.0,
    label_smoothing: ShareBelow1 = 0.0,
) -> MeanTeacher:
    """Mean Teacher.

    Parameters
    ----------
    warmup
        Number of steps (below 1: share of all steps) over which the weight of the consistency cost
        grows. The paper's training on CIFAR-10 takes 40,000 of 150,000. Default: the paper's.
    warmup_shape
        How the weight grows: "sigmoid", exp(−5(1 − k/K)²); "linear", as in USB; "cosine". Default:
        the paper's.
    unlabeled_weight
        Largest weight of the consistency cost, a mean over examples and classes. USB takes 50.
        Default: the paper's.
    label_smoothing
        Share of a labelled example's target that is spread over all classes. Default: the paper's.
    """
    return MeanTeacher(warmup, warmup_shape, unlabeled_weight, label_smoothing)
