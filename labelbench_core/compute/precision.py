"""The precision that a network computes in."""

from __future__ import annotations

import contextlib
from typing import Any

import torch

PRECISIONS = ("float32", "float16", "bfloat16")


def dtype_of(precision: str) -> torch.dtype:
    """Torch's type of the numbers of one of `PRECISIONS`."""
    return getattr(torch, precision)


def training_precision(precision: str, device: torch.device) -> torch.dtype:
    """The precision of a training's arithmetic; "auto" is bfloat16 where a GPU has it.

    Parameters stay in float32.
    """
    if precision != "auto":
        return dtype_of(precision)
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.bfloat16
    return torch.float32


def embedding_precision(precision: str, device: str) -> str:
    """`precision`; for "auto", float16 on a GPU (as embeddings are kept), else float32."""
    if precision != "auto":
        return precision
    return "float16" if device.startswith("cuda") else "float32"


def autocast(device: torch.device, dtype: torch.dtype) -> contextlib.AbstractContextManager[Any]:
    """Arithmetic in `dtype` where that is safe."""
    if dtype == torch.float32:
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype)
