"""RandAugment on batches of uint8 images: operations of random kind and magnitude for each image.

Cubuk et al., CVPR-W 2020; list and ranges as in FixMatch (Sohn et al., NeurIPS 2020, table 12). An
operation does what Pillow's operation of that name does: values are clipped where Pillow clips
them, and affine maps take the nearest pixel, black from outside.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from labelbench_core.compute.devices import on_device

PixelChange = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
MatrixEntries = tuple[np.ndarray | float, ...]

# Values changed at a time on a CPU, to fit its cache; larger temporary arrays cost page faults.
CHUNK_VALUES = 1 << 17


def rand_augment(images: torch.Tensor, draws: np.ndarray) -> None:
    """Change each image by `n` operations, one after the other; a kind can occur twice.

    Parameters
    ----------
    images
        (B, 3, H, W) uint8; changed in place.
    draws
        (B, 2 `n`) uniform on [0, 1): `n` kinds, then `n` magnitudes.
    """
    kinds, shares = np.split(draws, 2, axis=1)
    kinds = (kinds * len(OPERATIONS)).astype(np.int64)
    low, high = np.array([(operation.low, operation.high) for operation in OPERATIONS.values()]).T
    magnitudes = low[kinds] + (high - low)[kinds] * shares
    for kind, magnitude in zip(kinds.T, magnitudes.T, strict=True):
        order = np.argsort(kind, kind="stable")
        _change(images, order, kind[order], magnitude[order])


def _change(
    images: torch.Tensor, order: np.ndarray, kinds: np.ndarray, magnitudes: np.ndarray
) -> None:
    """Apply one operation to each image; `kinds` and `magnitudes` are of the images `order`."""
    places = on_device(order, images.device)
    amounts = on_device(magnitudes.astype(np.float32), images.device)
    bounds = np.searchsorted(kinds, np.arange(len(OPERATIONS) + 1)).tolist()
    matrices = []
    for operation, start, stop in zip(OPERATIONS.values(), bounds, bounds[1:], strict=False):
        if operation.change is not None:
            for rows in chunks(images, start, stop):
                part = images.index_select(0, places[rows])
                images.index_copy_(0, places[rows], operation.change(part, amounts[rows]))
        elif operation.matrix is not None:
            matrices.append(_matrices(operation, magnitudes[start:stop], images))
    # The affine kinds come last, so that all of them are one call.
    first = len(order) - sum(map(len, matrices))
    matrices = on_device(np.concatenate(matrices), images.device)
    for rows in chunks(images, first, len(order)):
        part = images.index_select(0, places[rows]).float()
        theta = matrices[rows.start - first : rows.stop - first]
        images.index_copy_(0, places[rows], warp(part, theta, "nearest", "zeros").to(torch.uint8))


def chunks(images: torch.Tensor, start: int, stop: int) -> Iterator[slice]:
    """Consecutive rows from `start` to `stop`: on a CPU a few at a time, else all at once."""
    rows = len(images)
    if images.device.type == "cpu":
        rows = max(1, CHUNK_VALUES // math.prod(images.shape[1:]))
    for first in range(start, stop, rows):
        yield slice(first, min(first + rows, stop))


def warp(images: torch.Tensor, matrices: torch.Tensor, mode: str, padding: str) -> torch.Tensor:
    """Images (n, C, H, W) float, moved by affine matrices (n, 2, 3) from output to input."""
    grid = torch.nn.functional.affine_grid(matrices, list(images.shape), align_corners=False)
    return torch.nn.functional.grid_sample(
        images, grid, mode=mode, padding_mode=padding, align_corners=False
    )


@dataclass(frozen=True)
class Operation:
    """One operation; its magnitude is drawn uniformly.

    Attributes
    ----------
    low, high
        Smallest and largest magnitude.
    change
        (uint8 (n, 3, H, W), magnitudes (n,) float32) → uint8 of that shape; None for affine maps.
    matrix
        (magnitudes (n,), H / W) → six entries, row by row, of the 2 × 3 matrices from places in the
        output to places in the input, both from -1 to 1; None for all others.
    """

    low: float
    high: float
    change: PixelChange | None = None
    matrix: Callable[[np.ndarray, float], MatrixEntries] | None = None


def autocontrast(images: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    """Stretch each channel to 0..255; a channel of a single value is unchanged."""
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    flat = low == high
    low, span = low.masked_fill(flat, 0).float(), (high - low).masked_fill(flat, 255).float()
    # Whole numbers up to the division: float32 is exact.
    return images.float().sub_(low).mul_(255).div_(span).to(torch.uint8)


def brightness(images: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """Blend with black; an amount of 1 keeps the image."""
    return images.float().mul_(_column(amount)).to(torch.uint8)


def color(images: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """Blend with the grey image; an amount of 1 keeps the image."""
    return _blend(images, _grey(images), amount)


def contrast(images: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """Blend with the mean of the grey image; an amount of 1 keeps the image."""
    mean = _grey(images).mean((1, 2, 3), keepdim=True)
    return _blend(images, mean.add_(0.5).floor_(), amount)


def equalize(images: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    """Equalize each channel's histogram; a channel of fewer than 256 pixels stays as it is."""
    values = images.flatten(2).flatten(0, 1).long()
    channels, pixels = values.shape
    histogram = values.new_zeros((channels, 256)).scatter_add_(1, values, torch.ones_like(values))
    levels = torch.arange(256, device=images.device)
    brightest = torch.where(histogram > 0, levels, 0).amax(1, keepdim=True)
    step = (pixels - histogram.gather(1, brightest)) // 255
    below = histogram.cumsum(1) - histogram
    table = ((below + step // 2) // step.clamp(min=1)).clamp_(max=255)
    table = torch.where(step > 0, table, levels)
    return table.gather(1, values).to(torch.uint8).view(images.shape)


def posterize(images: torch.Tensor, bits: torch.Tensor) -> torch.Tensor:
    """Keep the highest bits, their number rounded down."""
    return images & (256 - torch.exp2(8 - _column(bits).floor())).to(torch.uint8)


def sharpness(images: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """Blend with a smoothed image, whose border is not smoothed; an amount of 1 keeps the image."""
    smooth = images.float()
    rows = smooth[:, :, :-2] + smooth[:, :, 1:-1] + smooth[:, :, 2:]
    boxes = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]
    # The kernel 1 1 1, 1 5 1, 1 1 1 over 13, rounded.
    smooth[:, :, 1:-1, 1:-1].mul_(4).add_(boxes).div_(13).add_(0.5).floor_()
    return _blend(images, smooth, amount)


def solarize(images: torch.Tensor, threshold: torch.Tensor) -> torch.Tensor:
    """Invert values from `threshold` on."""
    turned = (images.float() >= _column(threshold)).to(torch.uint8).neg_()
    return images ^ turned  # bit by bit: ten times faster than choosing


def rotate(degrees: np.ndarray, ratio: float) -> MatrixEntries:
    """Rotate about the centre, counter-clockwise."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return cosine, -sine * ratio, 0.0, sine / ratio, cosine, 0.0


def shear_x(slope: np.ndarray, ratio: float) -> MatrixEntries:
    """Shift rows against each other; the uppermost stays."""
    return 1.0, slope * ratio, slope * ratio, 0.0, 1.0, 0.0


def shear_y(slope: np.ndarray, ratio: float) -> MatrixEntries:
    """Shift columns against each other; the leftmost stays."""
    return 1.0, 0.0, 0.0, slope / ratio, 1.0, slope / ratio


def translate_x(share: np.ndarray, ratio: float) -> MatrixEntries:
    """Shift to the left by a share of the width."""
    return 1.0, 0.0, 2.0 * share, 0.0, 1.0, 0.0


def translate_y(share: np.ndarray, ratio: float) -> MatrixEntries:
    """Shift upwards by a share of the height."""
    return 1.0, 0.0, 0.0, 0.0, 1.0, 2.0 * share


OPERATIONS = {
    "identity": Operation(0, 1),
    "autocontrast": Operation(0, 1, autocontrast),
    "brightness": Operation(0.05, 0.95, brightness),
    "color": Operation(0.05, 0.95, color),
    "contrast": Operation(0.05, 0.95, contrast),
    "equalize": Operation(0, 1, equalize),
    "posterize": Operation(4, 8, posterize),
    "sharpness": Operation(0.05, 0.95, sharpness),
    "solarize": Operation(0, 256, solarize),
    "rotate": Operation(-30, 30, matrix=rotate),
    "shear-x": Operation(-0.3, 0.3, matrix=shear_x),
    "shear-y": Operation(-0.3, 0.3, matrix=shear_y),
    "translate-x": Operation(-0.3, 0.3, matrix=translate_x),
    "translate-y": Operation(-0.3, 0.3, matrix=translate_y),
}


def _matrices(operation: Operation, magnitudes: np.ndarray, images: torch.Tensor) -> np.ndarray:
    """(n, 2, 3) float32."""
    height, width = images.shape[2:]
    entries = operation.matrix(magnitudes.astype(np.float64), height / width)
    columns = [np.broadcast_to(entry, len(magnitudes)) for entry in entries]
    return np.stack(columns, axis=1).reshape(-1, 2, 3).astype(np.float32)


def _column(values: torch.Tensor) -> torch.Tensor:
    return values.view(-1, 1, 1, 1)


def _blend(images: torch.Tensor, other: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """`amount` of the images, the rest of `other`."""
    return images.float().sub_(other).mul_(_column(amount)).add_(other).to(torch.uint8)


def _grey(images: torch.Tensor) -> torch.Tensor:
    """(n, 1, H, W) float32 whole numbers: luma of ITU-R 601."""
    red, green, blue = images.float().split(1, dim=1)
    # Sixteen-bit weights, as Pillow's: every sum is exact in float32.
    return (red * 19595 + green * 38470 + blue * 7471).add_(32768).div_(65536).floor_()
