"""Several processes, one device each, that train one network: what they exchange.

Without `torchrun` there is one process, and everything here is the identity.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel


def rank() -> int:
    """Number of this process, from 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def processes() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


@contextlib.contextmanager
def joined(device: torch.device) -> Iterator[torch.device]:
    """Join the other processes that `torchrun` started, if any; gives this process's device."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    told = logging.root.manager.disable
    if rank() > 0:  # all do the same: one log is enough
        logging.disable(logging.INFO)
    try:
        yield device
    finally:
        logging.disable(told)
        distributed.destroy_process_group()


def own_rows(rows: np.ndarray) -> np.ndarray:
    """The rows of a step (B,) that are this process's.

    If there are fewer rows than processes, some repeat the first row, because all must do the same
    passes; `own_share` gives it no weight there.
    """
    own = rows[rank() :: processes()]
    return own if len(own) else rows[:1]


def own_share(count: int, size: int) -> float:
    """Weight of `count` of this process's rows of a step in the mean over its `size` rows.

    It is relative to the mean over processes, which gradients become: its mean over the processes
    is 1, whether or not they have equally many rows.
    """
    return count * processes() / size if rank() < size else 0.0


def averaged(
    forward: torch.nn.Module, network: torch.nn.Module, inputs: torch.Tensor
) -> Callable[[torch.Tensor], torch.Tensor]:
    """`forward`, with gradients that are averaged over processes in the backward pass.

    Parameters
    ----------
    forward
        `network` itself, or compiled.
    inputs
        One example, to find out whether all parameters get a gradient: looking for those that do
        not in every step costs time.
    """
    network.eval()
    network(inputs).sum().backward()
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    has_unused = any(parameter.grad is None for parameter in trained)
    network.zero_grad()
    return DistributedDataParallel(
        forward,
        device_ids=[inputs.device.index] if inputs.device.type == "cuda" else None,
        find_unused_parameters=has_unused,
    )


def unsynchronised(
    forward: Callable[[torch.Tensor], torch.Tensor],
) -> contextlib.AbstractContextManager[None]:
    """Within it, backward passes only add to this process's gradients; the next averages all."""
    if isinstance(forward, DistributedDataParallel):
        return forward.no_sync()
    return contextlib.nullcontext()


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
    """The value of the first process: clocks differ, and all must do the same."""
    if processes() == 1:
        return flag
    value = torch.tensor([int(flag)], device=device)
    distributed.broadcast(value, 0)
    return bool(value)
