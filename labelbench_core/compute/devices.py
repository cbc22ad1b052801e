"""Where torch computes, and how it uses the CPU."""

from __future__ import annotations

import ctypes
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch

# Parameters of glibc's mallopt.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT_BYTES = 2**31 - 1


def choose_device() -> str:
    """The environment variable LABELBENCH_DEVICE, else a GPU if there is one, else the CPU."""
    import torch

    # Read when cuBLAS starts: without it, its results can differ from run to run.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    return os.environ.get("LABELBENCH_DEVICE") or ("cuda" if torch.cuda.is_available() else "cpu")


def device_name(device: str) -> str:
    """The kind of device that computes: two kinds round differently."""
    import torch

    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


def processor_name() -> str:
    """The CPU, as Linux names it; elsewhere what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "a processor"


def on_device(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """A tensor on `device`; the host does not wait until a GPU has it.

    A copy from pageable memory would wait, in every step, until the GPU has finished all queued
    work; from page-locked memory it is queued behind that. On a CPU the memory is shared.
    """
    import torch

    tensor = torch.from_numpy(array)
    if device.type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def prepare_cpu(threads: int) -> None:
    """Let torch compute in `threads` threads, as fast as the CPU can.

    Freed memory is kept for the next batch. By default glibc gives every large block back to the
    kernel, which then has to clear it page by page when the next layer wants one: a third of the
    time of a small convolutional network's forward pass.
    """
    import torch

    torch.set_num_threads(threads)
    # Denormal values (below 1e-38) are irrelevant here, and cost a CPU a hundred cycles each.
    torch.set_flush_denormal(True)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
