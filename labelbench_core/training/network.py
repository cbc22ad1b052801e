"""The network that is fine-tuned, a backbone and a classifier, and its file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from labelbench_core.backbones.folding import Fold
from labelbench_core.errors import InputError, damaged, missing


class Network(nn.Module):
    """Normalised images (B, 3, S, S) to logits (B, C).

    Attributes
    ----------
    unit_features
        Whether features get unit length before the classifier, as a zero-shot one needs them.
    """

    unit_features: torch.Tensor

    def __init__(
        self,
        backbone: nn.Module,
        num_features: int,
        num_classes: int,
        *,
        unit_features: bool = False,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        # A buffer, so that it is saved with the weights.
        self.register_buffer("unit_features", torch.tensor(unit_features))
        self._unit = unit_features
        self.head = nn.Linear(num_features, num_classes)
        # Zeros, not noise: the features break the symmetry, and the start depends on no seed.
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits of images, (rows, classes)."""
        return self.classify(self.backbone(images))

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Logits (B, C) of features (B, D), in float32 whatever the backbone's precision.

        In half precision, probabilities near 1 would tie, and so would many logits.
        """
        with torch.autocast(features.device.type, enabled=False):
            return self.head(self.before_head(features.float()))

    def before_head(self, features: torch.Tensor) -> torch.Tensor:
        """Features (B, D) as the classifier takes them, of unit length where it needs that."""
        return nn.functional.normalize(features, dim=1) if self._unit else features


def set_head(network: Network, weights: np.ndarray, bias: np.ndarray) -> None:
    """Start the classifier as a linear proxy: logits = features @ weights + bias.

    Parameters
    ----------
    weights
        (D, C), for features as the backbone gives them (not standardised).
    bias
        (C,)
    """
    features, classes = network.head.in_features, network.head.out_features
    if weights.shape != (features, classes) or bias.shape != (classes,):
        raise InputError(
            f"training.head: 'proxy'; the round's head has weights {weights.shape} and bias "
            f"{bias.shape}; allowed: ({features}, {classes}) and ({classes},), or head: fresh"
        )
    with torch.no_grad():
        network.head.weight.copy_(torch.from_numpy(np.ascontiguousarray(weights.T)))
        network.head.bias.copy_(torch.from_numpy(np.ascontiguousarray(bias)))


def set_mode(network: nn.Module, *, training: bool) -> None:
    """Training or evaluation mode, both fit for training.

    In evaluation mode some of timm's networks (LeViT and similar) cache their position biases:
    steps would use stale values, or fail in the second backward pass. The modules that do so use
    their mode for nothing else, and are left in training mode.
    """
    network.train(training)
    for module in network.modules():
        if hasattr(module, "attention_bias_cache"):
            module.attention_bias_cache = {}
            module.training = True


def checkpoint_activations(network: Network) -> None:
    """Compute the backbone's activations again in the backward pass instead of keeping them."""
    if not hasattr(network.backbone, "set_grad_checkpointing"):
        raise InputError(
            "training.gradient_checkpointing: true; this backbone does not support it; allowed: "
            "false"
        )
    network.backbone.set_grad_checkpointing(True)


def portable_state(network: Network, folds: list[Fold]) -> dict[str, torch.Tensor]:
    """Weights under the names of the unfolded network, in float16: `backbone.…` and `head.…`.

    A folded BatchNorm is written as one that only adds the bias (mean 0, variance 1 − eps, weight
    1), so that the original architecture loads the file and computes the same.
    """
    state = {name: tensor.detach() for name, tensor in network.state_dict().items()}
    for fold in folds:
        bias = state.pop(f"backbone.{fold.conv}.bias")
        if fold.had_bias:
            state[f"backbone.{fold.conv}.bias"] = torch.zeros_like(bias)
        norm = f"backbone.{fold.norm}"
        state[f"{norm}.weight"] = torch.ones_like(bias)
        state[f"{norm}.bias"] = bias
        state[f"{norm}.running_mean"] = torch.zeros_like(bias)
        state[f"{norm}.running_var"] = torch.full_like(bias, 1.0 - fold.eps)
        state[f"{norm}.num_batches_tracked"] = torch.zeros((), dtype=torch.int64)
    return {
        name: (tensor.half() if tensor.is_floating_point() else tensor).cpu().contiguous()
        for name, tensor in state.items()
    }


def load_network(path: str | Path, backbone: nn.Module) -> Network:
    """The fine-tuned network in `path` (`model.safetensors`), in float32 and evaluation mode.

    Parameters
    ----------
    backbone
        The model of the backbone that was fine-tuned; it is overwritten with the file's weights.

    Raises
    ------
    InputError
        If the file is missing, damaged, or of another network.
    """
    try:
        state: Mapping[str, torch.Tensor] = load_file(path)
        classes, features = state["head.weight"].shape
        unit = bool(state["unit_features"])
        network = Network(backbone, features, classes, unit_features=unit)
        network.load_state_dict(state)
    except FileNotFoundError as error:
        raise missing(path, "finetune_model") from error
    except (OSError, KeyError, RuntimeError, TypeError, ValueError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200]
        raise damaged(path, f"not the weights of this network ({reason})") from error
    return network.eval()
