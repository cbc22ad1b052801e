"""Images in, pooled features out, as fast as the machine allows."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import torch

from labelbench_core.backbones import Backbone
from labelbench_core.backbones.folding import fold_batch_norm
from labelbench_core.compute.precision import PRECISIONS, autocast, dtype_of
from labelbench_core.errors import InputError

PrepareImages = Callable[[torch.Tensor], torch.Tensor]
LARGEST_BATCH = 128
BATCH_PIXELS = LARGEST_BATCH * 224 * 224


class FeatureExtractor:
    """A frozen backbone on its device: batch norms folded, channels last, in inference mode.

    Parameters
    ----------
    backbone
        Not modified; its network is copied.
    device
        "cpu", "cuda", …
    precision
        One of `PRECISIONS`: what matrix products are computed in. Half precisions need a GPU.
    """

    def __init__(self, backbone: Backbone, device: str, precision: str) -> None:
        if precision not in PRECISIONS:
            raise InputError(f"precision: {precision!r}; allowed: auto, {', '.join(PRECISIONS)}")
        self.backbone, self.device, self.precision = backbone, torch.device(device), precision
        model, folds = fold_batch_norm(backbone.model, backbone.input_size)
        if not folds:
            model = copy.deepcopy(model)
        self.model = model.to(self.device, memory_format=torch.channels_last)

    def __call__(self, images: np.ndarray, prepare: PrepareImages | None = None) -> np.ndarray:
        """Features (B, D) float32 of uint8 images (B, H, W, 3).

        `prepare` makes the network's input from images; default: the backbone's `preprocess`.
        """
        prepare = prepare or self.backbone.preprocess
        try:
            with torch.inference_mode():
                inputs = prepare(torch.from_numpy(images).to(self.device, non_blocking=True))
                with autocast(self.device, dtype_of(self.precision)):
                    features = self.model(inputs)
                return features.float().cpu().numpy()
        except torch.OutOfMemoryError as error:
            raise InputError(
                f"{self.device}: out of memory with {len(images)} images of "
                f"{self.backbone.input_size} pixels; use a larger GPU, or LABELBENCH_DEVICE=cpu"
            ) from error


def choose_batch_size(input_size: int) -> int:
    """Images per batch: a power of two by their size alone, since last bits may depend on it."""
    fitting = max(1, BATCH_PIXELS // input_size**2)
    return min(LARGEST_BATCH, 1 << (fitting.bit_length() - 1))
