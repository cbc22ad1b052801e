"""Whether the patches that a network cuts an image into cover all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelbench_core.errors import InputError

if TYPE_CHECKING:
    import torch


def check_tiling(network: torch.nn.Module, input_size: int | None) -> None:
    """`InputError` if pixels of a square of `input_size` would be in no patch of `network`."""
    edge = patch_edge(network)
    if input_size is not None and input_size % edge:
        raise InputError(f"input_size: {input_size}; allowed: a multiple of {edge}")


def patch_edge(network: torch.nn.Module) -> int:
    """Height and width of the patches that `network` cuts an image into, in pixels; 1: no patches.

    Such patches come from convolutions on the image without overlap or padding: pixels at the right
    and at the bottom that do not fill a patch are dropped silently.
    """
    from torch import nn

    embed = getattr(network, "patch_embed", None)
    # Several sizes, of branches that each resize the image, occur in CrossViT.
    if isinstance(embed, nn.ModuleList) or any(
        getattr(module, "dynamic_img_pad", False) for module in network.modules()
    ):
        return 1
    part = network if embed is None else embed
    layers = [module for module in part.modules() if isinstance(module, nn.Conv2d)]
    edge = 1
    for layer in layers if embed is not None else layers[:1]:
        if layer.kernel_size != layer.stride or layer.padding not in ((0, 0), "valid"):
            break
        edge *= layer.stride[0]
    return edge
