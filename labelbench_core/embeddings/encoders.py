"""From rows of a data set to features: an encoder for each kind of rows that backbones read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from labelbench_core.backbones import Backbone, GivenEmbeddings
from labelbench_core.compute.flops import flops_per_image
from labelbench_core.datasets import PreparedDataset, SplitRows
from labelbench_core.embeddings.features import FeatureExtractor, choose_batch_size
from labelbench_core.embeddings.texts import TextEncoder
from labelbench_core.errors import InputError
from labelbench_core.registry.info import IMAGES

Prepare = Callable[[Any], Any]


class Encoder(Protocol):
    """Makes features of rows.

    Attributes
    ----------
    num_features
        D.
    batch_size
        Rows of a batch; the last bits of the features may depend on it.
    settings
        What the features depend on besides rows, batches and precision, for manifests.
    """

    num_features: int
    batch_size: int
    settings: Mapping[str, Any]

    def rows(self, dataset: PreparedDataset, split: str, threads: int) -> SplitRows:
        """The rows of a split, as `encode` takes them in batches."""
        ...

    def start(self, device: str, precision: str) -> None:
        """Get ready to encode."""
        ...

    def encode(self, batch: Any, prepare: Prepare | None) -> np.ndarray:
        """Features (B, D) of a batch; `prepare` makes a view of it, None: the clean view."""
        ...

    def flops(self, rows: Mapping[str, SplitRows], views: Mapping[str, int]) -> int:
        """Floating-point operations for the rows of each split, in that many views each."""
        ...


class ImageEncoder:
    """An `Encoder` of images."""

    def __init__(self, backbone: Backbone, dataset: PreparedDataset) -> None:
        self._backbone = backbone
        self._extractor: FeatureExtractor | None = None
        self.num_features = backbone.num_features
        self.batch_size = choose_batch_size(backbone.input_size)
        # Named only where there are any: other manifests stay as they are.
        more = {"dropped": list(backbone.dropped), "file_sha256": backbone.file_sha256}
        self.settings: Mapping[str, Any] = {
            "preprocessing": backbone.preprocessing(),
            **{key: value for key, value in more.items() if value},
        }

    def rows(self, dataset: PreparedDataset, split: str, threads: int) -> SplitRows:
        """Images, decoded by `threads` threads."""
        return dataset.images(split, threads=threads, framing=self._backbone.framing)

    def start(self, device: str, precision: str) -> None:
        """Put the network on its device."""
        self._extractor = FeatureExtractor(self._backbone, device, precision)

    def encode(self, batch: np.ndarray, prepare: Prepare | None) -> np.ndarray:
        """Features (B, D) float32 of uint8 images (B, H, W, 3)."""
        assert self._extractor is not None, "start comes first"
        return self._extractor(batch, prepare)

    def flops(self, rows: Mapping[str, SplitRows], views: Mapping[str, int]) -> int:
        """FLOPs of all rows; every image takes the same number."""
        assert self._extractor is not None, "start comes first"
        per_image = flops_per_image(self._extractor.model, self._backbone.input_size)
        return per_image * sum(len(rows[split]) * count for split, count in views.items())


class GivenRows:
    """An `Encoder` of embeddings: it leaves them as they are."""

    def __init__(self, backbone: GivenEmbeddings, dataset: PreparedDataset) -> None:
        self.num_features = dataset.embeddings(dataset.splits[0]).shape[1]
        self.batch_size = 4096
        self.settings: Mapping[str, Any] = {}

    def rows(self, dataset: PreparedDataset, split: str, threads: int) -> SplitRows:
        """Embeddings, as the data set keeps them."""
        return dataset.embeddings(split)

    def start(self, device: str, precision: str) -> None:
        """Nothing is needed."""

    def encode(self, batch: np.ndarray, prepare: Prepare | None) -> np.ndarray:
        """The same embeddings."""
        if prepare is not None:
            raise ValueError("embeddings have no views")
        return batch

    def flops(self, rows: Mapping[str, SplitRows], views: Mapping[str, int]) -> int:
        """Zero: no network runs."""
        return 0


ENCODERS: Mapping[str, Callable[[Any, PreparedDataset], Encoder]] = {
    IMAGES: ImageEncoder,
    "texts": TextEncoder,
    "embeddings": GivenRows,
}


def encoder_of(backbone: Any, dataset: PreparedDataset) -> Encoder:
    """The encoder of a backbone; `InputError` unless it reads what the data set's rows are."""
    if backbone.reads != dataset.rows:
        raise InputError(
            f"data set {dataset.manifest['dataset']}: its rows are {dataset.rows}, but the "
            f"backbone reads {backbone.reads}; allowed: a backbone that reads {dataset.rows}"
        )
    return ENCODERS[backbone.reads](backbone, dataset)
