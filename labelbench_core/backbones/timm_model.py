"""Any model of timm, with weights from the Hugging Face hub, from a local file, or random ones.

Wightman, "PyTorch Image Models", https://github.com/huggingface/pytorch-image-models.
"""

from __future__ import annotations

import difflib
from typing import Literal

from labelbench_core.backbones import Backbone
from labelbench_core.errors import InputError
from labelbench_core.options import Pixels, Seed

INFO = {
    "summary": "any timm model: hub weights, a local checkpoint, or seeded random weights",
    "license": "as the weights chosen",
    "paper": "https://doi.org/10.5281/zenodo.4414861",
}


def check(*, checkpoint: str | None = None, **_: object) -> None:
    """`InputError` if a local checkpoint is named and missing; downloads nothing."""
    from labelbench_core.backbones._building import require_file

    if checkpoint is not None:
        require_file(checkpoint)


def build(
    *,
    model: str = "resnet18",
    pretrained: bool = True,
    checkpoint: str | None = None,
    input_size: Pixels | None = None,
    interpolation: Literal["bilinear", "bicubic"] | None = None,
    random_seed: Seed = 0,
) -> Backbone:
    """A timm model without its classifier: features are what its classifier would get.

    Parameters
    ----------
    model
        timm's name, with or without the weights' tag ("vit_small_patch14_dinov2.lvd142m").
    pretrained
        Take published weights from the hub (downloaded once, cached under `HF_HOME`); else random.
    checkpoint
        A local weights file (.safetensors, .pth) of the whole model, classifier included, instead.
    input_size
        Height and width in pixels; default: as the weights were trained.
    interpolation
        "bilinear" or "bicubic"; default: as the weights were trained.
    random_seed
        Of random weights (`pretrained: false`, no checkpoint).
    """
    import timm

    from labelbench_core.backbones import _building

    if ":" not in model and not timm.is_model(model):
        close = difflib.get_close_matches(model, timm.list_models(), n=3)
        raise InputError(f"model: timm has no {model!r}; closest: {', '.join(close) or 'none'}")
    arguments = _weights_arguments(pretrained, checkpoint)
    if input_size is not None and _has_fixed_size(model):
        arguments["img_size"] = input_size
    try:
        with _building.seeded_initialisation(random_seed):
            network = timm.create_model(model, **arguments)
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise InputError(
            f"model: weights of timm's {model!r} could not be loaded: {error}. Without internet, "
            "give a local file as `checkpoint`"
        ) from error
    config = network.pretrained_cfg
    network.reset_classifier(0)
    return _building.finish(
        network,
        input_size=input_size or config["input_size"][-1],
        mean=config["mean"],
        std=config["std"],
        interpolation=interpolation or config["interpolation"],
        layer="pooled features before the classifier",
    )


def _weights_arguments(pretrained: bool, checkpoint: str | None) -> dict[str, object]:
    """Arguments for timm that say where weights come from; all three ways load strictly.

    The classifier is kept while loading: asked for a model without one, timm loads leniently, and
    a checkpoint of another model would leave layers random.
    """
    from labelbench_core.backbones._building import require_file

    if checkpoint is not None:
        return {
            "pretrained": True,
            "pretrained_cfg_overlay": {"file": str(require_file(checkpoint))},
        }
    return {"pretrained": pretrained}


def _has_fixed_size(model: str) -> bool:
    """Whether the network is built for one input size (vision transformers)."""
    import timm

    config = timm.get_pretrained_cfg(model)
    return bool(config and config.fixed_input_size)
