"""The image tower of an OpenCLIP model: published weights, a local file, or random ones.

Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021;
Cherti et al., "Reproducible Scaling Laws for Contrastive Language-Image Learning", CVPR 2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from labelbench_core.backbones import Backbone
from labelbench_core.errors import InputError
from labelbench_core.options import Pixels, Seed

if TYPE_CHECKING:
    import numpy as np
    import torch

INFO = {
    "summary": "image tower of an OpenCLIP model: published, local or seeded random weights",
    "license": "as the weights chosen",
    "paper": "https://arxiv.org/abs/2103.00020",
    "text": True,
}


def check(*, checkpoint: str | None = None, **_: object) -> None:
    """`InputError` if a local checkpoint is named and missing; downloads nothing."""
    from labelbench_core.backbones._building import require_file

    if checkpoint is not None:
        require_file(checkpoint)


def build(
    *,
    model: str = "ViT-B-32",
    pretrained: str | None = "openai",
    checkpoint: str | None = None,
    input_size: Pixels | None = None,
    random_seed: Seed = 0,
) -> Backbone:
    """The image tower: features are its projection into the space shared with text, not normalised.

    Parameters
    ----------
    model
        OpenCLIP's architecture name.
    pretrained
        Tag of published weights (downloaded once, cached under `HF_HOME`); null: random weights.
    checkpoint
        A local weights file of the whole model, image and text, instead.
    input_size
        Height and width in pixels; default: as the weights were trained.
    random_seed
        Of random weights.
    """
    import open_clip

    from labelbench_core.backbones import _building

    network = _create(model, pretrained, checkpoint, input_size, random_seed)
    # CoCa's image tower gives its decoder the tokens, too.
    if getattr(network.visual, "output_tokens", False):
        network.visual.output_tokens = False
    config = open_clip.get_model_preprocess_cfg(network)
    size = config["size"]
    return _building.finish(
        network.visual,
        input_size=size if isinstance(size, int) else size[0],
        mean=config["mean"],
        std=config["std"],
        interpolation=config["interpolation"],
        layer="projection of the image tower",
    )


def zero_shot_head(
    class_names: Sequence[str],
    prompts: Sequence[str] | None,
    *,
    model: str = "ViT-B-32",
    pretrained: str | None = "openai",
    checkpoint: str | None = None,
    input_size: int | None = None,
    random_seed: int = 0,
) -> tuple[np.ndarray, float]:
    """The classifier that the text tower makes of the classes' names (Radford et al. 2021, 3.1).

    Parameters
    ----------
    class_names
        C names.
    prompts
        Templates with `{}` for the name; None: the 80 that CLIP's authors used on ImageNet.

    Returns
    -------
    (D, C) float32 columns of unit length, each the mean over the prompts, and the factor on the
    cosine similarities.
    """
    import open_clip
    import torch

    network = _create(model, pretrained, checkpoint, input_size, random_seed).eval()
    templates = open_clip.OPENAI_IMAGENET_TEMPLATES if prompts is None else prompts
    try:
        tokenizer = open_clip.get_tokenizer(model)
    except OSError as error:
        raise InputError(
            f"model: the tokenizer of {model!r} could not be loaded: {error}"
        ) from error
    with torch.inference_mode():
        weights = open_clip.build_zero_shot_classifier(
            network, tokenizer, list(class_names), list(templates)
        )
        return weights.float().numpy(), float(network.logit_scale.exp())


def _create(
    model: str,
    pretrained: str | None,
    checkpoint: str | None,
    input_size: int | None,
    random_seed: int,
) -> torch.nn.Module:
    """Both towers."""
    import open_clip

    from labelbench_core.backbones import _building

    if model not in open_clip.list_models():
        raise InputError(f"model: OpenCLIP has no {model!r}; see open_clip.list_models()")
    if checkpoint is not None:
        source = str(_building.require_file(checkpoint))
    else:
        source = pretrained
        tags = open_clip.list_pretrained_tags_by_model(model)
        if pretrained is not None and pretrained not in tags:
            raise InputError(
                f"pretrained: {model} has no weights {pretrained!r}; allowed: {', '.join(tags)}"
            )
    try:
        with _building.seeded_initialisation(random_seed):
            return open_clip.create_model(
                model, pretrained=source, force_image_size=input_size, precision="fp32"
            )
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise InputError(
            f"pretrained: weights {source!r} of OpenCLIP's {model!r} could not be loaded: {error}. "
            "Without internet, give a local file as `checkpoint`"
        ) from error
