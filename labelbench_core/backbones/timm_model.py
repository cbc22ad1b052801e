"""Any model of timm, with weights from the Hugging Face hub, from a local file, or random ones.

Wightman, "PyTorch Image Models", https://github.com/huggingface/pytorch-image-models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from labelbench_core.backbones import Backbone, Outline
from labelbench_core.backbones.shared import libraries
from labelbench_core.backbones.shared.building import closest, require_file
from labelbench_core.backbones.shared.preprocessing import (
    Preprocessing,
    check_architecture,
    check_given,
    check_values,
    read_beside,
    settle,
    square,
)
from labelbench_core.backbones.shared.timm_files import check_file, load_file, outline_of, sized
from labelbench_core.datasets.images.framing import Framing
from labelbench_core.errors import InputError
from labelbench_core.registry.options import Pixels, PositiveShare, Seed, Share

if TYPE_CHECKING:
    import torch

INFO = {
    "summary": "any timm model: hub weights, a local checkpoint, or seeded random weights",
    "license": "that of the weights",
    "weights_file": "checkpoint",
    "paper": "https://doi.org/10.5281/zenodo.4414861",
}

LIBRARY = "timm"
DEFAULT_MODEL = "resnet18"
CONFIG = "config.json"
RESIZE_MODE_OF_CROP = {"center": "shortest", "border": "longest", "squash": "squash"}


def check(**options: Any) -> None:
    """`InputError` if the options cannot work, as far as can be checked without timm."""
    check_given(options)
    if options.get("checkpoint") is not None:
        require_file(options["checkpoint"])


def check_known(**options: Any) -> None:
    """`InputError` if the options cannot work, as far as timm knows; downloads nothing."""
    # What the hub says of its own models is known when they are built.
    if ":" in options.get("model", ""):
        return
    preprocessing(**options)
    if options.get("input_size") is not None or options.get("checkpoint") is not None:
        model, checkpoint = options.get("model", DEFAULT_MODEL), options.get("checkpoint")
        name = with_tag(model, options.get("pretrained", True))
        outline_of(name, options.get("input_size"))
        if checkpoint is not None:
            check_file(name, require_file(checkpoint), options.get("input_size"))


def preprocessing(
    *,
    model: str = DEFAULT_MODEL,
    pretrained: bool | str = True,
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
    """A timm model without its classifier: features are the inputs of its classifier.

    The whole square of an image is seen: timm's own evaluation first cuts off a border, whose width
    (`crop_pct`) it chose for ImageNet.

    Parameters
    ----------
    model
        timm's name of the model, with or without the weights' tag
        ("vit_small_patch14_dinov2.lvd142m"). Default: ours.
    pretrained
        Whether to use published weights from the hub (downloaded once, cached under `HF_HOME`) or
        random ones; or the weights' tag, like the part after the dot in `model`. Beside
        `checkpoint`, the tag, given here or in `model`, defines the preprocessing, and nothing is
        downloaded. Default: ours.
    checkpoint
        Path of a local file (.safetensors, .pth) with the weights of the whole model, to use
        instead of published weights; if it holds a classifier, of any number of classes, this is
        discarded. null: none. Default: ours.
    input_size
        Height and width of the input, in pixels; null: as the weights were trained. If the network
        cuts images into patches, a multiple of a patch's side. Default: the weights'.
    mean
        Mean of each colour channel, subtracted from values between 0 and 1. null: as in timm's
        table for the weights' tag, else `pretrained_cfg` in a `config.json` beside the checkpoint;
        a checkpoint with neither needs it. Random weights: as the model's default weights. Default:
        the weights'.
    std
        Standard deviation of each colour channel; values are divided by it. null: as for `mean`; a
        checkpoint with neither needs it. Random weights: as the model's default weights. Default:
        the weights'.
    interpolation
        Interpolation used when images are resized. null: as for `mean`; a checkpoint
        with neither needs it. Random weights: as the model's default weights. Default: the
        weights'.
    resize_mode
        How an image becomes a square: "shortest" scales the shorter side and crops, "longest"
        scales the longer side and pads, "squash" changes the aspect ratio. null: as for `mean`.
        Default: the weights'.
    random_seed
        Seed of random weights (`pretrained: false`, no checkpoint). Default: ours.
    """
    from labelbench_core.backbones.shared import building

    given = check_given(
        {"mean": mean, "std": std, "interpolation": interpolation, "resize_mode": resize_mode}
    )
    prepared = _preprocessing(model, pretrained, checkpoint, given)
    name = with_tag(model, pretrained)
    if input_size is not None or checkpoint is not None:
        outline_of(name, input_size)
    dropped: tuple[str, ...] = ()
    with building.seeded_initialisation(random_seed):
        if checkpoint is not None:
            network, dropped = load_file(name, require_file(checkpoint), input_size)
        else:
            network = published(name, bool(pretrained), input_size)
    size = input_size or square(network.pretrained_cfg["input_size"], f"model: {name}")
    network.reset_classifier(0)
    return building.finish(
        network,
        input_size=size,
        mean=prepared.mean,
        std=prepared.std,
        interpolation=prepared.interpolation,
        framing=prepared.framing,
        layer="pooled features before the classifier",
        dropped=dropped,
        file=None if checkpoint is None else require_file(checkpoint),
    )


def outline(
    *,
    model: str,
    pretrained: bool | str = True,
    checkpoint: str | None = None,
    input_size: int | None = None,
    **preparing: Any,
) -> Outline:
    """The network's shapes; takes the options of `build`, and ignores those of preprocessing."""
    timm = libraries.timm()
    import torch

    from labelbench_core.backbones.shared import building

    name = with_tag(model, pretrained)
    with torch.device("meta"):
        network = timm.create_model(name, num_classes=0, **sized(name, input_size))
    size = input_size or square(network.pretrained_cfg["input_size"], f"model: {name}")
    return building.outlined(network, size)


