"""Torch's global generators and kernels: set for a training, and put back afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch


def seed_torch(seed: int, device: torch.device) -> None:
    """Seed torch's global generators; `torch.manual_seed` takes a thousand times as long."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)


@contextlib.contextmanager
def reproducible(device: torch.device, *, compiled: bool) -> Iterator[None]:
    """Deterministic kernels, and a global generator that is restored afterwards.

    Only networks that are compiled need `compiled`: importing the compiler takes a second.
    """
    mode = torch.get_deterministic_debug_mode()
    filled = torch.utils.deterministic.fill_uninitialized_memory
    devices = [device] if device.type == "cuda" else []
    # An operation without a deterministic kernel is named in the log; it must not end a training.
    torch.set_deterministic_debug_mode("warn")
    if compiled:
        torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        if compiled:
            torch.use_deterministic_algorithms(bool(mode))
        torch.set_deterministic_debug_mode(mode)
        torch.utils.deterministic.fill_uninitialized_memory = filled
