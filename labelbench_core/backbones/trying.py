"""Trying a backbone out on two photographs or two texts, before anything runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labelbench_core import registry
from labelbench_core.backbones import Backbone, TextBackbone
from labelbench_core.backbones.folding import LARGEST_ERROR, fold_batch_norm
from labelbench_core.errors import InputError, listed

if TYPE_CHECKING:
    import numpy as np
    import torch

SECONDS = 1.0
BATCH = 8
SPREAD = 1e-6
"""Below this share of the largest feature, two rows have the same features."""
TEXTS = (
    "The film was fine, and the pictures of the mountains were better than in the book.",
    "I lost my card.",
)
_Row = tuple[str, str]
"""What a line is about, and what it says."""


@dataclass(frozen=True)
class Trial:
    """What was found out, in lines, and whether something is wrong."""

    lines: list[str]
    broken: bool


def try_out(name: str, entry: Mapping[str, Any]) -> Trial:
    """Embed two photographs, or two texts, as jobs do, on the CPU in float32.

    Features of photographs are compared with the library's own, those of texts with those of each
    text alone. Jobs fold batch norms into convolutions, which changes how numbers are rounded.
    Features agree if they differ by at most `LARGEST_ERROR` of the largest one: dozens of layers in
    float32 stay well below it, and so does the rounding to float16 in which embeddings are kept (at
    most 0.0005 of a feature), while another layer, weight or preprocessing exceeds it by far.

    Raises
    ------
    InputError
        If it cannot be built, or reads neither images nor texts.
    """
    implementation, options = entry["implementation"], registry.options_of(entry)
    registry.check("backbones", entry)
    backbone = registry.build("backbones", entry)
    if isinstance(backbone, Backbone):
        rows, broken = _with_images(backbone, implementation, options)
    elif isinstance(backbone, TextBackbone):
        rows, broken = _with_texts(backbone)
    else:
        raise InputError(
            f"{name}: reads {backbone.reads}; allowed: backbones that read images or texts"
        )
    lines = [f"{name}: {implementation}", *(f"  {label:<13} {text}" for label, text in rows)]
    return Trial([*lines, *(f"  {'wrong':<13} {one}" for one in broken)], bool(broken))


def _with_images(
    backbone: Backbone, implementation: str, options: Mapping[str, Any]
) -> tuple[list[_Row], list[str]]:
    """What two photographs show, and what is wrong."""
    import torch

    from labelbench_core.backbones.shared.own_features import LIBRARIES

    network, folds = fold_batch_norm(backbone.model, backbone.input_size)
    own = None
    with torch.inference_mode():
        pixels = backbone.preprocess(torch.from_numpy(photographs()))
        features = network(pixels)
        batch = pixels.repeat(BATCH // len(pixels), 1, 1, 1)
        rate = _a_second(lambda: network(batch))
        if implementation in LIBRARIES:
            library, compute = LIBRARIES[implementation]
            own = (library, compute(pixels, options))
    dropped = ("dropped", ", ".join(backbone.dropped) or "nothing")
    rows = _rows(backbone, features, f"{rate:.3g} images", [dropped])
    rows.insert(-1, ("folded", f"{len(folds)} batch norms"))
    broken: list[str] = []
    if own is not None:
        told, equal = _compared(own[1], features, f"{own[0]}'s own")
        rows.append(("compared", told))
        broken += [] if equal else [f"features differ from {own[0]}'s own"]
    return rows, broken + _faults(features, "photographs")


def _with_texts(backbone: TextBackbone) -> tuple[list[_Row], list[str]]:
    """What two texts show, and what is wrong: padding one to the other's length changes nothing."""
    import torch

    from labelbench_core.backbones.shared.pooling import features_of

    def embed(texts: Sequence[str]) -> torch.Tensor:
        tokens = backbone.tokens(texts, padding=True, return_tensors="pt")
        hidden = backbone.model(**tokens).last_hidden_state
        return features_of(backbone, hidden, tokens["attention_mask"], backbone.dense)

    with torch.inference_mode():
        features = embed(TEXTS)
        alone = torch.cat([embed([one]) for one in TEXTS])
        rate = _a_second(lambda: embed(TEXTS * (BATCH // len(TEXTS))))
    counts = [len(ids) for ids in backbone.tokens(TEXTS)["input_ids"]]
    rows = _rows(backbone, features, f"{rate:.3g} texts", [("tokens", listed(counts))])
    told, equal = _compared(alone, features, "those of each text alone")
    rows.append(("padded", told))
    broken = [] if equal else ["features of a text depend on the text beside it"]
    return rows, broken + _faults(features, "texts")


def _rows(
    backbone: Backbone | TextBackbone, features: torch.Tensor, rate: str, more: Sequence[_Row]
) -> list[_Row]:
    """The lines that are printed for every backbone."""
    file_sha256 = getattr(backbone, "file_sha256", "")
    kind = str(features.dtype).removeprefix("torch.")
    return [
        ("features", f"shape {tuple(features.shape)}, {kind}"),
        ("layer", backbone.layer),
        ("speed", f"{rate} a second in batches of {BATCH} on this machine's CPU"),
        *((key, _shown(value)) for key, value in backbone.preprocessing().items()),
        *more,
        ("weights", f"SHA-256 {backbone.weights_sha256}"),
        *([("file", f"SHA-256 {file_sha256}")] if file_sha256 else []),
    ]


def _faults(features: torch.Tensor, rows: str) -> list[str]:
    """What is wrong with the features (2, D) of two different `rows`."""
    if not features.isfinite().all():
        return ["features are not all finite"]
    if (features[0] - features[1]).abs().max() <= SPREAD * features.abs().max():
        return [f"two different {rows} have the same features"]
    return []


def photographs() -> np.ndarray:
    """(2, 427, 640, 3) uint8: scikit-learn's two photographs, a Chinese pagoda and a flower."""
    import numpy as np
    from sklearn.datasets import load_sample_images

    return np.stack(load_sample_images().images)


def _compared(other: torch.Tensor, features: torch.Tensor, whose: str) -> tuple[str, bool]:
    if other.shape != features.shape:
        return f"{whose} have the shape {tuple(other.shape)}", False
    share = float((other - features).abs().max() / other.abs().max())
    equal = share <= LARGEST_ERROR
    verb = "agree with" if equal else "differ from"
    return (
        f"{verb} {whose}: largest difference {share:.1g} of the largest feature, allowed "
        f"{LARGEST_ERROR:g}",
        equal,
    )


def _a_second(embed: Callable[[], object]) -> float:
    """Rows a second, where `embed` embeds a batch of `BATCH`."""
    embed()
    start, passes = time.perf_counter(), 0
    while (passed := time.perf_counter() - start) < SECONDS:
        embed()
        passes += 1
    return passes * BATCH / passed


def _shown(value: object) -> str:
    if isinstance(value, str) and not value.isidentifier():
        return repr(value)  # a prompt's blanks count
    return str(list(value)) if isinstance(value, (list, tuple)) else str(value)