def with_tag(model: str, pretrained: bool | str) -> str:
    """The model's current name in timm, with the tag if that is given separately."""
    timm = libraries.timm()

    model = timm.models.get_deprecated_models().get(model) or model
    if not isinstance(pretrained, str):
        return model
    if ":" in model or "." in model:
        raise InputError(
            f"pretrained: {pretrained!r}; allowed where model already names the weights "
            f"({model!r}): true, false"
        )
    return f"{model}.{pretrained}"


def _preprocessing(
    model: str, pretrained: bool | str, checkpoint: str | None, given: Mapping[str, Any]
) -> Preprocessing:
    """How images are prepared; `InputError` if that, the model or its weights are not known."""
    timm = libraries.timm()

    name = with_tag(model, pretrained)
    source = f"model: {name}" if checkpoint is None else f"checkpoint: {checkpoint}"
    if ":" in name:
        return settle(given, _known(_of_hub(name), source), source, "")
    if not timm.is_model(name) or name in timm.models.get_deprecated_models():
        told = f"model: {model!r}; allowed: a name of timm.list_models()"
        raise InputError(told + closest(model.partition(".")[0], timm.list_models()))
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
        check_architecture(checkpoint, CONFIG, base, _former_names(base))
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
    """What timm's configuration of weights says of `KEYS`; padding has the mean colour.

    `InputError`, naming the weights `source`, if the mean is not a colour.
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
    timm = libraries.timm()

    try:
        return timm.create_model(name, pretrained=False).pretrained_cfg
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise InputError(f"model: {name!r} could not be loaded by timm: {error}") from error


def _former_names(base: str) -> list[str]:
    """Names that timm had for an architecture or for weights of it."""
    timm = libraries.timm()
    renamed = timm.models.get_deprecated_models().items()
    return [old for old, new in renamed if new.partition(".")[0] == base]


def published(name: str, pretrained: bool, input_size: int | None) -> torch.nn.Module:
    """The network with its classifier, with weights from the hub, loaded strictly, or random ones.

    For a model without a classifier, timm loads leniently, and layers could stay random.
    """
    timm = libraries.timm()

    try:
        return timm.create_model(name, pretrained=pretrained, **sized(name, input_size))
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise InputError(
            f"model: weights of timm's {name!r} could not be loaded: {error}. Without internet, "
            "give a local file as `checkpoint`"
        ) from error
