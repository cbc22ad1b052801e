"""Which images a step sees, and how they reach the device: all a function of the step alone.

Nothing here has a state that a checkpoint would have to keep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from labelbench_core.compute.devices import on_device
from labelbench_core.datasets import Images
from labelbench_core.seeds import rng_for

# Labelled sets up to this size are decoded once and stay on the device as uint8.
RESIDENT_BYTES = 2 << 30


class Sampler:
    """Batches from one random permutation per epoch; epochs follow each other without a gap.

    Parameters
    ----------
    num_rows
        Size of the labelled set.
    batch_size
        Rows per step; no more than `num_rows` are drawn.
    names
        Names from which the permutations are derived, with the number of the epoch.
    """

    def __init__(self, num_rows: int, batch_size: int, names: tuple[str | int, ...]) -> None:
        self.num_rows, self.batch_size = num_rows, min(batch_size, num_rows)
        self._names = names
        self._epochs: dict[int, np.ndarray] = {}

    def rows(self, step: int) -> np.ndarray:
        """(B,) int64 rows of the step `step` (from 0)."""
        position = step * self.batch_size
        parts, missing = [], self.batch_size
        while missing:
            epoch, start = divmod(position, self.num_rows)
            part = self._permutation(epoch)[start : start + missing]
            parts.append(part)
            position, missing = position + len(part), missing - len(part)
        return np.concatenate(parts)

    def _permutation(self, epoch: int) -> np.ndarray:
        if epoch not in self._epochs:
            rng = rng_for("finetune-batches", *self._names, epoch)
            last = self._epochs.get(epoch - 1)
            self._epochs = {} if last is None else {epoch - 1: last}
            self._epochs[epoch] = rng.permutation(self.num_rows)
        return self._epochs[epoch]


class DeviceImages:
    """Images of a split that arrive on the device as uint8 (B, H, W, 3).

    Images that fit are read once and kept; otherwise a thread reads batches, one ahead.
    """

    def __init__(
        self,
        images: Images,
        indices: np.ndarray,
        device: torch.device,
        resident_bytes: int = RESIDENT_BYTES,
    ) -> None:
        self._images, self._indices, self._device = images, indices, device
        self._resident: torch.Tensor | None = None
        if len(indices) * images.batch(indices[:1]).nbytes <= resident_bytes:
            self._resident = torch.from_numpy(images.batch(indices)).to(device)

    def __len__(self) -> int:
        return len(self._indices)

    def batches(self, plans: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
        """(rows, images) for every plan, an array of rows; in order."""
        if self._resident is not None:
            for rows in plans:
                yield rows, self._resident[on_device(rows, self._device)]
            return
        for rows, images in read_ahead(lambda rows: self._images.batch(self._indices[rows]), plans):
            yield rows, on_device(images, self._device)


def read_ahead(
    read: Callable[[np.ndarray], np.ndarray], plans: Iterable[np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(plan, read(plan)) in order, the next one read by a thread while this one is used."""
    with ThreadPoolExecutor(1) as pool:
        waiting = None
        for rows in plans:
            following = rows, pool.submit(read, rows)
            if waiting is not None:
                yield waiting[0], waiting[1].result()
            waiting = following
        if waiting is not None:
            yield waiting[0], waiting[1].result()
