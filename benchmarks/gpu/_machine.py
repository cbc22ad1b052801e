"""The device that is checked: its name, its peak, its memory, its clock."""

import platform
import time
from collections.abc import Callable
from typing import Any

import torch

PRECISIONS = ("float32", "float16", "bfloat16")


class Machine:
    """A GPU, or the CPU for the tests of these checks.

    Attributes
    ----------
    device
        Where everything is computed.
    peak
        Precision → floating-point operations per second of a large matrix product.
    """

    def __init__(self, device: str, side: int = 8192) -> None:
        self.device = torch.device(device)
        self.on_gpu = self.device.type == "cuda"
        self.peak = {name: self._peak(getattr(torch, name), side) for name in PRECISIONS}

    def describe(self) -> dict[str, Any]:
        """The device, its peaks and the versions, as JSON values."""
        return {
            "device": torch.cuda.get_device_name(self.device) if self.on_gpu else "cpu",
            "memory_gb": self.memory_gb,
            "peak_flops_per_s": self.peak,
            "torch": torch.__version__,
            "cuda": torch.version.cuda if self.on_gpu else None,
            "python": platform.python_version(),
        }

    @property
    def memory_gb(self) -> float | None:
        """Memory of the GPU, in 2^30 bytes; None on a CPU."""
        if not self.on_gpu:
            return None
        return torch.cuda.get_device_properties(self.device).total_memory / 2**30

    def wait(self) -> None:
        """Wait until the device has done all it was given."""
        if self.on_gpu:
            torch.cuda.synchronize(self.device)

    def seconds(self, work: Callable[[], object]) -> float:
        """What `work` takes, until the device has done all of it."""
        self.wait()
        started = time.perf_counter()
        work()
        self.wait()
        return time.perf_counter() - started

    def forget_memory(self) -> None:
        """Free what nobody holds, and forget the most memory that was taken so far."""
        if self.on_gpu:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)

    def most_memory_gb(self) -> float | None:
        """The most memory that tensors took since `forget_memory`, in 2^30 bytes; None on a CPU."""
        return torch.cuda.max_memory_allocated(self.device) / 2**30 if self.on_gpu else None

    def _peak(self, dtype: torch.dtype, side: int) -> float:
        block = torch.ones(side, side, dtype=dtype, device=self.device)
        block @ block
        return 2 * side**3 / min(self.seconds(lambda: block @ block) for _ in range(5))
