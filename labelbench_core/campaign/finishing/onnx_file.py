"""A campaign's model as one ONNX file: images in, calibrated probabilities out.

Input `images`: uint8 RGB (B, S, S, 3), upright, made square and scaled to the network's size as
`model.json` says. Output `probabilities`: float32 (B, C).
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from labelbench_core import registry
from labelbench_core.backbones import Backbone
from labelbench_core.campaign.finishing.applying import open_model
from labelbench_core.campaign.finishing.model_folder import (
    NETWORK,
    PROXY,
    WEIGHTS,
    read_arrays,
    read_model,
)
from labelbench_core.campaign.finishing.onnx_packages import require_onnx_packages
from labelbench_core.compute.devices import prepare_cpu
from labelbench_core.errors import InputError
from labelbench_core.storage import files
from labelbench_core.training.network import Network, load_network, set_head

OPSET = 18
LARGEST_DIFFERENCE = {NETWORK: 1e-3, PROXY: 1e-2}
"""Between probabilities of the file and of the model: other kernels round otherwise, and features
that a proxy was trained on are rounded to half precision."""
TRIED = 8


class Calibrated(nn.Module):
    """From images to calibrated probabilities."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(
        self, network: Network, backbone: Backbone, temperature: float, *, multilabel: bool
    ) -> None:
        super().__init__()
        self.network, self.temperature, self.multilabel = network, temperature, multilabel
        for name, values in (("mean", backbone.mean), ("std", backbone.std)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(B, C) of uint8 images (B, S, S, 3)."""
        pixels = images.permute(0, 3, 1, 2).float() / 255.0
        logits = self.network((pixels - self.mean) / self.std) / self.temperature
        return logits.sigmoid() if self.multilabel else logits.softmax(dim=1)


def write_onnx(folder: Path, path: Path, threads: int = 1) -> float:
    """Write the model in a folder as `path`; the largest difference of probabilities that was seen.

    Raises
    ------
    InputError
        If a package is not installed, the model has no network with a linear head, torch cannot
        export it, or the file does not compute the same.
    """
    require_onnx_packages()
    record = read_model(folder)
    prepare_cpu(threads)
    backbone: Backbone = registry.build("backbones", record["backbone"])
    network = _network(folder, record, backbone)
    model = Calibrated(
        network, backbone, record["temperature"], multilabel=record["multilabel"]
    ).eval()
    size = backbone.input_size
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (TRIED, size, size, 3), dtype=np.uint8)
    with files.atomic_path(path) as aside:
        _export(model, torch.from_numpy(images), aside, record)
        found = _largest_difference(
            aside, open_model(folder, threads).predict_proba(images), images
        )
        allowed = LARGEST_DIFFERENCE[record["model"]]
        if not found <= allowed:  # NaN, too
            raise InputError(
                f"finish.onnx: probabilities of the file differ by {found:.2g} from those of the "
                f"model; allowed: at most {allowed:g}"
            )
    return found


def _network(folder: Path, record: dict[str, Any], backbone: Backbone) -> Network:
    if record["model"] == NETWORK:
        return load_network(folder / WEIGHTS, backbone.model)
    arrays = read_arrays(folder)
    own = {name for name in arrays if name.startswith("proxy.")} - {"proxy.multilabel"}
    if own != {"proxy.weights", "proxy.bias"}:
        told = f"finish.onnx: the proxy {record['proxy']['id']!r} is no single linear head"
        raise InputError(f"{told}; allowed: false")
    network = Network(backbone.model, *arrays["proxy.weights"].shape)
    set_head(network, arrays["proxy.weights"], arrays["proxy.bias"])
    return network.eval()


def _export(model: nn.Module, images: torch.Tensor, path: Path, record: dict[str, Any]) -> None:
    try:
        torch.onnx.export(
            model,
            (images,),
            path,
            input_names=["images"],
            output_names=["probabilities"],
            dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1)}},
            opset_version=OPSET,
            external_data=False,
            dynamo=True,
            verbose=False,
        )
    except Exception as error:  # torch raises many kinds where it cannot export a layer
        told = " ".join(str(error).split())[:300]
        raise InputError(
            f"finish.onnx: torch cannot export {record['backbone']['id']!r} ({told}); "
            "allowed: false"
        ) from error


def _largest_difference(path: Path, expected: np.ndarray, images: np.ndarray) -> float:
    session = importlib.import_module("onnxruntime").InferenceSession(
        str(path), providers=["CPUExecutionProvider"]
    )
    parts = [images, images[:1]]  # any number of images
    found = [session.run(["probabilities"], {"images": part})[0] for part in parts]
    differences = [np.abs(one - expected[: len(one)]).max() for one in found]
    return float(np.max(differences))  # NaN where a probability is none
