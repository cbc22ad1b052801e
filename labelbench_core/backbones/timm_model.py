"""Any model of timm, with weights from the Hugging Face hub, from a local file, or random ones.

Wightman, "PyTorch Image Models", https://github.com/huggingface/pytorch-image-models.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Literal

from labelbench_core.backbones import Backbone
from labelbench_core.backbones._preprocessing import (
    Preprocessing,
    check_given,
    check_values,
    read_beside,
    settle,
    square,
)
from labelbench_core.errors import InputError
from labelbench_core.framing import Framing
from labelbench_core.options import Pixels, PositiveShare, Seed, Share

INFO = {
    "summary": "any timm model: hub weights, a local checkpoint, or seeded random weights",
    "license": "as the weights chosen",
    "paper": "https://doi.org/10.5281/zenodo.4414861",
}

LIBRARY = "timm"
CONFIG = "config.json"
RESIZE_MODE_OF_CROP = {"center": "shortest", "border": "longest", "squash": "squash"}


def check(**options: Any) -> None:
    """`InputError` if the options cannot work, as far as can be told without timm."""
    from labelbench_core.backbones._building import require_file

    check_given(options)
    if options.get("checkpoint") is not None:
        require_file(options["checkpoint"])


def check_known(**options: Any) -> None:
    """`InputError` if the options cannot work, as far as timm knows; downloads nothing."""
    # What the hub says of its own models is known when they are built.
    if ":" not in options.get("model", ""):
        preprocessing(**options)


def preprocessing(
    *,
    model: str = "resnet18",
    pretrained: bool | str = True,
    checkpoint: str | None = None,
    **options: Any,
) -> Preprocessing:
    """How images are prepared, for the options of `build`; `InputError` if that is not known."""
    return _preprocessing(model, pretrained, checkpoint, check_given(options))


def framing(**options: Any) -> Framing:
    """How an image that is not square becomes one, for the options of `build`."""
    return preprocessing(**options).framing


def build(
    *,
    model: str = "resnet18",
    pretrained: bool | str = True,
    checkpoint: str | None = None,
    input_size: Pixels | None = None,
    mean: tuple[Share, Share, Share] | None = None,
    std: tuple[PositiveShare, PositiveShare, PositiveShare] | None = None,
    interpolation: Literal["bilinear", "bicubic"] | None = None,
    resize_mode: Literal["shortest", "longest", "squash"] | None = None,
    random_seed: Seed = 0,
) -> Backbone:
    """A timm model without its classifier: features are what its classifier would get.

    The whole square of an image is seen: timm's own evaluation first cuts off a border, whose width
    (`crop_pct`) it chose for ImageNet.

    Parameters
    ----------
    model
        timm's name, with or without the weights' tag ("vit_small_patch14_dinov2.lvd142m").
    pretrained
        Take published weights from the hub (downloaded once, cached under `HF_HOME`); else random.
        A text: the weights' tag, as behind the dot in `model`. Beside `checkpoint` the tag, here or
        there, says how images are prepared, and nothing is downloaded.
    checkpoint
        A local weights file (.safetensors, .pth) of the whole model, classifier included, instead.
    input_size
        Height and width in pixels; default: as the weights were trained.
    mean, std, interpolation, resize_mode
        How images are prepared, see `Backbone` and `Framing`; default: as timm's table says of the
        weights' tag, else `pretrained_cfg` in a `config.json` beside the checkpoint. All four are
        needed for a checkpoint with neither. Random weights: as the model's default weights.
    random_seed
        Of random weights (`pretrained: false`, no checkpoint).
    """
    import timm

    from labelbench_core.backbones import _building

    given = check_given(
        {"mean": mean, "std": std, "interpolation": interpolation, "resize_mode": resize_mode}
    )
    prepared = _preprocessing(model, pretrained, checkpoint, given)
    name = _with_tag(model, pretrained)
    arguments = _weights_arguments(pretrained, checkpoint)
    if input_size is not None and _has_fixed_size(name):
        arguments["img_size"] = input_size
    try:
        with _building.seeded_initialisation(random_seed):
            network = timm.create_model(name, **arguments)
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise InputError(
            f"model: weights of timm's {name!r} could not be loaded: {error}. Without internet, "
            "give a local file as `checkpoint`"
        ) from error
    size = input_size or square(network.pretrained_cfg["input_size"], f"model: {name}")
    network.reset_classifier(0)
    return _building.finish(
        network,
        input_size=size,
        mean=prepared.mean,
        std=prepared.std,
        interpolation=prepared.interpolation,
        framing=prepared.framing,
        layer="pooled features before the classifier",
    )


def _with_tag(model: str, pretrained: bool | str) -> str:
    """The name in timm of the model, today's, with the tag where that is given apart."""
    import timm

    model = timm.models.get_deprecated_models().get(model) or model
    if not isinstance(pretrained, str):
        return model
    if ":" in model or "." in model:
        raise InputError(
            f"pretrained: {pretrained!r}; allowed with model: {model!r}, which names its weights: "
            "true, false"
        )
    return f"{model}.{pretrained}"


