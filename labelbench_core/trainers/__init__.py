"""Trainers: the loss of a batch, one file per method.

The rest (steps, schedule, checkpoints, retries) is done by the loop, the same for all trainers and
every network: a classifier on cached embeddings or a whole backbone. A trainer's module has `INFO`
and `build(*, options) -> Trainer`; a `Recipe` says how long and how fast it trains.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    import torch


@dataclass(frozen=True)
class Batch:
    """The inputs of one step, as the network takes them: images (B, 3, S, S) or embeddings (B, D).

    Attributes
    ----------
    inputs
        (B, ...) float32 labelled examples, weakly augmented.
    labels
        (B,) int64 classes; where a row belongs to any number of classes, (B, C) of 0 and 1.
    weak, strong
        (U, ...) two views of the same unlabelled examples; None where there are none. Trainers with
        `unlabeled_views` 1 in their `INFO` get no strong view.
    rows
        (U,) int64 places of these examples in the unlabelled set.
    weights
        (B,) float32 weights of the labelled examples' losses, with a mean of 1 over the labelled
        set; None: all are 1.
    """

    inputs: torch.Tensor
    labels: torch.Tensor
    weak: torch.Tensor | None = None
    strong: torch.Tensor | None = None
    rows: torch.Tensor | None = None
    weights: torch.Tensor | None = None

    @property
    def multilabel(self) -> bool:
        """Whether a row belongs to any number of classes."""
        return self.labels.ndim > 1

    def parts(self, count: int) -> list[Batch]:
        """The batch in `count` parts of nearly equal size, fewer if it has fewer examples."""
        count = min(count, *(len(v) for v in (self.labels, self.rows) if v is not None))
        columns = [
            [None] * count if value is None else value.tensor_split(count)
            for value in vars(self).values()
        ]
        return [Batch(*values) for values in zip(*columns, strict=True)]


@dataclass(frozen=True)
class Problem:
    """What is trained on.

    Attributes
    ----------
    class_counts
        (C,) int64 labelled examples of each class; where these have weights, float64 sums of them.
    num_unlabeled
        Size of the unlabelled set; 0 for trainers that do not use it.
    """

    class_counts: np.ndarray
    num_unlabeled: int

    @property
    def num_classes(self) -> int:
        """C."""
        return len(self.class_counts)


@dataclass(frozen=True)
class Step:
    """The point in the training at which a loss is computed.

    Attributes
    ----------
    number, steps
        Number of the step, from 0, and the number of steps.
    problem
        What is trained on.
    rng
        Random numbers for the step, drawn on the host; a function of the step alone.
    state
        What `Trainer.state` made; None if it made nothing.
    teacher
        The moving average of the network, where the recipe keeps one.
    """

    number: int
    steps: int
    problem: Problem
    rng: np.random.Generator
    state: Any = None
    teacher: Callable[[torch.Tensor], torch.Tensor] | None = None


@dataclass(frozen=True)
class Loss:
    """A step's loss.

    Attributes
    ----------
    total
        Scalar to be minimised, float32.
    logits
        (B, C) of the labelled examples.
    unlabeled
        The unlabelled examples' share of `total`, a scalar; None for a supervised step.
    used
        Share of the unlabelled examples that count in the loss (their weights' mean), a scalar.
    """

    total: torch.Tensor
    logits: torch.Tensor
    unlabeled: torch.Tensor | None = None
    used: torch.Tensor | None = None

    def weighted(self, labeled: float, unlabeled: float) -> torch.Tensor:
        """`total` with a weight for either kind of examples, a scalar."""
        if self.unlabeled is None or labeled == unlabeled:
            return labeled * self.total
        return labeled * (self.total - self.unlabeled) + unlabeled * self.unlabeled


class Trainer(Protocol):
    """The loss of a batch."""

    def state(self, problem: Problem) -> torch.nn.Module | None:
        """Further state that changes from step to step, as buffers; None if there is none."""
        ...

    def loss(
        self, network: Callable[[torch.Tensor], torch.Tensor], batch: Batch, step: Step
    ) -> Loss:
        """The loss of a batch; without unlabelled examples, that of the labelled ones only."""
        ...
