"""Texts in, pooled features out."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from labelbench_core.backbones import TextBackbone
from labelbench_core.backbones.shared.pooling import features_of
from labelbench_core.compute.precision import autocast, dtype_of
from labelbench_core.datasets import PreparedDataset, SplitRows
from labelbench_core.errors import InputError

BATCH = 256
PADDED = 32
"""Texts of a batch that are padded together, sorted by their numbers of tokens."""
COUNTED = 4096


@dataclass(frozen=True)
class TextView:
    """Texts to encode, as they are; a subclass changes them, or how they are encoded.

    Attributes
    ----------
    texts
        B texts.
    """

    texts: Sequence[str]

    def part(self, places: np.ndarray) -> TextView:
        """The texts at `places`, in that order."""
        return TextView([self.texts[int(place)] for place in places])

    def within(
        self, model: torch.nn.Module, lengths: Sequence[int]
    ) -> contextlib.AbstractContextManager[None]:
        """The context that `model` runs in; `lengths`: tokens of each text, without padding."""
        return contextlib.nullcontext()


class TextEncoder:
    """An `Encoder` of texts.

    Texts of similar length are padded to the longest of them, which changes only last bits.
    """

    def __init__(self, backbone: TextBackbone, dataset: PreparedDataset) -> None:
        self._backbone = backbone
        self._model: torch.nn.Module | None = None
        self._dense: torch.nn.Module | None = None
        self._device, self._dtype = torch.device("cpu"), torch.float32
        self.num_features = backbone.num_features
        self.batch_size = BATCH
        self.settings: Mapping[str, Any] = {"preprocessing": backbone.preprocessing()}

    def rows(self, dataset: PreparedDataset, split: str, threads: int) -> SplitRows:
        """Texts, all of them read at once."""
        return dataset.texts(split)

    def start(self, device: str, precision: str) -> None:
        """Put a copy of the network on its device."""
        self._device, self._dtype = torch.device(device), dtype_of(precision)
        self._model = copy.deepcopy(self._backbone.model).to(self._device)
        if self._backbone.dense is not None:
            self._dense = copy.deepcopy(self._backbone.dense).to(self._device)

    def encode(
        self, batch: list[str], prepare: Callable[[list[str]], TextView] | None
    ) -> np.ndarray:
        """Features (B, D) float32 of texts."""
        assert self._model is not None, "start comes first"
        view = TextView(batch) if prepare is None else prepare(batch)
        lengths = [len(ids) for ids in self._backbone.tokens(view.texts)["input_ids"]]
        order = np.argsort(lengths, kind="stable")
        features = np.empty((len(batch), self.num_features), np.float32)
        for first in range(0, len(order), PADDED):
            places = order[first : first + PADDED]
            features[places] = self._encode(view.part(places), self._model)
        return features

    def _encode(self, view: TextView, model: torch.nn.Module) -> np.ndarray:
        """Features (B, D) of texts that are padded together."""
        tokens = self._backbone.tokens(view.texts, padding=True, return_tensors="pt")
        lengths = tokens["attention_mask"].sum(dim=1).tolist()
        tokens = tokens.to(self._device)
        try:
            with torch.inference_mode():
                with view.within(model, lengths), autocast(self._device, self._dtype):
                    hidden = model(**tokens).last_hidden_state
                mask = tokens["attention_mask"]
                return features_of(self._backbone, hidden, mask, self._dense).cpu().numpy()
        except torch.OutOfMemoryError as error:
            raise InputError(
                f"{self._device}: out of memory with {len(view.texts)} texts of up to "
                f"{self._backbone.max_length} tokens; use a larger GPU, a smaller "
                "options.max_length, or LABELBENCH_DEVICE=cpu"
            ) from error

    def flops(self, rows: Mapping[str, SplitRows], views: Mapping[str, int]) -> int:
        """FLOPs: two for each token and weight of layers, four for each pair of tokens and feature.

        As for images, only matrix products count; padding does not. Views count as whole texts.
        """
        model: Any = self._backbone.model
        weights = sum(
            value.numel()
            for name, value in model.named_parameters()
            if value.ndim == 2 and "embedding" not in name
        )
        dense = self._backbone.dense
        after = (
            0
            if dense is None
            else 2 * sum(one.numel() for one in dense.parameters() if one.ndim == 2)
        )
        pairs = 4 * model.config.num_hidden_layers * model.config.hidden_size
        total = 0
        for split, count in views.items():
            of_split = rows[split]
            for first in range(0, len(of_split), COUNTED):
                within = np.arange(first, min(first + COUNTED, len(of_split)))
                ids = self._backbone.tokens(of_split.batch(within))["input_ids"]
                of_texts = sum(len(one) * (2 * weights + pairs * len(one)) for one in ids)
                total += count * (of_texts + after * len(ids))
        return total
