"""Mixup and CutMix: a batch mixed with a permutation of itself, inputs and targets alike."""

from __future__ import annotations

import numpy as np
import torch

from labelbench_core.compute.devices import on_device
from labelbench_core.errors import InputError


def mix(
    inputs: torch.Tensor,
    targets: torch.Tensor,
    mixup: float,
    cutmix: float,
    rng: np.random.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs (B, ...) and targets (B, C) after mixing; unchanged where both parameters are 0.

    The share of the first example is λ ~ Beta(α, α), α = `mixup` or `cutmix`, one for the batch
    (Zhang et al., ICLR 2018; Yun et al., ICCV 2019, eq. 1 and 2).
    """
    if not mixup and not cutmix:
        return inputs, targets
    cut = bool(cutmix) and (not mixup or rng.random() < 0.5)
    share = float(rng.beta(cutmix, cutmix) if cut else rng.beta(mixup, mixup))
    other = on_device(rng.permutation(len(inputs)), inputs.device)
    if not cut:
        mixed = share * inputs + (1 - share) * inputs[other]
    else:
        if inputs.ndim != 4:
            told = f"options.cutmix: {cutmix}; embeddings cannot be cut"
            raise InputError(f"{told}; allowed for them: 0")
        mixed = inputs.clone()
        top, bottom, left, right = _box(inputs.shape[2:], share, rng)
        mixed[:, :, top:bottom, left:right] = inputs[other, :, top:bottom, left:right]
        # The box is clipped at the border: the targets follow the area that it covers.
        share = 1 - (bottom - top) * (right - left) / (inputs.shape[2] * inputs.shape[3])
    return mixed, share * targets + (1 - share) * targets[other]


def _box(size: torch.Size, share: float, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of a box of area 1 − `share`, its centre anywhere."""
    edges: list[int] = []
    for side in size:
        half = side * np.sqrt(1 - share) / 2
        centre = rng.uniform(0, side)
        edges += [round(max(0.0, centre - half)), round(min(float(side), centre + half))]
    return edges[0], edges[1], edges[2], edges[3]
