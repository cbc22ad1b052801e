"""Dense modules of sentence-transformers: a linear layer and an activation after the pooling."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelbench_core.errors import InputError, listed, shown

if TYPE_CHECKING:
    import torch

ACTIVATIONS = ("Identity", "Tanh", "ReLU", "GELU", "Sigmoid", "SiLU")
"""Activations of torch that have no options; sentence-transformers' default is Tanh."""
ON_POOLED = "sentence_embedding"
FILES = ("model.safetensors", "pytorch_model.bin")


def dense_layers(
    model: str, folders: Sequence[str], features: int, find: Callable[[str], Path | None]
) -> tuple[torch.nn.Sequential, int]:
    """The layers of a model's Dense modules, in order, with weights; and the features they give.

    Parameters
    ----------
    model
        What the model is called in messages.
    folders
        Folders of the modules, within the model.
    features
        Number of pooled features, which the first layer takes.
    find
        From the name of a file of the model to where it lies; None if there is none.

    Raises
    ------
    InputError
        If a file is missing or damaged, or a module does something else.
    """
    import torch

    from labelbench_core.storage.files import read_json

    layers = torch.nn.Sequential()
    for folder in folders:
        where = f"options.model: {shown(model)}: {folder}"
        path = find(f"{folder}/config.json")
        if path is None:
            raise InputError(f"{where}/config.json is missing")
        told: Mapping[str, Any] = read_json(path)
        _check(told, where, features)
        weights = next((one for name in FILES if (one := find(f"{folder}/{name}"))), None)
        if weights is None:
            raise InputError(f"{where}: has no weights; allowed: {listed(FILES)}")
        features = told["out_features"]
        linear = torch.nn.Linear(told["in_features"], features, bias=told.get("bias", True))
        try:
            linear.load_state_dict(_tensors(weights))
        except Exception as error:  # whatever torch and safetensors raise
            reason = " ".join(str(error).split())
            raise InputError(f"{where}/{weights.name}: cannot be loaded: {reason}") from error
        layers.append(linear)
        layers.append(getattr(torch.nn, _activation(told))())
    return layers.float().eval(), features


def _check(told: Mapping[str, Any], where: str, features: int) -> None:
    """`InputError` unless a module's configuration is that of a layer on pooled features."""
    for key in ("module_input_name", "module_output_name"):
        if (given := told.get(key)) not in (None, ON_POOLED):
            raise InputError(f"{where}: {key}: {shown(given)}; allowed: {ON_POOLED}")
    if told.get("use_residual"):
        raise InputError(f"{where}: use_residual: true; allowed: false")
    if _activation(told) not in ACTIVATIONS:
        given = shown(told["activation_function"])
        raise InputError(
            f"{where}: activation_function: {given}; allowed: torch's {listed(ACTIVATIONS)}"
        )
    for key in ("in_features", "out_features"):
        if type(told.get(key)) is not int or told[key] < 1:
            raise InputError(f"{where}: {key}: {told.get(key)}; allowed: a whole number above 0")
    if told["in_features"] != features:
        raise InputError(f"{where}: in_features: {told['in_features']}; allowed here: {features}")


def _activation(told: Mapping[str, Any]) -> str:
    """The name of an activation in `torch.nn`, or what stands in its place."""
    place, _, name = str(told.get("activation_function", "torch.nn.Tanh")).rpartition(".")
    return name if place.startswith("torch.nn") else f"{place}.{name}"


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    """The weights of the linear layer; a pickled file is read as tensors, and runs no code."""
    import torch
    from safetensors.torch import load_file

    if path.suffix == ".safetensors":
        found: dict[str, torch.Tensor] = load_file(path)
    else:
        found = torch.load(path, map_location="cpu", weights_only=True)
    return {name.removeprefix("linear."): one for name, one in found.items()}
