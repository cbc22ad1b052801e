"""Trainers fine-tune a whole pretrained network on the labels bought: one file per method.

A trainer says how a batch becomes a loss; the rest (steps, schedule, checkpoints, retries) is
the loop's, the same for all. A trainer's module has `INFO` and `build(*, ...options) -> Trainer`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol

from labelbench_core.errors import InputError

if TYPE_CHECKING:
    import torch

HEADS = ("proxy", "fresh")
BATCH_NORMS = ("folded", "frozen", "batch")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a training image; zero and False mean none.

    Attributes
    ----------
    translate
        Largest shift along each axis, as a fraction of the image's side.
    rotate
        Largest rotation either way, in degrees.
    scale
        Largest relative change of size: 0.1 draws factors from 0.9 to 1.1.
    flip
        Mirror half of the images left to right. Not for digits or letters.
    """

    translate: float = 0.0
    rotate: float = 0.0
    scale: float = 0.0
    flip: bool = False


@dataclass(frozen=True)
class Recipe:
    """What the loop must know of a trainer; `supervised.build` says what each option means."""

    steps: int
    batch_size: int
    learning_rate: float
    head_factor: float
    warmup_steps: int
    weight_decay: float
    gradient_clip: float
    ema_decay: float
    head: str
    batch_norm: str
    precision: str
    augmentation: Augmentation
    evaluate: tuple[str, ...] | None

    def __post_init__(self) -> None:
        """`InputError` naming every option that is out of range."""
        allowed = {
            "steps": ("at least 1", self.steps >= 1),
            "batch_size": ("at least 1", self.batch_size >= 1),
            "learning_rate": ("more than 0", self.learning_rate > 0),
            "head_factor": ("more than 0", self.head_factor > 0),
            "warmup_steps": ("from 0 to steps", 0 <= self.warmup_steps <= self.steps),
            "weight_decay": ("at least 0", self.weight_decay >= 0),
            "gradient_clip": ("at least 0 (0: no clipping)", self.gradient_clip >= 0),
            "ema_decay": ("from 0 (no average) to less than 1", 0 <= self.ema_decay < 1),
            "head": (f"one of {', '.join(HEADS)}", self.head in HEADS),
            "batch_norm": (f"one of {', '.join(BATCH_NORMS)}", self.batch_norm in BATCH_NORMS),
            "precision": (f"one of {', '.join(PRECISIONS)}", self.precision in PRECISIONS),
        }
        wrong = [
            f"{field.name}: {getattr(self, field.name)!r}; allowed: {allowed[field.name][0]}"
            for field in fields(self)
            if field.name in allowed and not allowed[field.name][1]
        ]
        change = self.augmentation
        if not (0 <= change.translate < 1 and 0 <= change.scale < 1 and 0 <= change.rotate <= 180):
            wrong.append(f"{change}: allowed: 0 <= translate, scale < 1 and 0 <= rotate <= 180")
        if wrong:
            raise InputError("trainer options: " + "; ".join(wrong))


@dataclass(frozen=True)
class Batch:
    """One step's images, augmented and normalised, and their labels.

    Attributes
    ----------
    images
        (B, 3, S, S) float32.
    labels
        (B,) int64.
    """

    images: torch.Tensor
    labels: torch.Tensor


class Trainer(Protocol):
    """How a batch becomes a loss, and the recipe to train by."""

    recipe: Recipe

    def loss(self, network: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """The loss (a scalar) and the logits (B, C) of the labelled images."""
