"""A backbone with the weights of a fine-tuning."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from labelbench_core import files
from labelbench_core.backbones import Backbone
from labelbench_core.trainers._network import load_network


def with_weights(backbone: Backbone, weights: Path) -> Backbone:
    """`backbone` as it was fine-tuned; its own model is overwritten.

    Parameters
    ----------
    weights
        `model.safetensors` of `finetune_model`, for the same backbone; `InputError` if it is not.
    """
    network = load_network(weights, backbone.model)
    return dataclasses.replace(
        backbone,
        model=network.backbone,
        weights_sha256=files.sha256_file(weights),
        layer=f"{backbone.layer}, fine-tuned",
    )
