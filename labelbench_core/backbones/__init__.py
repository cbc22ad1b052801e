"""Pretrained networks whose pooled features are embedded and fine-tuned: one file per source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Backbone:
    """A network that maps images to pooled features, and how images must be prepared for it.

    Attributes
    ----------
    model
        Maps normalised float images (B, 3, `input_size`, `input_size`) to features (B, D). Built in
        evaluation mode, with gradients enabled.
    num_features
        D.
    input_size
        Height and width of the input, in pixels.
    mean, std
        Of each RGB channel, on the scale 0..1.
    interpolation
        "bilinear" or "bicubic"; both antialiased.
    weights_sha256
        Over names, types, shapes and values of all tensors of `model`.
    layer
        Where the features come from, in words.
    """

    model: torch.nn.Module
    num_features: int
    input_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    weights_sha256: str
    layer: str

    def preprocess(self, images: torch.Tensor) -> torch.Tensor:
        """Resize and normalise uint8 images (B, H, W, 3), on the device that holds them.

        Returns float32 (B, 3, `input_size`, `input_size`), channels last in memory.
        """
        import torch

        size = self.input_size
        pixels = resize_square(images, size, self.interpolation).to(torch.float32)
        # Whole rows of pixels at once: broadcasting over 3 channels is several times slower.
        std = torch.tensor(self.std, device=pixels.device).repeat(size)
        mean = torch.tensor(self.mean, device=pixels.device).repeat(size)
        rows = pixels.view(len(pixels), size, size * 3).mul_(1.0 / (255.0 * std)).sub_(mean / std)
        return rows.view(len(pixels), size, size, 3).permute(0, 3, 1, 2)

    def preprocessing(self) -> dict[str, object]:
        """What `preprocess` does, for a manifest."""
        return {
            "input_size": self.input_size,
            "interpolation": self.interpolation,
            "antialias": True,
            "rounding": "uint8",
            "mean": list(self.mean),
            "std": list(self.std),
        }


def resize_square(images: torch.Tensor, size: int, interpolation: str) -> torch.Tensor:
    """Resize uint8 images (B, H, W, 3) to (B, `size`, `size`, 3), antialiased, as Pillow does.

    Rounds to whole grey values after each of the two passes, first along rows: torch does so for
    uint8 on a CPU (ten times faster than in float); elsewhere the same is done in float.
    """
    import torch

    if tuple(images.shape[1:3]) == (size, size):
        return images.contiguous()
    planes = images.permute(0, 3, 1, 2)
    if images.device.type == "cpu":
        resized = torch.nn.functional.interpolate(
            planes, (size, size), mode=interpolation, align_corners=False, antialias=True
        )
    else:
        resized = resize_in_float(planes, size, interpolation)
    return resized.permute(0, 2, 3, 1).contiguous()


def resize_in_float(planes: torch.Tensor, size: int, interpolation: str) -> torch.Tensor:
    """`resize_square` of (B, 3, H, W) for devices where torch cannot resize uint8."""
    import torch

    for shape in ((planes.shape[2], size), (size, size)):
        if tuple(planes.shape[2:]) != shape:
            planes = torch.nn.functional.interpolate(
                planes.float(), shape, mode=interpolation, align_corners=False, antialias=True
            )
            planes = planes.round_().clamp_(0, 255).to(torch.uint8)
    return planes
