"""Random changes of training images, in batches, where the images are; drawn on the host."""

from __future__ import annotations

import math

import numpy as np
import torch

from labelbench_core.trainers.recipe import Augmentation


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
    draws = rng.uniform(-1.0, 1.0, (5, len(images)))
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
    theta = torch.from_numpy(matrices).to(images.device)
    grid = torch.nn.functional.affine_grid(theta, list(images.shape), align_corners=False)
    moved = torch.nn.functional.grid_sample(
        images, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return moved.contiguous(memory_format=torch.channels_last)
