"""Several processes, one device each, that train one network: what they must tell each other.

Without `torchrun` there is one process, and everything here is the identity.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import torch
from torch import distributed


def rank() -> int:
    """Number of this process, from 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def processes() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


@contextlib.contextmanager
def joined(device: torch.device) -> Iterator[torch.device]:
    """Join the other processes that `torchrun` started, if any; the device of this one."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield device
    finally:
        distributed.destroy_process_group()


def gather(values: torch.Tensor) -> torch.Tensor:
    """The rows of all processes, in their order; no gradient passes."""
    if processes() == 1:
        return values.detach()
    values = values.detach().contiguous()
    sizes = [torch.zeros(1, dtype=torch.int64, device=values.device) for _ in range(processes())]
    distributed.all_gather(sizes, torch.tensor([len(values)], device=values.device))
    # Parts may differ by a row; collectives need equal shapes.
    longest = max(int(size) for size in sizes)
    padded = torch.cat([values, values.new_zeros(longest - len(values), *values.shape[1:])])
    parts = [torch.empty_like(padded) for _ in sizes]
    distributed.all_gather(parts, padded)
    return torch.cat([part[: int(size)] for part, size in zip(parts, sizes, strict=True)])


def add_up(values: torch.Tensor) -> None:
    """Replace `values` by the sum over all processes."""
    if processes() > 1:
        distributed.all_reduce(values)


def from_first(flag: bool, device: torch.device) -> bool:
    """What the first process says: clocks differ, and all must do the same."""
    if processes() == 1:
        return flag
    value = torch.tensor([int(flag)], device=device)
    distributed.broadcast(value, 0)
    return bool(value)
