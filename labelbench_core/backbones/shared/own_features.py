"""Features as the libraries of the models compute them themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from labelbench_core.backbones import open_clip_model, timm_model
from labelbench_core.backbones.shared import building
from labelbench_core.backbones.shared.timm_files import load_file

if TYPE_CHECKING:
    import torch


def timms(pixels: torch.Tensor, options: Mapping[str, Any]) -> torch.Tensor:
    """What timm's `forward_features` and `forward_head` give before the classifier."""
    values: dict[str, Any] = {"pretrained": True, "checkpoint": None, "input_size": None}
    values |= {"model": timm_model.DEFAULT_MODEL, "random_seed": 0, **options}
    name = timm_model.with_tag(values["model"], values["pretrained"])
    with building.seeded_initialisation(values["random_seed"]):
        if values["checkpoint"] is not None:
            path = building.require_file(values["checkpoint"])
            network: Any = load_file(name, path, values["input_size"])[0]
        else:
            network = timm_model.published(name, bool(values["pretrained"]), values["input_size"])
    network.eval()
    return network.forward_head(network.forward_features(pixels), pre_logits=True)


def open_clips(pixels: torch.Tensor, options: Mapping[str, Any]) -> torch.Tensor:
    """OpenCLIP's `encode_image` of the whole model."""
    values: dict[str, Any] = {"pretrained": open_clip_model.AUTO, "checkpoint": None}
    values |= {"model": open_clip_model.DEFAULT_MODEL, "input_size": None, "random_seed": 0}
    values |= options
    keys = ("model", "pretrained", "checkpoint", "input_size", "random_seed")
    network: Any = open_clip_model.create(*(values[key] for key in keys))[0].eval()
    return network.encode_image(pixels)


LIBRARIES: Mapping[str, tuple[str, Callable[[Any, Mapping[str, Any]], Any]]] = {
    "timm-model": ("timm", timms),
    "open-clip-model": ("OpenCLIP", open_clips),
}
"""Implementation → its library's name, and what gives that library's features of images."""
