"""Trying a backbone of images out on two photographs, before anything runs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labelbench_core import registry
from labelbench_core.backbones import Backbone
from labelbench_core.backbones.folding import LARGEST_ERROR, fold_batch_norm
from labelbench_core.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import torch

SECONDS = 1.0
BATCH = 8
SPREAD = 1e-6
"""Below this share of the largest feature, two images have the same features."""


@dataclass(frozen=True)
class Trial:
    """What was found out, in lines, and whether something is wrong."""

    lines: list[str]
    broken: bool


def try_out(name: str, entry: Mapping[str, Any]) -> Trial:
    """Embed two photographs as jobs do, on the CPU in float32, and compare with the library's own.

    Jobs fold batch norms into convolutions, which changes how numbers are rounded. Features agree
    if they differ by at most `LARGEST_ERROR` of the largest one: dozens of layers in float32 stay
    well below it, and so does the rounding to float16 in which embeddings are kept (at most 0.0005
    of a feature), while another layer, weight or preprocessing exceeds it by far.

    Raises
    ------
    InputError
        If it cannot be built, or reads no images.
    """
    import torch

    from labelbench_core.backbones._own_features import LIBRARIES

    implementation, options = entry["implementation"], registry.options_of(entry)
    component = registry.load("backbones", implementation)
    component.check(**options)
    backbone = registry.build("backbones", entry)
    if not isinstance(backbone, Backbone):
        raise InputError(f"{name}: reads {backbone.reads}; allowed: backbones that read images")
    network, folds = fold_batch_norm(backbone.model, backbone.input_size)
    with torch.inference_mode():
        pixels = backbone.preprocess(torch.from_numpy(photographs()))
        features = network(pixels)
        rate = _images_per_second(network, pixels)
        own = None
        if implementation in LIBRARIES:
            library, compute = LIBRARIES[implementation]
            own = (library, compute(pixels, options))
    rows = [
        (
            "features",
            f"shape {tuple(features.shape)}, {str(features.dtype).removeprefix('torch.')}",
        ),
        ("layer", backbone.layer),
        ("speed", f"{rate:.3g} images a second in batches of {BATCH} on this machine's CPU"),
        *((key, _shown(value)) for key, value in backbone.preprocessing().items()),
        ("dropped", ", ".join(backbone.dropped) or "nothing"),
        ("folded", f"{len(folds)} batch norms"),
        ("weights", f"SHA-256 {backbone.weights_sha256}"),
    ]
    broken = []
    if own is not None:
        told, equal = _compared(*own, features)
        rows.append(("compared", told))
        broken += [] if equal else [f"features differ from {own[0]}'s own"]
    if not features.isfinite().all():
        broken.append("features are not all finite")
    elif (features[0] - features[1]).abs().max() <= SPREAD * features.abs().max():
        broken.append("two different photographs have the same features")
    lines = [f"{name}: {implementation}", *(f"  {label:<13} {text}" for label, text in rows)]
    return Trial([*lines, *(f"  {'wrong':<13} {one}" for one in broken)], bool(broken))


def photographs() -> np.ndarray:
    """(2, 427, 640, 3) uint8: scikit-learn's two photographs, a Chinese pagoda and a flower."""
    import numpy as np
    from sklearn.datasets import load_sample_images

    return np.stack(load_sample_images().images)


def _compared(library: str, own: torch.Tensor, features: torch.Tensor) -> tuple[str, bool]:
    if own.shape != features.shape:
        return f"{library}'s own have the shape {tuple(own.shape)}", False
    share = float((own - features).abs().max() / own.abs().max())
    equal = share <= LARGEST_ERROR
    verb = "agree with" if equal else "differ from"
    return (
        f"{verb} {library}'s own: largest difference {share:.1g} of the largest feature, allowed "
        f"{LARGEST_ERROR:g}",
        equal,
    )


def _images_per_second(network: torch.nn.Module, pixels: torch.Tensor) -> float:
    batch = pixels.repeat(BATCH // len(pixels), 1, 1, 1)
    network(batch)
    start, passes = time.perf_counter(), 0
    while (passed := time.perf_counter() - start) < SECONDS:
        network(batch)
        passes += 1
    return passes * len(batch) / passed


def _shown(value: object) -> str:
    return str(list(value)) if isinstance(value, (list, tuple)) else str(value)
