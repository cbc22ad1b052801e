"""FreeMatch (Wang et al. 2023): FixMatch with thresholds that follow the network's confidence.

The global threshold is a moving average of the confidence on unlabelled examples; each class scales
it by how often it is predicted. A fairness loss keeps the predictions on strong views diverse.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from labelbench_core.registry.options import NonNegative, ShareBelow1
from labelbench_core.trainers import Batch, Loss, Problem, Step
from labelbench_core.trainers.shared.averages import Averages, histogram
from labelbench_core.trainers.shared.losses import (
    ForwardPass,
    forward,
    is_decided,
    supervised_step,
    total_loss,
    weighted_loss,
)

INFO = {
    "summary": "FixMatch whose thresholds follow the network's confidence, with a fairness loss",
    "paper": "Wang et al., ICLR 2023",
    "needs_unlabeled": True,
    "needs_teacher": False,
    "weighted": True,
}


@dataclass(frozen=True)
class FreeMatch:
    """See `build`."""

    decay: float
    fairness_weight: float
    unlabeled_weight: float
    label_smoothing: float

    def state(self, problem: Problem) -> PredictionAverages:
        """The average predictions."""
        return PredictionAverages(problem.num_classes, self.decay)

    def loss(self, network: ForwardPass, batch: Batch, step: Step) -> Loss:
        """Labelled, unlabelled and fairness loss (eq. 8 and 12)."""
        if batch.weak is None:
            return supervised_step(network, batch, self.label_smoothing)
        labeled, weak, strong = forward(network, batch)
        probabilities = weak.softmax(dim=1)
        step.state.update(step.number, probabilities)
        confidence, classes = probabilities.max(dim=1)
        used = (confidence >= step.state.thresholds()[classes]).float() * is_decided(weak)
        return total_loss(
            self,
            batch,
            labeled,
            weighted_loss(strong, classes, used),
            used,
            extra=self.fairness_weight * fairness_loss(strong, used, step.state),
        )


class PredictionAverages(Averages):
    """Moving averages over the weak views: confidence τ, probabilities p̃ and histogram h̃ (C,)."""

    confidence: torch.Tensor
    probabilities: torch.Tensor
    histogram: torch.Tensor

    def __init__(self, num_classes: int, decay: float) -> None:
        uniform = torch.full((num_classes,), 1 / num_classes)
        super().__init__(
            decay, confidence=uniform[0].clone(), probabilities=uniform, histogram=uniform.clone()
        )

    def update(self, number: int, probabilities: torch.Tensor) -> None:
        """Add predictions (U, C) of step `number` (eq. 5, 6 and 10)."""
        (seen,) = self.seen(number, probabilities)
        confidence, classes = seen.max(dim=1)
        shares = torch.full_like(confidence, 1 / len(classes))
        self.move("confidence", confidence.mean())
        self.move("probabilities", seen.mean(dim=0))
        self.move("histogram", histogram(classes, seen.shape[1], shares))

    def thresholds(self) -> torch.Tensor:
        """(C,) thresholds of the classes (eq. 7)."""
        return self.probabilities / self.probabilities.max() * self.confidence


def fairness_loss(
    logits: torch.Tensor, used: torch.Tensor, averages: PredictionAverages
) -> torch.Tensor:
    """Negative cross-entropy of two distributions of classes, each divided by its histogram.

    They are the average on weak views, p̃ / h̃, and that of the step's used strong views, p̄ / h̄
    (eq. 9 and 11). Classes that no used strong view is predicted as are left out of the second; if
    no example is used, the loss is 0.

    Parameters
    ----------
    logits
        (U, C) of the strong views, with gradient.
    used
        (U,) 0 or 1.
    """
    probabilities = logits.softmax(dim=1)
    mean = (probabilities * used[:, None]).sum(dim=0)
    counts = histogram(probabilities.argmax(dim=1), logits.shape[1], used)
    wanted = _normalised_ratio(averages.probabilities, averages.histogram)
    loss = (wanted * (_normalised_ratio(mean, counts) + 1e-12).log()).sum()
    return torch.where(counts.sum() > 0, loss, 0.0)


def _normalised_ratio(values: torch.Tensor, histogram: torch.Tensor) -> torch.Tensor:
    """The ratio of both (C,), normalised; 0 where the histogram is 0, NaN if all of it is."""
    is_there = histogram > 0
    ratio = torch.where(is_there, values, 0.0) / torch.where(is_there, histogram, 1.0)
    return ratio / ratio.sum()


def build(
    *,
    decay: ShareBelow1 = 0.999,
    fairness_weight: NonNegative = 0.01,
    unlabeled_weight: NonNegative = 1.0,
    label_smoothing: ShareBelow1 = 0.0,
) -> FreeMatch:
    """FreeMatch.

    Parameters
    ----------
    decay
        λ of the moving averages, per step. Default: the paper's.
    fairness_weight
        w_f, the weight of the fairness loss. USB's experiments take 0.001. Default: the paper's.
    unlabeled_weight
        w_u, the weight of the unlabelled examples' loss. Default: the paper's.
    label_smoothing
        Share of a labelled example's target that is spread over all classes. Default: the paper's.
    """
    return FreeMatch(decay, fairness_weight, unlabeled_weight, label_smoothing)
