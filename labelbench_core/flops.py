"""What a pass through a network costs in floating-point operations, the same on every device."""

from __future__ import annotations

import torch
from torch import nn


def flops_per_image(network: nn.Module, input_size: int) -> int:
    """Floating-point operations of one pass of one image of `input_size` pixels, estimated.

    Those of convolutions and matrix products, attention included; a multiplication and an addition
    count as two. Normalisation, activations and resizing are left out. The network should be in
    evaluation mode.
    """
    from torch.utils.flop_counter import FlopCounterMode

    device = next(network.parameters()).device
    image = torch.zeros((1, 3, input_size, input_size), device=device)
    # In inference, attention modules of torch's own are one fused operation, which is not counted.
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            network(image)
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    return counter.get_total_flops()
