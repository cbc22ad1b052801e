"""Images resized to a network's input, on the device that holds them, as Pillow resizes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelbench_core.datasets.images.framing import Framing, offset

if TYPE_CHECKING:
    import torch


def to_square(
    images: torch.Tensor, size: int, interpolation: str, framing: Framing
) -> torch.Tensor:
    """uint8 images (B, H, W, 3) as (B, `size`, `size`, 3): scaled, then cropped or padded."""
    height, width = framing.scaled(*images.shape[1:3], size)
    scaled = resize(images, (height, width), interpolation)
    top, left = offset(height, size), offset(width, size)
    cut = scaled[:, max(0, top) :, max(0, left) :][:, :size, :size]
    if tuple(cut.shape[1:3]) == (size, size):
        return cut.contiguous()
    filled = images.new_tensor(framing.fill).expand(len(images), size, size, 3).contiguous()
    top, left = max(0, -top), max(0, -left)
    filled[:, top : top + cut.shape[1], left : left + cut.shape[2]] = cut
    return filled


def resize(images: torch.Tensor, shape: tuple[int, int], interpolation: str) -> torch.Tensor:
    """Resize uint8 images (B, H, W, 3) to (B, *`shape`, 3), antialiased, as Pillow does.

    Rounds to whole grey values after each of the two passes, first along rows: torch does so for
    uint8 on a CPU (ten times faster than in float); elsewhere the same is done in float.
    """
    import torch

    if tuple(images.shape[1:3]) == shape:
        return images.contiguous()
    planes = images.permute(0, 3, 1, 2)
    if images.device.type == "cpu":
        resized = torch.nn.functional.interpolate(
            planes, shape, mode=interpolation, align_corners=False, antialias=True
        )
    else:
        resized = resize_in_float(planes, shape, interpolation)
    return resized.permute(0, 2, 3, 1).contiguous()


def resize_in_float(
    planes: torch.Tensor, shape: tuple[int, int], interpolation: str
) -> torch.Tensor:
    """`resize` of (B, 3, H, W) for devices where torch cannot resize uint8."""
    import torch

    for step in ((planes.shape[2], shape[1]), shape):
        if tuple(planes.shape[2:]) != step:
            planes = torch.nn.functional.interpolate(
                planes.float(), step, mode=interpolation, align_corners=False, antialias=True
            )
            planes = planes.round_().clamp_(0, 255).to(torch.uint8)
    return planes
