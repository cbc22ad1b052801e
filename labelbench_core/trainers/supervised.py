"""Supervised fine-tuning: cross-entropy on the labelled images only.

By default the classifier starts as the linear probe that was trained on the same labels, then the
whole network is trained (LP-FT: Kumar et al., "Fine-Tuning can Distort Pretrained Features and
Underperform Out-of-Distribution", ICLR 2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from labelbench_core.errors import InputError
from labelbench_core.trainers import Augmentation, Batch, Recipe

INFO = {
    "summary": "cross-entropy on the labelled images",
    "paper": "Kumar et al., ICLR 2022 (LP-FT)",
    "needs_unlabeled": False,
}


@dataclass(frozen=True)
class Supervised:
    """Cross-entropy with label smoothing (Szegedy et al., CVPR 2016)."""

    recipe: Recipe
    label_smoothing: float

    def loss(self, network: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean cross-entropy of the batch, in float32 whatever the network's precision."""
        logits = network(batch.images).float()
        return (
            torch.nn.functional.cross_entropy(
                logits, batch.labels, label_smoothing=self.label_smoothing
            ),
            logits,
        )


def build(
    *,
    steps: int = 1000,
    batch_size: int = 64,
    learning_rate: float = 1e-4,
    head_factor: float = 1.0,
    warmup_steps: int = 50,
    weight_decay: float = 0.01,
    gradient_clip: float = 1.0,
    ema_decay: float = 0.0,
    label_smoothing: float = 0.0,
    head: str = "proxy",
    batch_norm: str = "folded",
    precision: str = "auto",
    translate: float = 0.0,
    rotate: float = 0.0,
    scale: float = 0.0,
    flip: bool = False,
    evaluate: Sequence[str] | None = None,
) -> Supervised:
    """Supervised fine-tuning.

    Parameters
    ----------
    steps
        Updates in all; not derived from the number of labels, so that budgets compare.
    batch_size
        Images per step; a labelled set smaller than that is one batch.
    learning_rate
        Peak, of AdamW, after a linear warm-up over `warmup_steps`; then a cosine down to zero.
    head_factor
        The classifier's learning rate is this multiple of the network's.
    weight_decay
        Decoupled; biases and normalisation are left out.
    gradient_clip
        Largest norm of all gradients together; 0: no clipping.
    ema_decay
        Evaluate an exponential moving average of the weights with this decay; 0: none.
    label_smoothing
        Share of the target that is spread over all classes.
    head
        The classifier's start: "proxy", the round's linear head, or "fresh", zeros.
    batch_norm
        "folded" into the convolutions (fastest), "frozen" statistics, or statistics of each "batch"
        (for large labelled sets; dropout, where the network has it, is on in this mode only).
    precision
        "float32", "bfloat16", "float16" or "auto": bfloat16 on a GPU that has it, else float32.
    translate, rotate, scale, flip
        See `labelbench_core.trainers.Augmentation`.
    evaluate
        Splits to evaluate; None: all.
    """
    if not 0 <= label_smoothing < 1:
        raise InputError(f"trainer options: label_smoothing: {label_smoothing}; allowed: 0 to < 1")
    recipe = Recipe(
        steps=steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        head_factor=head_factor,
        warmup_steps=warmup_steps,
        weight_decay=weight_decay,
        gradient_clip=gradient_clip,
        ema_decay=ema_decay,
        head=head,
        batch_norm=batch_norm,
        precision=precision,
        augmentation=Augmentation(translate, rotate, scale, flip),
        evaluate=None if evaluate is None else tuple(evaluate),
    )
    return Supervised(recipe, label_smoothing)
