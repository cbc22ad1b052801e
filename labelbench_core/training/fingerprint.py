"""What a training of a backbone depends on, as one hash; it resumes only if that is equal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from labelbench_core.backbones import Backbone
from labelbench_core.compute import distributed
from labelbench_core.compute.devices import device_name
from labelbench_core.datasets import PreparedDataset
from labelbench_core.provenance import code_hash, recall
from labelbench_core.storage import files


def fingerprint(
    script: str,
    dataset: PreparedDataset,
    backbone: Backbone,
    entries: Mapping[str, Mapping[str, Any]],
    device: torch.device,
    inputs: Mapping[str, Any],
) -> str:
    """Fingerprint of everything that the result of a training depends on.

    Parameters
    ----------
    script
        The module that trains.
    entries
        Kind → the catalogue's entry of what it runs by name, trainer and backbone.
    inputs
        All other inputs, as JSON values.
    """
    recall()  # to parse the code again would take half a second
    content = {
        "inputs": dict(inputs),
        "entries": {kind: dict(entry) for kind, entry in entries.items()},
        "dataset": dataset.manifest["fingerprint"],
        "backbone": backbone.weights_sha256,
        "preprocessing": backbone.preprocessing(),
        "code": code_hash(
            script, [(kind, entry["implementation"]) for kind, entry in entries.items()]
        ),
        "computed_by": computed_by(device),
    }
    return files.sha256_bytes(files.canonical_json(content).encode())


def computed_by(device: torch.device) -> dict[str, Any]:
    """What the last digits depend on other than the inputs: a training is not resumed elsewhere."""
    return {
        "device": device_name(str(device)),
        "torch": torch.__version__,
        "processes": distributed.processes(),
    }
