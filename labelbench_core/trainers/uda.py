"""UDA (Xie et al. 2020): strong views are trained towards sharpened predictions on weak ones.

An unlabelled example counts where the largest probability of its weak view reaches `threshold`; its
target is the softmax of its logits divided by `temperature` (section 2.3). Training signal
annealing leaves out labelled examples that are predicted too well for the stage of training
(appendix).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch.nn.functional import cross_entropy

from labelbench_core.registry.options import Interval, NonNegative, Share, ShareBelow1, Steps
from labelbench_core.trainers import Batch, Loss, Step
from labelbench_core.trainers.shared.losses import (
    ForwardPass,
    forward,
    labeled_loss,
    ramp,
    total_loss,
    weighted_loss,
)

INFO = {
    "summary": "strong views are trained towards sharpened predictions on weak ones",
    "paper": "Xie et al., NeurIPS 2020",
    "needs_unlabeled": True,
    "needs_teacher": False,
    "weighted": True,
}


@dataclass(frozen=True)
class UDA:
    """See `build`."""

    threshold: float
    temperature: float
    annealing: str
    warmup: float
    average: str
    unlabeled_weight: float
    label_smoothing: float

    def state(self, problem: object) -> None:
        """Nothing changes from step to step."""

    def loss(self, network: ForwardPass, batch: Batch, step: Step) -> Loss:
        """Cross-entropy of labelled examples and of confident unlabelled ones (eq. 1)."""
        if batch.weak is None:
            logits = network(batch.inputs).float()
            return Loss(self._labeled(logits, batch, step), logits)
        labeled, weak, strong = forward(network, batch)
        used = (weak.softmax(dim=1).amax(dim=1) >= self.threshold).float()
        targets = (weak / self.temperature).softmax(dim=1)
        unlabeled = weighted_loss(strong, targets, used, self.average)
        return total_loss(
            self,
            batch,
            labeled,
            ramp(step, "linear", self.warmup) * unlabeled,
            used,
            labeled=self._labeled(labeled, batch, step),
        )

    def _labeled(self, logits: torch.Tensor, batch: Batch, step: Step) -> torch.Tensor:
        """Mean over examples whose label has a probability of at most ηₜ, each by its weight."""
        if self.annealing == "none":
            return labeled_loss(logits, batch, self.label_smoothing)
        losses = cross_entropy(
            logits, batch.labels, reduction="none", label_smoothing=self.label_smoothing
        )
        chances = logits.detach().softmax(dim=1).gather(1, batch.labels[:, None])[:, 0]
        kept = (chances <= annealing_threshold(self.annealing, step)).float()
        if batch.weights is None:
            return (losses * kept).sum() / kept.sum().clamp(min=1)
        of_kept = kept * batch.weights
        total = of_kept.sum().clamp(min=torch.finfo(of_kept.dtype).tiny)
        return (losses * of_kept).sum() / total * batch.weights.mean()


def annealing_threshold(schedule: str, step: Step) -> float:
    """ηₜ = αₜ (1 − 1/C) + 1/C, from 1/C to 1 over the training."""
    done = step.number / step.steps
    released = {
        "linear": done,
        "log": 1 - math.exp(-5 * done),
        "exp": math.exp(5 * (done - 1)),
    }[schedule]
    chance = 1 / step.problem.num_classes
    return released * (1 - chance) + chance


def build(
    *,
    threshold: Share = 0.8,
    temperature: Annotated[float, Interval(ge=1e-3, le=1000)] = 0.4,
    annealing: Literal["none", "linear", "log", "exp"] = "none",
    warmup: Steps = 0.0,
    average: Literal["batch", "selected"] = "batch",
    unlabeled_weight: NonNegative = 1.0,
    label_smoothing: ShareBelow1 = 0.0,
) -> UDA:
    """UDA.

    Parameters
    ----------
    threshold
        β, the lowest probability at which a prediction counts. For ImageNet the paper uses 0.5.
        Default: the paper's.
    temperature
        τ, the divisor of the targets' logits; 1: not sharpened, as in USB's code. Default:
        the paper's.
    annealing
        αₜ of training signal annealing: "none" (all labelled examples count), "linear", "log" (for
        many labels) or "exp" (for few). Default: the paper's.
    warmup
        Number of steps (below 1: share of all steps) over which the weight of the unlabelled
        examples grows linearly; 0: it does not grow. Default: the paper's.
    average
        What the unlabelled loss is divided by: "batch", all unlabelled examples of the step;
        "selected", those that count, as in LabelBench. Default: the paper's.
    unlabeled_weight
        λ, the weight of the unlabelled examples' loss. Default: the paper's.
    label_smoothing
        Share of a labelled example's target that is spread over all classes. Default: the paper's.
    """
    return UDA(
        threshold, temperature, annealing, warmup, average, unlabeled_weight, label_smoothing
    )
