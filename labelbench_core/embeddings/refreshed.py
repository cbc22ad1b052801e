"""A backbone with the weights of a fine-tuning."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labelbench_core.backbones import Backbone
from labelbench_core.errors import damaged
from labelbench_core.storage import files
from labelbench_core.storage.records import read_record
from labelbench_core.training.network import load_network


def with_weights(
    backbone: Backbone, weights: Path, metrics: Path, ids: Mapping[str, Any]
) -> Backbone:
    """`backbone` as it was fine-tuned; its own model is overwritten.

    Parameters
    ----------
    weights, metrics
        `model.safetensors` and `metrics.json` of `finetune_model`.
    ids
        Ids that `metrics.json` must have.

    Raises
    ------
    InputError
        If a file is missing or damaged, or of another fine-tuning than `ids` name.
    """
    record = read_record(metrics, "fine-tuning", ids)
    with files.reading(weights, "finetune_model"):
        digest = files.sha256_file(weights)
    if digest != record["weights_sha256"]:
        raise damaged(
            weights,
            f"SHA-256 is {digest[:16]}…, expected {record['weights_sha256'][:16]}… (weights_sha256 "
            f"in {metrics.name}): damaged, or from another fine-tuning",
        )
    network = load_network(weights, backbone.model)
    return dataclasses.replace(
        backbone,
        model=network.backbone,
        weights_sha256=digest,
        layer=f"{backbone.layer}, fine-tuned",
    )
