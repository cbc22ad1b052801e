"""Random changes of batches of images, on the device that holds them; drawn on the host.

How an image is changed depends only on its own row of draws. All draws of a call are one array of
uniform numbers, row by row, so that a generator advanced by some rows gives the draws of the later
rows of a larger batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch

from labelbench_core.augmentation.randaugment import chunks, rand_augment, warp
from labelbench_core.augmentation.settings import Augmentation, StrongAugmentation
from labelbench_core.compute.devices import on_device

WEAK_DRAWS = 5
CUTOUT_DRAWS = 3
GREY = 127


def view(
    name: str,
    images: torch.Tensor,
    preprocess: Callable[[torch.Tensor], torch.Tensor],
    augmentation: StrongAugmentation,
    rng: np.random.Generator,
) -> torch.Tensor:
    """A network's input (B, 3, S, S) float32 from uint8 images (B, H, W, 3).

    Parameters
    ----------
    name
        "plain"; "weak": the weak changes, made to the network's input; "strong": see `strong`, made
        to the images.
    preprocess
        Makes the network's input from images.
    rng
        Gives `num_draws` numbers for each image, in order.
    """
    if name == "strong":
        return preprocess(strong(images, augmentation, rng))
    inputs = preprocess(images)
    return augment(inputs, augmentation.weak, rng) if name == "weak" else inputs


def num_draws(name: str, augmentation: StrongAugmentation) -> int:
    """Number of random numbers in the view `name` of an image; 0: the view is always the same."""
    weak = WEAK_DRAWS if augmentation.weak != Augmentation() else 0
    cutout = CUTOUT_DRAWS if augmentation.cutout else 0
    return {"plain": 0, "weak": weak, "strong": weak + 2 * augmentation.operations + cutout}[name]


def augment(
    images: torch.Tensor, augmentation: Augmentation, rng: np.random.Generator
) -> torch.Tensor:
    """Move, turn, scale and mirror each image at random; pixels from outside repeat the edge.

    Parameters
    ----------
    images
        (B, C, H, W) float; not changed.
    rng
        Drawn from on the host, so that a GPU sees what a CPU does.
    """
    if augmentation == Augmentation():
        return images
    moved = _move(images, augmentation, rng.random((len(images), WEAK_DRAWS)))
    return moved.contiguous(memory_format=torch.channels_last)


def strong(
    images: torch.Tensor, augmentation: StrongAugmentation, rng: np.random.Generator
) -> torch.Tensor:
    """The weak changes, RandAugment's operations, then Cutout.

    They are made one after the other, each rounded to grey values, as in FixMatch. Two affine maps
    are not merged into one: that would bring back what the first has moved out of the image.

    Parameters
    ----------
    images
        (B, H, W, 3) uint8; not changed.
    rng
        Drawn from on the host.

    Returns
    -------
    (B, H, W, 3) uint8.
    """
    draws = rng.random((len(images), num_draws("strong", augmentation)))
    has_weak = augmentation.weak != Augmentation()
    weak, rest = np.split(draws, [WEAK_DRAWS * has_weak], axis=1)
    operations, cutout = np.split(rest, [2 * augmentation.operations], axis=1)
    planes = images.permute(0, 3, 1, 2).clone(memory_format=torch.contiguous_format)
    if has_weak:
        for rows in chunks(planes, 0, len(planes)):
            moved = _move(planes[rows].float(), augmentation.weak, weak[rows])
            planes[rows] = moved.round_()
    if augmentation.operations:
        rand_augment(planes, operations)
    if augmentation.cutout:
        _cut_out(planes, augmentation.cutout, cutout)
    return planes.permute(0, 2, 3, 1).contiguous()


def _move(images: torch.Tensor, augmentation: Augmentation, draws: np.ndarray) -> torch.Tensor:
    """`augment`, by draws (B, 5)."""
    draws = 2.0 * draws.T - 1.0
    angle = draws[0] * math.radians(augmentation.rotate)
    # The grid maps output to input: an image grows where the grid shrinks.
    factor = 1.0 / (1.0 + draws[1] * augmentation.scale)
    mirror = np.where((draws[2] < 0) & augmentation.flip, -1.0, 1.0)
    # Coordinates run from -1 to 1, so that a side has length 2.
    shift = 2.0 * augmentation.translate * draws[3:5]
    matrices = np.empty((len(images), 2, 3), np.float32)
    matrices[:, 0] = np.stack(
        [mirror * factor * np.cos(angle), -factor * np.sin(angle), shift[0]], axis=1
    )
    matrices[:, 1] = np.stack(
        [mirror * factor * np.sin(angle), factor * np.cos(angle), shift[1]], axis=1
    )
    return warp(images, on_device(matrices, images.device), "bilinear", "border")


def _cut_out(images: torch.Tensor, largest: float, draws: np.ndarray) -> None:
    """Fill a square of each image, at most `largest` × the shorter side wide, by draws (B, 3).

    Its centre lies anywhere in the image, so that a part of it can lie outside.

    Parameters
    ----------
    images
        (B, 3, H, W) uint8; changed in place.
    """
    height, width = images.shape[2:]
    side = np.rint(draws[:, 0] * largest * min(height, width))
    rows, columns = (
        _between(np.rint(draw * length - side / 2), side, length, images.device)
        for draw, length in ((draws[:, 1], height), (draws[:, 2], width))
    )
    square = rows[:, None, :, None] & columns[:, None, None, :]
    # Bit by bit: ten times faster than filling by a mask.
    images.bitwise_and_(~square).bitwise_or_(square & GREY)


def _between(
    first: np.ndarray, count: np.ndarray, length: int, device: torch.device
) -> torch.Tensor:
    """(B, `length`) uint8: 255 at `count` places from `first` on, else 0."""
    places = np.arange(length)
    inside = (places >= first[:, None]) & (places < (first + count)[:, None])
    return on_device(np.where(inside, np.uint8(255), np.uint8(0)), device)
