"""Pretrained networks whose pooled features are embedded and fine-tuned: one file per source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from labelbench_core.datasets.images.framing import SHORTEST, Framing
from labelbench_core.registry.info import IMAGES

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Outline:
    """A backbone's shapes without values, so that its cost is known before its weights are there.

    Attributes
    ----------
    model, num_features, input_size
        As of the `Backbone`; the model is on the device "meta".
    """

    model: torch.nn.Module
    num_features: int
    input_size: int


@dataclass(frozen=True)
class Backbone:
    """A network that maps images to pooled features, and the preprocessing of its images.

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
        Mean and standard deviation of each RGB channel, for values from 0 to 1.
    interpolation
        "bilinear" or "bicubic"; both antialiased.
    weights_sha256
        SHA-256 over names, types, shapes and values of all tensors of `model`.
    layer
        Where the features come from, in words.
    framing
        How an image that is not square is made square.
    dropped
        Tensors of the weights file that are not part of `model`, such as a classifier's, each with
        its shape.
    file_sha256
        SHA-256 of the local file that the weights are from; empty: from none.
    """

    reads: ClassVar[str] = IMAGES
    model: torch.nn.Module
    num_features: int
    input_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    weights_sha256: str
    layer: str
    framing: Framing = SHORTEST
    dropped: tuple[str, ...] = ()
    file_sha256: str = ""

    def preprocess(self, images: torch.Tensor) -> torch.Tensor:
        """Resize and normalise uint8 images (B, H, W, 3), on the device that holds them.

        Returns float32 (B, 3, `input_size`, `input_size`), channels last in memory.
        """
        import torch

        from labelbench_core.backbones.shared.resizing import to_square

        size = self.input_size
        pixels = to_square(images, size, self.interpolation, self.framing).to(torch.float32)
        # Whole rows of pixels at once: broadcasting over 3 channels is several times slower.
        std = torch.tensor(self.std, device=pixels.device).repeat(size)
        mean = torch.tensor(self.mean, device=pixels.device).repeat(size)
        rows = pixels.view(len(pixels), size, size * 3).mul_(1.0 / (255.0 * std)).sub_(mean / std)
        return rows.view(len(pixels), size, size, 3).permute(0, 3, 1, 2)

    def preprocessing(self) -> dict[str, object]:
        """What `preprocess` does, for a manifest."""
        return {
            "input_size": self.input_size,
            "resize_mode": self.framing.resize_mode,
            "fill": list(self.framing.fill),
            "interpolation": self.interpolation,
            "antialias": True,
            "rounding": "uint8",
            "mean": list(self.mean),
            "std": list(self.std),
        }


@dataclass(frozen=True)
class GivenEmbeddings:
    """No network: the embeddings of a data set, as they are.

    Attributes
    ----------
    layer
        Where the features come from, in words.
    weights_sha256
        Empty: there are no weights.
    """

    reads: ClassVar[str] = "embeddings"
    layer: str = "as given"
    weights_sha256: str = ""


@dataclass(frozen=True)
class TextBackbone:
    """A network that maps texts to pooled features.

    Attributes
    ----------
    model
        An encoder of transformers, in evaluation mode, in float32.
    tokenizer
        Its tokenizer, padding on the right.
    num_features
        D.
    pooling
        "mean" over a text's tokens, "cls" (the first token), or "max" of each feature.
    normalize
        Whether features get unit length.
    max_length
        Tokens after which a text is truncated.
    prompt
        Prefix of every text.
    lower_case
        Whether texts are lower-cased before the tokenizer gets them.
    weights_sha256
        SHA-256 over names, types, shapes and values of all tensors of `model` and `dense`.
    layer
        Where the features come from, in words.
    dense
        Layers on pooled features, from (B, features of `model`) to (B, D); None: there are none.
    """

    reads: ClassVar[str] = "texts"
    model: torch.nn.Module
    tokenizer: Any
    num_features: int
    pooling: str
    normalize: bool
    max_length: int
    prompt: str
    lower_case: bool
    weights_sha256: str
    layer: str
    dense: torch.nn.Module | None = None

    def tokens(self, texts: Sequence[str], **options: Any) -> Any:
        """What the tokenizer makes of texts, truncated to `max_length`."""
        whole = [self.prompt + text for text in texts]
        if self.lower_case:
            whole = [text.lower() for text in whole]
        return self.tokenizer(whole, truncation=True, max_length=self.max_length, **options)

    def preprocessing(self) -> dict[str, object]:
        """What is done with texts and hidden states, for a manifest."""
        names = ("pooling", "normalize", "max_length", "prompt", "lower_case")
        return {name: getattr(self, name) for name in names}
