"""From an encoder's hidden states to the features of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from labelbench_core.backbones import TextBackbone


def features_of(
    backbone: TextBackbone,
    hidden: torch.Tensor,
    mask: torch.Tensor,
    dense: torch.nn.Module | None,
) -> torch.Tensor:
    """Features (B, D) float32 of hidden states (B, T, E), on the device that holds them.

    Parameters
    ----------
    mask
        (B, T): which of the states belong to tokens, not to padding.
    dense
        The backbone's layers of that name, on the same device.
    """
    features = pool(hidden.float(), mask, backbone.pooling)
    features = features if dense is None else dense(features)
    return torch.nn.functional.normalize(features, dim=1) if backbone.normalize else features


def pool(hidden: torch.Tensor, mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """Pooled features (B, D) of hidden states (B, T, D); `mask` (B, T): which belong to tokens.

    "mean", "cls" (the first) or "max", as sentence-transformers does.
    """
    if pooling == "cls":
        return hidden[:, 0]
    inside = mask.unsqueeze(-1).to(hidden.dtype)
    if pooling == "max":
        return hidden.masked_fill(inside == 0, -torch.inf).amax(dim=1)
    return (hidden * inside).sum(dim=1) / inside.sum(dim=1).clamp(min=1e-9)