def _preprocessing(
    model: str, pretrained: bool | str, checkpoint: str | None, given: Mapping[str, Any]
) -> Preprocessing:
    """How images are prepared; `InputError` if that, the model or its weights are not known."""
    import timm

    name = _with_tag(model, pretrained)
    source = f"model: {name}" if checkpoint is None else f"checkpoint: {checkpoint}"
    if ":" in name:
        return settle(given, _known(_of_hub(name), source), source, "")
    if not timm.is_model(name) or name in timm.models.get_deprecated_models():
        raise InputError(f"model: timm has no {model!r}; closest: {_closest(model)}")
    base, _, tag = name.partition(".")
    tags = [other.partition(".")[2] for other in timm.list_models(f"{base}.*", pretrained=True)]
    if tag and tag not in tags:
        key, value = ("pretrained", pretrained) if isinstance(pretrained, str) else ("model", model)
        raise InputError(
            f"{key}: {value!r}: timm's {base} has no weights {tag!r}; allowed: "
            f"{', '.join(tags) or 'none'}"
        )
    if checkpoint is None or tag:
        table = timm.get_pretrained_cfg(name)
        known = table and _known(table.to_dict(), source)
    else:
        beside = read_beside(checkpoint, CONFIG, "pretrained_cfg")
        source += f" with {CONFIG}" if beside else ""
        known = beside and _known(beside, source)
    cures = (
        "name the tag of its weights as pretrained"
        + (f" ({', '.join(tags)})" if tags else "")
        + f"; or put its {CONFIG} beside it"
    )
    return settle(given, known, source, cures)


def _known(config: Mapping[str, Any], source: str) -> dict[str, Any]:
    """What timm's configuration of weights says of `KEYS`; it fills up with the mean colour.

    `InputError`, naming the weights `source`, if that is no colour.
    """
    values = {key: config[key] for key in ("mean", "std", "interpolation") if config.get(key)}
    if (crop := str(config.get("crop_mode"))) in RESIZE_MODE_OF_CROP:
        values["resize_mode"] = RESIZE_MODE_OF_CROP[crop]
    if "mean" in values:
        check_values({"mean": values["mean"]}, source)
        values["fill"] = tuple(round(255 * value) for value in values["mean"])
    return values


def _of_hub(name: str) -> Mapping[str, Any]:
    """What the configuration of a model outside of timm's tables says: "hf-hub:", "local-dir:"."""
    import timm

    try:
        return timm.create_model(name, pretrained=False).pretrained_cfg
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise InputError(f"model: {name!r} could not be loaded by timm: {error}") from error


def _closest(model: str) -> str:
    import timm

    base = model.partition(".")[0]
    return ", ".join(difflib.get_close_matches(base, timm.list_models(), n=3)) or "none"


def _weights_arguments(pretrained: bool | str, checkpoint: str | None) -> dict[str, object]:
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
    return {"pretrained": bool(pretrained)}


def _has_fixed_size(model: str) -> bool:
    """Whether the network is built for one input size (vision transformers)."""
    import timm

    config = timm.get_pretrained_cfg(model)
    return bool(config and config.fixed_input_size)
