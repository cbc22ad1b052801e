"""Where a step's inputs come from: augmented images, or cached embeddings of views."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from labelbench_core.augmentation import views
from labelbench_core.compute.devices import on_device
from labelbench_core.training.batches import DeviceImages
from labelbench_core.training.recipe import Recipe

VIEWS = ("plain", "weak", "strong")


class Examples(Protocol):
    """The labelled or the unlabelled part of a pool."""

    def __len__(self) -> int: ...

    def batches(self, plans: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, Any]]:
        """(rows, what `view` needs of them) for every plan, an array of rows; in order."""
        ...

    def view(self, name: str, rows: np.ndarray, raw: Any, rng: np.random.Generator) -> torch.Tensor:
        """(n, ...) float32 inputs of the network: the view `name` of `VIEWS`, drawn by `rng`."""
        ...


class ImageExamples:
    """Images of a split, augmented on the device.

    Parameters
    ----------
    images
        The images, on the device that uses them.
    preprocess
        From uint8 images (B, H, W, 3) to the network's input.
    recipe
        Defines the weak and strong views.
    """

    def __init__(
        self,
        images: DeviceImages,
        preprocess: Callable[[torch.Tensor], torch.Tensor],
        recipe: Recipe,
    ) -> None:
        self._images, self._preprocess, self._recipe = images, preprocess, recipe

    def __len__(self) -> int:
        return len(self._images)

    def batches(self, plans: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
        """(rows, uint8 images) for every plan."""
        return self._images.batches(plans)

    def view(
        self, name: str, rows: np.ndarray, raw: torch.Tensor, rng: np.random.Generator
    ) -> torch.Tensor:
        """(n, 3, S, S) float32."""
        return views.view(name, raw, self._preprocess, self._recipe.strong, rng)


class EmbeddingExamples:
    """Rows of cached embeddings, standardised.

    Parameters
    ----------
    views
        Name → arrays of equal shape (N, D), one of which is drawn for each step; NumPy or anything
        with `take(rows)`.
    indices
        (n,) rows of the arrays that are the examples.
    mean, scale
        (D,) subtracted, then multiplied.
    """

    def __init__(
        self,
        views: Mapping[str, Sequence[Any]],
        indices: np.ndarray,
        mean: np.ndarray,
        scale: np.ndarray,
        device: torch.device,
    ) -> None:
        self._views, self._indices, self._device = views, indices, device
        self._mean, self._scale = (
            on_device(values.astype(np.float32), device) for values in (mean, scale)
        )

    def __len__(self) -> int:
        return len(self._indices)

    def batches(self, plans: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, None]]:
        """(rows, nothing) for every plan."""
        for rows in plans:
            yield rows, None

    def view(
        self, name: str, rows: np.ndarray, raw: None, rng: np.random.Generator
    ) -> torch.Tensor:
        """(n, D) float32 of one of the arrays of the view `name`."""
        arrays = self._views[name]
        array = arrays[int(rng.integers(len(arrays)))] if len(arrays) > 1 else arrays[0]
        chosen = self._indices[rows]
        taken = array[chosen] if isinstance(array, np.ndarray) else array.take(chosen)
        rows_of_view = on_device(taken, self._device).float()
        return rows_of_view.sub_(self._mean).mul_(self._scale)
