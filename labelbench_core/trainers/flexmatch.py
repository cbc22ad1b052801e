"""FlexMatch (Zhang et al. 2021): FixMatch with a threshold of its own for every class.

A class has a low threshold while few unlabelled examples were last predicted as it with confidence,
so that classes learnt late get their share of the training (curriculum pseudo-labels).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from labelbench_core.compute import distributed
from labelbench_core.registry.options import NonNegative, Share, ShareBelow1, Steps
from labelbench_core.trainers import Batch, Loss, Problem, Step
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
    "summary": "FixMatch whose thresholds follow how well each class is learnt",
    "paper": "Zhang et al., NeurIPS 2021",
    "needs_unlabeled": True,
    "needs_teacher": False,
    "weighted": True,
}


@dataclass(frozen=True)
class FlexMatch:
    """See `build`."""

    threshold: float
    threshold_warmup: bool
    warmup: float
    unlabeled_weight: float
    label_smoothing: float

    def state(self, problem: Problem) -> LearningStatus:
        """Which class each unlabelled example was last predicted as."""
        return LearningStatus(problem, self.threshold_warmup)

    def loss(self, network: ForwardPass, batch: Batch, step: Step) -> Loss:
        """Cross-entropy of labelled and of confident unlabelled examples (eq. 8 to 10)."""
        if batch.weak is None:
            return supervised_step(network, batch, self.label_smoothing)
        labeled, weak, strong = forward(network, batch)
        confidence, classes = weak.softmax(dim=1).max(dim=1)
        effects = step.state.effects(step.number)
        thresholds = self.threshold * effects / (2 - effects)  # eq. 12
        used = (confidence >= thresholds[classes]).float() * is_decided(weak)
        step.state.learn(batch.rows, classes, confidence >= self.threshold)
        unlabeled = ramp(step, "linear", self.warmup) * weighted_loss(strong, classes, used)
        return total_loss(self, batch, labeled, unlabeled, used)


class LearningStatus(torch.nn.Module):
    """The last confident prediction of every unlabelled example, and their counts."""

    predicted: torch.Tensor
    counts: torch.Tensor

    def __init__(self, problem: Problem, warmup: bool) -> None:
        super().__init__()
        self._unused, self._warmup = problem.num_classes, warmup
        self._number: int | None = None
        # One place more than there are examples: predictions below the threshold are written there.
        predicted = torch.full((problem.num_unlabeled + 1,), self._unused)
        counts = torch.zeros(self._unused + 1, dtype=torch.int64)
        counts[self._unused] = problem.num_unlabeled
        self.register_buffer("predicted", predicted)
        self.register_buffer("counts", counts)

    def effects(self, number: int) -> torch.Tensor:
        """(C,) learning effects β at the start of step `number`, the same for all its parts.

        σ, the classes' counts, divided by the largest; with the warm-up, by the number of examples
        never confidently predicted if that is larger (eq. 5, 6 and 11).
        """
        if number != self._number:
            largest = (self.counts if self._warmup else self.counts[:-1]).max()
            self._number, self._effects = number, self.counts[:-1] / largest.clamp(min=1)
        return self._effects

    def learn(self, rows: torch.Tensor, classes: torch.Tensor, is_sure: torch.Tensor) -> None:
        """Keep the confident predictions among (U,), at a cost independent of the set's size."""
        marks = torch.stack([rows, torch.where(is_sure, classes, self._unused)], dim=1)
        rows, marks = distributed.gather(marks).unbind(dim=1)
        rows, order = rows.sort(stable=True)
        marks = marks[order]
        before = self.predicted[rows]
        last = len(self.predicted) - 1
        self.predicted[torch.where(marks == self._unused, last, rows)] = marks
        # An example can be in a batch twice, at the border of two epochs: it counts once.
        once = torch.ones_like(rows)
        once[1:] = rows[1:] != rows[:-1]
        self.counts.index_add_(0, self.predicted[rows], once).index_add_(0, before, -once)


def build(
    *,
    threshold: Share = 0.95,
    threshold_warmup: bool = True,
    warmup: Steps = 0.0,
    unlabeled_weight: NonNegative = 1.0,
    label_smoothing: ShareBelow1 = 0.0,
) -> FlexMatch:
    """FlexMatch.

    Parameters
    ----------
    threshold
        τ, the threshold of the best-learnt class. Default: the paper's.
    threshold_warmup
        Whether thresholds stay low until most examples have been predicted with confidence.
        Default: the paper's.
    warmup
        Number of steps (below 1: share of all steps) over which the unlabelled loss grows linearly
        to its weight; 0: it does not grow. The paper's million steps do not need it; in a training
        of hundreds of steps, the first guesses, which low thresholds let pass, would outweigh the
        labels. Default: the paper's.
    unlabeled_weight
        λ, the weight of the unlabelled examples' loss. Default: the paper's.
    label_smoothing
        Share of a labelled example's target that is spread over all classes. Default: the paper's.
    """
    return FlexMatch(threshold, threshold_warmup, warmup, unlabeled_weight, label_smoothing)
