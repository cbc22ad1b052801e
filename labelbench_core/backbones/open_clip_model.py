"""The image tower of an OpenCLIP model: published weights, a local file, or random ones.

Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021;
Cherti et al., "Reproducible Scaling Laws for Contrastive Language-Image Learning", CVPR 2023.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from labelbench_core.backbones import Backbone, Outline
from labelbench_core.backbones.shared import libraries
from labelbench_core.backbones.shared.building import closest, require_file
from labelbench_core.backbones.shared.open_clip_files import check_file, load_file
from labelbench_core.backbones.shared.patches import check_tiling
from labelbench_core.backbones.shared.preprocessing import (
    Preprocessing,
    check_given,
    read_beside,
    settle,
    square,
)
from labelbench_core.datasets.images.framing import Framing
from labelbench_core.errors import InputError, shown
from labelbench_core.registry.options import Pixels, PositiveShare, Seed, Share

if TYPE_CHECKING:
    import numpy as np
    import torch

INFO = {
    "summary": "image tower of an OpenCLIP model: published, local or seeded random weights",
    "license": "that of the weights",
    "weights_file": "checkpoint",
    "paper": "https://arxiv.org/abs/2103.00020",
    "text": True,
}

LIBRARY = "open_clip"
CONFIG = "open_clip_config.json"
AUTO = "auto"
DEFAULT_MODEL, DEFAULT_TAG = "ViT-B-32-quickgelu", "openai"


def check(**options: Any) -> None:
    """`InputError` if the options cannot work, as far as can be checked without OpenCLIP."""
    check_given(options)
    if options.get("checkpoint") is not None:
        require_file(options["checkpoint"])


def check_known(**options: Any) -> None:
    """`InputError` if the options cannot work, as far as OpenCLIP knows; downloads nothing."""
    preprocessing(**options)
    model, checkpoint = options.get("model", DEFAULT_MODEL), options.get("checkpoint")
    if options.get("input_size") is not None or checkpoint is not None:
        _check_outline(model, checkpoint, options.get("input_size"))


def surely_known(**options: Any) -> bool:
    """Whether OpenCLIP's files alone, read without it, show that it knows the options.

    False: OpenCLIP itself has to be asked, which takes seconds to import.
    """
    tag = _tag(options.get("pretrained", AUTO), options.get("checkpoint"))
    if tag is None or any(options.get(key) is not None for key in ("checkpoint", "input_size")):
        return False
    # Its files may be others in other versions.
    try:
        model = options.get("model", DEFAULT_MODEL)
        file = libraries.open_clip_folder() / "model_configs" / f"{model}.json"
        architecture = json.loads(file.read_text(encoding="utf-8"))
        config = libraries.open_clip_weights().get_pretrained_cfg(model, tag)
        settle(check_given(options), _known(config, model), model, "")
        activation = not config.get("quick_gelu") or architecture.get("quick_gelu")
        return bool(config) and {"vision_cfg", "text_cfg"} <= {*architecture} and bool(activation)
    except Exception:
        return False


def preprocessing(
    *,
    model: str = DEFAULT_MODEL,
    pretrained: str | None = AUTO,
    checkpoint: str | None = None,
    **options: Any,
) -> Preprocessing:
    """How images are prepared, for the options of `build`; `InputError` if that is not known."""
    return _preprocessing(model, pretrained, checkpoint, check_given(options))


def framing(**options: Any) -> Framing:
    """How an image that is not square is made square, for the options of `build`."""
    return preprocessing(**options).framing


def build(
    *,
    model: str = "ViT-B-32-quickgelu",
    pretrained: str | None = "auto",
    checkpoint: str | None = None,
    input_size: Pixels | None = None,
    mean: tuple[Share, Share, Share] | None = None,
    std: tuple[PositiveShare, PositiveShare, PositiveShare] | None = None,
    interpolation: Literal["bilinear", "bicubic"] | None = None,
    resize_mode: Literal["shortest", "longest", "squash"] | None = None,
    random_seed: Seed = 0,
) -> Backbone:
    """The image tower: features are its projection into the space shared with text, not normalised.

    Parameters
    ----------
    model
        OpenCLIP's name of the architecture. Default: ours.
    pretrained
        Tag of published weights, downloaded once and cached under `HF_HOME`; "auto": those of
        OpenAI ("openai"); null: random weights. Beside `checkpoint` it is the tag of the weights in
        that file, which defines the preprocessing, and nothing is downloaded ("auto", null: no tag
        is known). Default: ours.
    checkpoint
        Path of a local file (.safetensors, .pt) to use instead of published weights, with the
        weights of the whole model, image and text, or of its image tower alone; a classifier of any
        number of classes in it is discarded. null: none. Default: ours.
    input_size
        Height and width of the input, in pixels; null: as the weights were trained. If the network
        cuts images into patches, a multiple of a patch's side. Default: the weights'.
    mean
        Mean of each colour channel, subtracted from values between 0 and 1. null: as for the tag,
        else `preprocess_cfg` in an `open_clip_config.json` beside the checkpoint; a checkpoint with
        neither needs it. Random weights: as OpenAI's. Default: the weights'.
    std
        Standard deviation of each colour channel; values are divided by it. null: as for `mean`; a
        checkpoint with neither needs it. Random weights: as OpenAI's. Default: the weights'.
    interpolation
        Interpolation used when images are resized. null: as for `mean`; a checkpoint with neither
        needs it. Random weights: as OpenAI's. Default: the weights'.
    resize_mode
        How an image becomes a square: "shortest" scales the shorter side and crops, "longest"
        scales the longer side and pads, "squash" changes the aspect ratio. null: as for `mean`.
        Default: the weights'.
    random_seed
        Seed of random weights. Default: ours.
    """
    open_clip = libraries.open_clip()

    from labelbench_core.backbones.shared import building

    given = check_given(
        {"mean": mean, "std": std, "interpolation": interpolation, "resize_mode": resize_mode}
    )
    prepared = _preprocessing(model, pretrained, checkpoint, given)
    network, dropped = create(model, pretrained, checkpoint, input_size, random_seed)
    # CoCa's image tower gives its decoder the tokens, too.
    if getattr(network.visual, "output_tokens", False):
        network.visual.output_tokens = False
    size = open_clip.get_model_preprocess_cfg(network)["size"]
    return building.finish(
        network.visual,
        input_size=square(size, f"model: {model}"),
        mean=prepared.mean,
        std=prepared.std,
        interpolation=prepared.interpolation,
        framing=prepared.framing,
        layer="projection of the image tower",
        dropped=dropped,
        file=None if checkpoint is None else require_file(checkpoint),
    )


def outline(*, model: str, input_size: int | None = None, **others: Any) -> Outline:
    """The image tower's shapes; takes the options of `build`, and ignores those of weights.

    `InputError` where only the hub knows the text tower, which is built, too.
    """
    open_clip = libraries.open_clip()
    import torch

    from labelbench_core.backbones.shared import building

    if "hf_model_name" in open_clip.get_model_config(model)["text_cfg"]:
        raise InputError(
            f"model: {model!r}: its text tower is one of transformers, whose shapes have to be "
            "downloaded from the Hugging Face Hub; allowed here: models without one"
        )
    with torch.device("meta"), _unsaid():
        network = open_clip.create_model(model, device="meta", force_image_size=input_size)
    if getattr(network.visual, "output_tokens", False):
        network.visual.output_tokens = False
    size = open_clip.get_model_preprocess_cfg(network)["size"]
    return building.outlined(network.visual, square(size, f"model: {model}"))


def zero_shot_head(
    class_names: Sequence[str],
    prompts: Sequence[str] | None,
    *,
    model: str = DEFAULT_MODEL,
    pretrained: str | None = AUTO,
    checkpoint: str | None = None,
    input_size: int | None = None,
    random_seed: int = 0,
    **preparing: Any,
) -> tuple[np.ndarray, float]:
    """The classifier that the text tower makes from the class names (Radford et al. 2021, 3.1).

    Parameters
    ----------
    class_names
        C names.
    prompts
        Templates with `{}` for the name; None: the 80 that CLIP's authors used on ImageNet.
    preparing
        Options of the preprocessing: not used here, but checked as in `build`.

    Returns
    -------
    (D, C) float32 columns of unit length, each the mean over the prompts, and the factor on the
    cosine similarities.
    """
    open_clip = libraries.open_clip()
    import torch

    _preprocessing(model, pretrained, checkpoint, check_given(preparing))
    network, _ = create(model, pretrained, checkpoint, input_size, random_seed, text=True)
    network.eval()
    templates = open_clip.OPENAI_IMAGENET_TEMPLATES if prompts is None else prompts
    try:
        tokenizer = open_clip.get_tokenizer(model)
    except OSError as error:
        raise InputError(
            f"model: the tokenizer of {model!r} could not be loaded: {error}"
        ) from error
    # The network ends with this function; what is returned are copies.
    with torch.inference_mode():
        weights = open_clip.build_zero_shot_classifier(
            network, tokenizer, list(class_names), list(templates)
        )
        return weights.float().numpy(), float(network.logit_scale.exp())


def _tag(pretrained: str | None, checkpoint: str | None) -> str | None:
    """The tag of the weights; None if they are random, or local ones that were not named."""
    if pretrained == AUTO:
        return DEFAULT_TAG if checkpoint is None else None
    return pretrained


def _preprocessing(
    model: str, pretrained: str | None, checkpoint: str | None, given: Mapping[str, Any]
) -> Preprocessing:
    """How images are prepared; `InputError` if that, the model or its weights are not known."""
    open_clip = libraries.open_clip()
    from open_clip.transform import PreprocessCfg

    if model not in (models := open_clip.list_models()):
        told = f"model: {model!r}; allowed: a name of open_clip.list_models()"
        raise InputError(told + closest(model, models))
    tags = open_clip.list_pretrained_tags_by_model(model)
    tag = _tag(pretrained, checkpoint)
    defaults = dataclasses.asdict(PreprocessCfg())
    found: Mapping[str, Any] | None = defaults
    source = f"model: {model}" if checkpoint is None else f"checkpoint: {checkpoint}"
    if tag is not None:
        config = open_clip.get_pretrained_cfg(model, tag)
        if not config:
            raise InputError(
                f"pretrained: {pretrained!r}: {model} has no weights {tag!r}; allowed: "
                f"{', '.join(tags) or 'null'}"
            )
        _check_activation(model, tag, config)
        found = {**defaults, **config}
    elif checkpoint is not None:
        found = read_beside(checkpoint, CONFIG, "preprocess_cfg")
        source += f" with {CONFIG}" if found else ""
    cures = (
        "name the tag of its weights as pretrained"
        + (f" ({', '.join(tags)})" if tags else "")
        + f"; or put its {CONFIG} beside it"
    )
    return settle(given, found and _known(found, source), source, cures)


def _known(config: Mapping[str, Any], source: str) -> dict[str, Any]:
    """What an OpenCLIP preprocessing configuration says of `KEYS`, and its fill.

    `InputError`, naming the weights `source`, if the fill is not a shade of grey.
    """
    fill = config.get("fill_color") or 0
    if not isinstance(fill, int) or isinstance(fill, bool) or not 0 <= fill <= 255:
        raise InputError(
            f"{source}: its preprocessing is not valid: fill_color: {shown(fill)}; allowed: a "
            "whole number from 0 to 255"
        )
    values = {key: config[key] for key in ("mean", "std", "interpolation") if config.get(key)}
    for key in ("mean", "std"):
        if isinstance(values.get(key), (int, float)):
            values[key] = (values[key],) * 3
    # As in its `image_transform`: "random" concerns training alone.
    if values.get("interpolation") == "random":
        values["interpolation"] = "bicubic"
    if config.get("resize_mode"):
        values["resize_mode"] = config["resize_mode"]
    return {**values, "fill": (fill,) * 3}


def _check_activation(model: str, tag: str, config: Mapping[str, Any]) -> None:
    """`InputError` for weights trained with QuickGELU in a model with another activation."""
    open_clip = libraries.open_clip()

    if config.get("quick_gelu") and not open_clip.get_model_config(model).get("quick_gelu"):
        raise InputError(
            f"model: {model!r}; its weights {tag!r} were trained with another activation; allowed "
            f"for them: {model}-quickgelu"
        )


def create(
    model: str,
    pretrained: str | None,
    checkpoint: str | None,
    input_size: int | None,
    random_seed: int,
    *,
    text: bool = False,
) -> tuple[torch.nn.Module, tuple[str, ...]]:
    """Both towers, of a model and weights that `_preprocessing` knows; what `load_file` drops."""
    open_clip = libraries.open_clip()

    from labelbench_core.backbones.shared import building

    source = _tag(pretrained, checkpoint) if checkpoint is None else None
    path = None if checkpoint is None else require_file(checkpoint)
    try:
        # That no published weights are loaded is not said where the file's are.
        said = contextlib.nullcontext() if path is None else _unsaid()
        with building.seeded_initialisation(random_seed), said:
            network = open_clip.create_model(
                model, pretrained=source, force_image_size=input_size, precision="fp32"
            )
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        if checkpoint is not None:
            raise InputError(f"model: {model!r} could not be built: {error}") from error
        raise InputError(
            f"pretrained: weights {source!r} of OpenCLIP's {model!r} could not be loaded: {error}. "
            "Without internet, give a local file as `checkpoint`"
        ) from error
    _check_tiling(network, input_size)
    return network, () if path is None else load_file(network, path, model, text=text)


def _check_outline(model: str, checkpoint: str | None, input_size: int | None) -> None:
    """`InputError` if input size or checkpoint do not fit the network, judged by shapes alone."""
    open_clip = libraries.open_clip()
    import torch

    # A text tower from transformers would be requested from the hub.
    if "hf_model_name" in open_clip.get_model_config(model)["text_cfg"]:
        return
    with torch.device("meta"), _unsaid():
        outline = open_clip.create_model(model, device="meta")
    _check_tiling(outline, input_size)
    if checkpoint is not None:
        check_file(outline, require_file(checkpoint), model)


def _check_tiling(network: torch.nn.Module, input_size: int | None) -> None:
    """As `check_tiling`, of the image tower, which may be a model of timm."""
    check_tiling(getattr(network.visual, "trunk", network.visual), input_size)


@contextlib.contextmanager
def _unsaid() -> Iterator[None]:
    """OpenCLIP does not warn meanwhile, as of weights that come from a file, or are not needed."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)
