"""A split's images as rows: what proxies that train a whole network see in place of embeddings."""

from collections.abc import Iterator

import numpy as np

from labelbench_core.datasets import PreparedDataset
from labelbench_core.datasets.images.framing import SHORTEST, Framing

BLOCK_ROWS = 256


class ImageRows:
    """The images of one split, a `RowSource`.

    Attributes
    ----------
    dataset
        Where they come from.
    shape
        (N, H, W, 3) uint8.
    """

    def __init__(
        self,
        dataset: PreparedDataset,
        split: str,
        threads: int = 1,
        framing: Framing = SHORTEST,
    ) -> None:
        self.dataset = dataset
        self._images = dataset.images(split, threads=threads, framing=framing)
        one = self._images.batch(np.zeros(1, np.int64))
        self.shape, self.dtype = (len(self._images), *one.shape[1:]), one.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """(first row, images) in order."""
        for first in range(0, len(self), BLOCK_ROWS):
            yield first, self.take(np.arange(first, min(first + BLOCK_ROWS, len(self))))

    def take(self, indices: np.ndarray) -> np.ndarray:
        """(k, H, W, 3) images `indices`, in that order."""
        if not len(indices):
            return np.zeros((0, *self.shape[1:]), self.dtype)
        return self._images.batch(np.asarray(indices, np.int64))
