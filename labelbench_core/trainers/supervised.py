"""Supervised training: cross-entropy on the labelled examples only.

Where a row belongs to any number of classes: binary cross-entropy, the mean over the classes.

With the recipe's `head: proxy` the classifier starts as the linear probe that was trained on the
same labels, then the whole network is trained (LP-FT: Kumar et al., "Fine-Tuning can Distort
Pretrained Features and Underperform Out-of-Distribution", ICLR 2022).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import torch
from torch.nn.functional import cross_entropy, one_hot

from labelbench_core.registry.options import Interval, ShareBelow1
from labelbench_core.trainers import Batch, Loss, Problem, Step
from labelbench_core.trainers.shared.losses import binary_losses, weighted_mean
from labelbench_core.trainers.shared.mixing import mix

INFO = {
    "summary": "cross-entropy on the labelled examples",
    "paper": "Kumar et al. 2022 (LP-FT); Zhang et al. 2018 (mixup); Yun et al. 2019 (CutMix)",
    "needs_unlabeled": False,
    "needs_teacher": False,
    "multilabel": True,
    "weighted": True,
}


@dataclass(frozen=True)
class Supervised:
    """Cross-entropy; see `build`."""

    label_smoothing: float
    mixup: float
    cutmix: float
    class_weights: str

    def state(self, problem: Problem) -> torch.nn.Module | None:
        """The weights of the classes."""
        return ClassWeights(problem) if self.class_weights == "balanced" else None

    def loss(
        self, network: Callable[[torch.Tensor], torch.Tensor], batch: Batch, step: Step
    ) -> Loss:
        """Mean cross-entropy of the batch, in float32 whatever the network's precision."""
        targets = batch.labels
        if not batch.multilabel:
            targets = one_hot(targets, step.problem.num_classes)
        targets = targets.float()
        if batch.weights is not None:
            # Mixed like targets: what comes of an example keeps its weight, in a further column.
            ones = torch.ones_like(targets[:, :1])
            targets = torch.cat([targets, ones], dim=1) * batch.weights[:, None]
        inputs, targets = mix(batch.inputs, targets, self.mixup, self.cutmix, step.rng)
        if batch.weights is not None:
            weights = targets[:, -1].clamp(min=torch.finfo(targets.dtype).tiny)
            targets = targets[:, :-1] / weights[:, None]
            batch = replace(batch, weights=weights)
        logits = network(inputs).float()
        if batch.multilabel:
            losses = binary_losses(logits, targets, self.label_smoothing)
            return Loss(weighted_mean(losses, batch), logits)
        of_classes = None if step.state is None else step.state.weights
        losses = cross_entropy(
            logits, targets, of_classes, reduction="none", label_smoothing=self.label_smoothing
        )
        loss = weighted_mean(losses, batch)
        if of_classes is None:
            return Loss(loss, logits)
        # Not a matrix product, which autocast would round.
        if batch.weights is None:
            return Loss(losses.sum() / (targets * of_classes).sum(), logits)
        scale = weighted_mean((targets * of_classes).sum(dim=1), batch)
        return Loss(loss / scale * batch.weights.mean(), logits)


class ClassWeights(torch.nn.Module):
    """(C,) `weights` that give every class of the labelled set the same sum over it.

    Where examples have weights, these are counted.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        counts = torch.from_numpy(problem.class_counts).float()
        least = torch.finfo(counts.dtype).tiny  # sums of weights may be below 1
        weights = counts.sum() / ((counts > 0).sum() * counts.clamp(min=least))
        self.register_buffer("weights", torch.where(counts > 0, weights, 0))


def build(
    *,
    label_smoothing: ShareBelow1 = 0.0,
    mixup: Annotated[float, Interval(ge=0, le=1_000_000)] = 0.0,
    cutmix: Annotated[float, Interval(ge=0, le=1_000_000)] = 0.0,
    class_weights: Literal["none", "balanced"] = "none",
) -> Supervised:
    """Supervised training.

    Parameters
    ----------
    label_smoothing
        Share of an example's target that is spread over all classes (Szegedy et al., CVPR 2016).
        Default: ours.
    mixup
        Parameter α of the Beta(α, α) distribution of the ratio in which two images are mixed (Zhang
        et al., ICLR 2018); 0: no images are mixed. With `cutmix` as well, one of the two is chosen
        at random in every step. Default: ours.
    cutmix
        Parameter α of the Beta(α, α) distribution of the share of an image that a patch of another
        one covers (Yun et al., ICCV 2019); 0: no patch. Default: ours.
    class_weights
        Weight of the classes in the loss: "none", in proportion to their numbers of examples;
        "balanced", equal for all classes, where a row has one class. Default: ours.
    """
    return Supervised(label_smoothing, mixup, cutmix, class_weights)
