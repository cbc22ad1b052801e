"""What the network's arithmetic is done in."""

from __future__ import annotations

import contextlib
from typing import Any

import torch

from labelbench_core.training.recipe import Recipe


def training_dtype(recipe: Recipe, device: torch.device) -> torch.dtype:
    """The precision of the network's arithmetic; parameters stay in float32."""
    if recipe.precision != "auto":
        return getattr(torch, recipe.precision)
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.bfloat16
    return torch.float32


def autocast(device: torch.device, dtype: torch.dtype) -> contextlib.AbstractContextManager[Any]:
    """Arithmetic in `dtype` where that is safe."""
    if dtype == torch.float32:
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype)
