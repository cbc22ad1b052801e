"""AdaMatch (Berthelot et al. 2022): FixMatch with aligned predictions and a relative threshold.

Predictions on weak views are aligned with those on labelled examples; the threshold is a share of
the labelled examples' mean confidence; the weight of unlabelled examples grows over the first half
of the training. Random logit interpolation mixes logits computed with two kinds of batch
statistics: with frozen statistics, as by default here, they are the same, and it is the identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from labelbench_core.compute.devices import on_device
from labelbench_core.registry.options import NonNegative, Share, ShareBelow1, Steps
from labelbench_core.trainers import Batch, Loss, Problem, Step
from labelbench_core.trainers.shared.averages import Averages, align
from labelbench_core.trainers.shared.losses import (
    ForwardPass,
    forward,
    is_decided,
    ramp,
    supervised_step,
    total_loss,
    weighted_loss,
)

INFO = {
    "summary": "FixMatch with aligned predictions and a threshold relative to labelled examples",
    "paper": "Berthelot et al., ICLR 2022",
    "needs_unlabeled": True,
    "needs_teacher": False,
    "weighted": True,
}

RECENT_STEPS = 128


@dataclass(frozen=True)
class AdaMatch:
    """See `build`."""

    threshold: float
    decay: float
    unlabeled_average: str
    warmup: float
    logit_interpolation: bool
    unlabeled_weight: float
    label_smoothing: float

    def state(self, problem: Problem) -> Distributions:
        """The average predictions."""
        return Distributions(problem.num_classes, self.decay, self.unlabeled_average)

    def loss(self, network: ForwardPass, batch: Batch, step: Step) -> Loss:
        """Cross-entropy of labelled examples and of confident unlabelled ones."""
        if batch.weak is None:
            return supervised_step(network, batch, self.label_smoothing)
        labeled, weak, strong = forward(network, batch)
        if self.logit_interpolation:
            labeled = _interpolate(labeled, network(batch.inputs).float(), step)
        probabilities = weak.softmax(dim=1)
        mean_confidence = step.state.update(
            step.number, labeled.detach().softmax(dim=1), probabilities
        )
        confidence, classes = step.state.aligned(probabilities).max(dim=1)
        used = (confidence >= self.threshold * mean_confidence).float() * is_decided(weak)
        unlabeled = ramp(step, "cosine", self.warmup) * weighted_loss(strong, classes, used)
        return total_loss(self, batch, labeled, unlabeled, used)


def _interpolate(together: torch.Tensor, alone: torch.Tensor, step: Step) -> torch.Tensor:
    """Each logit at a random place between its two values."""
    places = step.rng.random(tuple(together.shape), dtype="float32")
    return together.lerp(alone, on_device(places, together.device))


class Distributions(Averages):
    """Averages (C,) of the predictions on `labeled` and on `unlabeled` examples' weak views.

    The first is a moving average; the second, too, or it is that of the `recent` steps (128, C).
    """

    labeled: torch.Tensor
    unlabeled: torch.Tensor
    recent: torch.Tensor

    def __init__(self, num_classes: int, decay: float, unlabeled: str) -> None:
        uniform = torch.full((num_classes,), 1 / num_classes)
        self._is_recent = unlabeled == "recent"
        if self._is_recent:
            kept = {"unlabeled": uniform, "recent": uniform.repeat(RECENT_STEPS, 1)}
        else:
            kept = {"unlabeled": torch.full_like(uniform, torch.nan)}
        super().__init__(decay, labeled=uniform.clone(), **kept)

    def update(self, number: int, labeled: torch.Tensor, unlabeled: torch.Tensor) -> torch.Tensor:
        """Add predictions (B, C) and (U, C) of step `number`.

        Returns
        -------
        Mean confidence on the step's labelled examples, a scalar.
        """
        labeled, unlabeled = self.seen(number, labeled, unlabeled)
        self.move("labeled", labeled.mean(dim=0))
        if self._is_recent:
            self.recent[number % RECENT_STEPS] = unlabeled.mean(dim=0)
            self.unlabeled = self.recent.mean(dim=0)
        else:
            self.move("unlabeled", unlabeled.mean(dim=0))
        return labeled.amax(dim=1).mean()

    def aligned(self, probabilities: torch.Tensor) -> torch.Tensor:
        """(U, C) predictions whose average is that on labelled examples."""
        return align(probabilities, self.labeled, self.unlabeled)


def build(
    *,
    threshold: Share = 0.9,
    decay: ShareBelow1 = 0.999,
    unlabeled_average: Literal["recent", "moving"] = "recent",
    warmup: Steps = 0.5,
    logit_interpolation: bool = False,
    unlabeled_weight: NonNegative = 1.0,
    label_smoothing: ShareBelow1 = 0.0,
) -> AdaMatch:
    """AdaMatch.

    Parameters
    ----------
    threshold
        τ: a prediction counts if its confidence is at least this share of the labelled examples'
        mean confidence. Default: the paper's.
    decay
        Decay of the moving averages of predictions, per step. Default: the paper's.
    unlabeled_average
        How predictions on weak views are averaged: "recent", over the last 128 steps; "moving", by
        a moving average, as in USB. Default: the paper's.
    warmup
        Number of steps (below 1: share of all steps) over which the unlabelled examples' weight
        grows as 1/2 − cos(πk/K)/2; 0: it does not grow, as in USB. Default: the paper's.
    logit_interpolation
        Whether labelled logits are mixed at random with those of a separate pass, as in the paper.
        It matters only with the recipe's `batch_norm: batch`; both passes then enter the
        statistics. Default: ours.
    unlabeled_weight
        Largest weight of the unlabelled examples' loss. Default: the paper's.
    label_smoothing
        Share of a labelled example's target that is spread over all classes. Default: the paper's.
    """
    return AdaMatch(
        threshold,
        decay,
        unlabeled_average,
        warmup,
        logit_interpolation,
        unlabeled_weight,
        label_smoothing,
    )
