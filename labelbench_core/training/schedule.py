"""Learning rate and parameter groups of the optimiser."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch

from labelbench_core.training import optimizers
from labelbench_core.training.layers import layer_numbers
from labelbench_core.training.network import Network
from labelbench_core.training.recipe import Recipe

# Names in timm's and OpenCLIP's transformers.
UNDECAYED = ("cls_token", "reg_token", "pos_embed", "class_embedding", "positional_embedding")
UNDECAYED += ("relative_position_bias_table",)


def learning_rate_factor(step: int, recipe: Recipe) -> float:
    """Share of the peak learning rate in step `step` (from 0): linear warm-up, then the schedule.

    The first step has 1 / `warmup_steps`, the last of the warm-up 1. "cosine" would reach 0 one
    step after the last (Loshchilov & Hutter, "SGDR", ICLR 2017, eq. 5, without restarts),
    "restarts" has them (T₀ = `restart_steps`, T_mult = 2, η_min = 0, whatever `steps`);
    "seven-sixteenths" ends at cos(7π/16) = 0.195 (Sohn et al., "FixMatch", NeurIPS 2020, 2.4).
    """
    if step < recipe.warmup_steps:
        return (step + 1) / recipe.warmup_steps
    if recipe.schedule == "restarts":
        place, length = step - recipe.warmup_steps, recipe.restart_steps
        while place >= length:
            place, length = place - length, 2 * length
        return 0.5 * (1.0 + math.cos(math.pi * place / length))
    done = (step - recipe.warmup_steps) / (recipe.steps - recipe.warmup_steps)
    if recipe.schedule == "cosine":
        return 0.5 * (1.0 + math.cos(math.pi * done))
    return math.cos(7 * math.pi * done / 16) if recipe.schedule == "seven-sixteenths" else 1.0


def build_optimizer(network: Network, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimiser, with `factor` in each group beside its `lr`.

    Vectors (biases, normalisation), position embeddings and tokens are not decayed, unless the
    recipe says so.
    """
    groups: dict[tuple[float, bool], list[torch.nn.Parameter]] = {}
    undecayed = {id(v) for name, v in network.named_parameters() if name.endswith(UNDECAYED)}
    for parameter, factor in _with_factors(network, recipe):
        if parameter.requires_grad:
            is_matrix = parameter.ndim > 1 and id(parameter) not in undecayed
            is_decayed = is_matrix or recipe.decay_vectors
            groups.setdefault((factor, is_decayed), []).append(parameter)
    chosen: list[dict[str, Any]] = [
        {
            "params": parameters,
            "weight_decay": recipe.weight_decay if is_decayed else 0.0,
            "factor": factor,
        }
        for (factor, is_decayed), parameters in groups.items()
    ]
    if recipe.optimizer == "sgd":
        return optimizers.SGD(chosen, lr=recipe.learning_rate, momentum=0.9, nesterov=True)
    method = optimizers.AdamW if recipe.optimizer == "adamw" else optimizers.Adam
    return method(chosen, lr=recipe.learning_rate, fused=True)


def _with_factors(network: Network, recipe: Recipe) -> Iterator[tuple[torch.nn.Parameter, float]]:
    """All parameters, each with the multiple of the learning rate that it is trained with.

    The classifier counts as the last layer, and has `head_factor`; each layer before it has
    `layer_decay` times the next one's (Bao et al., "BEiT", ICLR 2022).
    """
    layers = layer_numbers(network.backbone) if recipe.layer_decay < 1 else {}
    last = max(layers.values(), default=0)
    for name, parameter in network.backbone.named_parameters():
        yield parameter, recipe.layer_decay ** (last - layers.get(name, last))
    for parameter in network.head.parameters():
        yield parameter, recipe.head_factor


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Give every group `learning_rate` times its own factor."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group["factor"]
