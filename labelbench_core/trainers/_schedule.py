"""Learning rate and parameter groups of the optimiser."""

from __future__ import annotations

import math
from typing import Any

import torch

from labelbench_core.trainers import Recipe
from labelbench_core.trainers._network import Network


def learning_rate_factor(step: int, steps: int, warmup_steps: int) -> float:
    """Share of the peak learning rate in step `step` (from 0): linear warm-up, then a half cosine.

    The first step has 1 / `warmup_steps`, the last of the warm-up 1; the cosine would reach 0 one
    step after the last (Loshchilov & Hutter, "SGDR", ICLR 2017, eq. 5, without restarts).
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    return 0.5 * (1.0 + math.cos(math.pi * (step - warmup_steps) / (steps - warmup_steps)))


def build_optimizer(network: Network, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter, ICLR 2019) with `factor` in each group beside its `lr`.

    Vectors (biases, normalisation) are not decayed.
    """
    groups: list[dict[str, Any]] = []
    for module, factor in ((network.backbone, 1.0), (network.head, recipe.head_factor)):
        parameters = [p for p in module.parameters() if p.requires_grad]
        for is_decayed in (True, False):
            chosen = [p for p in parameters if (p.ndim > 1) == is_decayed]
            if chosen:
                decay = recipe.weight_decay if is_decayed else 0.0
                groups.append({"params": chosen, "weight_decay": decay, "factor": factor})
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=True)


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Give every group `learning_rate` times its own factor."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group["factor"]
