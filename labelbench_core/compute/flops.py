"""What a pass through a network costs in floating-point operations, the same on every device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


def flops_per_image(network: nn.Module, input_size: int) -> int:
    """Floating-point operations of one pass of one image of `input_size` pixels, estimated.

    Convolutions and matrix products are counted, attention included; a multiplication and an
    addition count as two. Normalisation, activations and resizing are left out. The network should
    be in evaluation mode.
    """
    # In a network without parameters of torch, there is nothing to count.
    weight = next(network.parameters(), None)
    if weight is None:
        return 0
    device = weight.device
    image = torch.zeros((1, 3, input_size, input_size), device=device)
    # In inference, attention modules of torch's own are one fused operation, which is not counted.
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), _Counter() as counter:
            network(image)
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    return counter.flops


class _Counter(TorchDispatchMode):
    """torch's `FlopCounterMode` without its import of the compiler, which takes seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        counted = flop_registry.get(func._overloadpacket)
        if counted is None and func is not torch.ops.prim.device.default:
            with self:
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        result = func(*args, **kwargs)
        if counted is not None:
            self.flops += counted(*args, **kwargs, out_val=result)
        return result
