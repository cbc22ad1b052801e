"""Where a benchmark's arrays are, its clock and memory, and how fast the machine is."""

import ctypes
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.compute.devices import processor_name
from labelbench_core.strategies import Pool

NAMES = ("cpu", "cpu-torch", "cuda")
CLOCKS = {"elapsed": time.perf_counter, "processor": time.process_time}


@dataclass(frozen=True)
class Speeds:
    """Bytes/s read, and operations/s of matrix products in float32 and float64."""

    bandwidth: float
    single: float
    double: float


class Device:
    """NumPy in main memory (`cpu`), or torch tensors there (`cpu-torch`) or on a GPU (`cuda`)."""

    def __init__(self, name: str, clock: str) -> None:
        self.name, self.clock = name, CLOCKS[clock]
        if name != "cpu":
            import torch

            self.torch = torch

    def __str__(self) -> str:
        if self.name == "cuda":
            return self.torch.cuda.get_device_name()
        kind = "torch tensors" if self.name == "cpu-torch" else "NumPy arrays"
        return f"{processor_name()}, {kind}"

    def pool(self, pool: Pool) -> Pool:
        """The pool with its matrices on this device."""
        fields = ("embeddings", "probabilities", "member_probabilities")
        return replace(pool, **{name: self.array(getattr(pool, name)) for name in fields})

    def array(self, values: np.ndarray) -> Any:
        """NumPy values on this device."""
        if self.name == "cpu":
            return values
        return self.torch.as_tensor(values, device=self.name.removesuffix("-torch"))

    def seconds(self, work: Callable[[], object]) -> float:
        """What the clock says `work` takes, until the device has done all of it."""
        self._wait()
        start = self.clock()
        work()
        self._wait()
        return self.clock() - start

    def best_of(self, work: Callable[[], object], tries: int) -> float:
        """Seconds of the fastest try."""
        return min(self.seconds(work) for _ in range(tries))

    def peak_mb(self, work: Callable[[], object]) -> float:
        """The most memory that is taken while `work` is done, above what is taken before."""
        if self.name == "cuda":
            self.torch.cuda.reset_peak_memory_stats()
            before = self.torch.cuda.memory_allocated()
            work()
            return (self.torch.cuda.max_memory_allocated() - before) / 2**20
        ctypes.CDLL(None).malloc_trim(0)  # what is free goes back, so that it counts again
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak so far
        before = status_mb("VmRSS")
        work()
        return max(0.0, status_mb("VmHWM") - before)

    def speeds(self) -> Speeds:
        """The best of a few tries each."""
        side = 8192 if self.name == "cuda" else 2048
        block = self.array(np.ones((side, side), np.float32))
        wide = self.array(np.ones((side, side)))
        long = self.array(np.ones(1 << 26, np.float32))
        for work in (long.max, lambda: block @ block, lambda: wide @ wide):
            work()
        return Speeds(
            bandwidth=4 * (1 << 26) / self.best_of(long.max, 5),
            single=2 * side**3 / self.best_of(lambda: block @ block, 5),
            double=2 * side**3 / self.best_of(lambda: wide @ wide, 5),
        )

    def _wait(self) -> None:
        if self.name == "cuda":
            self.torch.cuda.synchronize()


@contextmanager
def limited_threads(threads: int) -> Iterator[None]:
    """Let NumPy and torch use so many threads."""
    from threadpoolctl import threadpool_limits

    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 0
    with threadpool_limits(threads):
        if torch:
            torch.set_num_threads(threads)
        yield
    if torch:
        torch.set_num_threads(before)


def status_mb(key: str) -> float:
    """A line of /proc/self/status, in MB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) / 1024
    raise KeyError(key)
