"""SoftMatch (Chen et al. 2023): every prediction is a label, weighted by its confidence.

The weight is 1 above the average confidence, and falls off below it as a Gaussian (section 3.1).
For the weight only, predictions are aligned with a uniform distribution over classes (section 3.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch

from labelbench_core.registry.options import Interval, NonNegative, ShareBelow1
from labelbench_core.trainers import Batch, Loss, Problem, Step
from labelbench_core.trainers.shared.averages import Averages, align
from labelbench_core.trainers.shared.losses import (
    ForwardPass,
    forward,
    is_decided,
    supervised_step,
    total_loss,
    weighted_loss,
)

INFO = {
    "summary": "predictions on weak views, weighted by their confidence, are labels of strong ones",
    "paper": "Chen et al., ICLR 2023",
    "needs_unlabeled": True,
    "needs_teacher": False,
    "weighted": True,
}


@dataclass(frozen=True)
class SoftMatch:
    """See `build`."""

    decay: float
    n_sigma: float
    alignment: str
    targets: str
    unlabeled_weight: float
    label_smoothing: float

    def state(self, problem: Problem) -> Confidence:
        """The average predictions and their confidence."""
        return Confidence(problem.num_classes, self.decay, is_aligned=self.alignment == "uniform")

    def loss(self, network: ForwardPass, batch: Batch, step: Step) -> Loss:
        """Cross-entropy of labelled examples and of weighted unlabelled ones."""
        if batch.weak is None:
            return supervised_step(network, batch, self.label_smoothing)
        labeled, weak, strong = forward(network, batch)
        probabilities = weak.softmax(dim=1)
        step.state.update(step.number, probabilities)
        aligned = step.state.aligned(probabilities)
        weights = step.state.weights(aligned.amax(dim=1), self.n_sigma) * is_decided(weak)
        classes = (probabilities if self.targets == "raw" else aligned).argmax(dim=1)
        return total_loss(self, batch, labeled, weighted_loss(strong, classes, weights), weights)


class Confidence(Averages):
    """Moving averages over the weak views.

    They are the classes' probabilities, `model` (C,), and the `mean` μ and the `variance` σ² of the
    largest probability after alignment.
    """

    model: torch.Tensor
    mean: torch.Tensor
    variance: torch.Tensor

    def __init__(self, num_classes: int, decay: float, *, is_aligned: bool) -> None:
        super().__init__(
            decay,
            model=torch.full((num_classes,), torch.nan),
            mean=torch.tensor(1 / num_classes),
            variance=torch.tensor(1.0),
        )
        self._is_aligned = is_aligned

    def update(self, number: int, probabilities: torch.Tensor) -> None:
        """Add predictions (U, C) of step `number`."""
        (seen,) = self.seen(number, probabilities)
        self.move("model", seen.mean(dim=0))
        confidence = self.aligned(seen).amax(dim=1)
        self.move("mean", confidence.mean())
        if len(confidence) > 1:  # one example has no variance
            self.move("variance", confidence.var())

    def aligned(self, probabilities: torch.Tensor) -> torch.Tensor:
        """(n, C) predictions, their average made uniform if they are to be aligned."""
        if not self._is_aligned:
            return probabilities
        uniform = torch.full_like(self.model, 1 / len(self.model))
        return align(probabilities, uniform, self.model)

    def weights(self, confidence: torch.Tensor, n_sigma: float) -> torch.Tensor:
        """exp(−(c − μ)² / (2 (σ/n)²)) below μ, 1 from there on; (n,) for confidences c (n,)."""
        below = (confidence - self.mean).clamp(max=0)
        # Equal confidences have no variance; a tiny one is kept.
        variance = self.variance.clamp(min=torch.finfo(confidence.dtype).tiny)
        return (-((n_sigma * below) ** 2) / (2 * variance)).exp()


def build(
    *,
    decay: ShareBelow1 = 0.999,
    n_sigma: Annotated[float, Interval(gt=0, le=1000)] = 2.0,
    alignment: Literal["uniform", "none"] = "uniform",
    targets: Literal["raw", "aligned"] = "raw",
    unlabeled_weight: NonNegative = 1.0,
    label_smoothing: ShareBelow1 = 0.0,
) -> SoftMatch:
    """SoftMatch.

    Parameters
    ----------
    decay
        m of the moving averages, per step. Default: the paper's.
    n_sigma
        The standard deviation of the Gaussian is that of the confidence, divided by this number.
        Default: the paper's.
    alignment
        What predictions are aligned with before weights are computed from them: "uniform", the
        uniform distribution over classes; "none", nothing. Default: the paper's.
    targets
        Which prediction gives the label: the "raw" one, or the "aligned" one, as in LabelBench.
        Default: the paper's.
    unlabeled_weight
        λ, the weight of the unlabelled examples' loss. Default: the paper's.
    label_smoothing
        Share of a labelled example's target that is spread over all classes. Default: the paper's.
    """
    return SoftMatch(decay, n_sigma, alignment, targets, unlabeled_weight, label_smoothing)
