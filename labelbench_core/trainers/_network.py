"""The network that is fine-tuned (a backbone and a classifier), its BatchNorm and its file."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from labelbench_core.errors import InputError, damaged, missing
from labelbench_core.seeds import rng_for

log = logging.getLogger(__name__)


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
        # A buffer, so that it stands in the file of the weights.
        self.register_buffer("unit_features", torch.tensor(unit_features))
        self._unit = unit_features
        self.head = nn.Linear(num_features, num_classes)
        # Zeros, not noise: the features break the symmetry, and the start depends on no seed.
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.classify(self.backbone(images))

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Logits (B, C) of features (B, D), in float32 whatever the backbone's precision.

        In half precision, probabilities near 1 would tie, and so would many logits.
        """
        with torch.autocast(features.device.type, enabled=False):
            features = features.float()
            return self.head(nn.functional.normalize(features, dim=1) if self._unit else features)


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
            f"head: proxy: the round's head has weights {weights.shape} and bias {bias.shape}, the "
            f"network needs ({features}, {classes}) and ({classes},); `head: fresh` needs none"
        )
    with torch.no_grad():
        network.head.weight.copy_(torch.from_numpy(np.ascontiguousarray(weights.T)))
        network.head.bias.copy_(torch.from_numpy(np.ascontiguousarray(bias)))


def checkpoint_activations(network: Network) -> None:
    """Compute the backbone's activations again in the backward pass instead of keeping them."""
    if not hasattr(network.backbone, "set_grad_checkpointing"):
        raise InputError(
            "training.gradient_checkpointing: True; this backbone cannot do it; allowed: False"
        )
    network.backbone.set_grad_checkpointing(True)


@dataclass(frozen=True)
class Fold:
    """A BatchNorm that became part of the convolution before it.

    Attributes
    ----------
    conv, norm
        Names of the modules.
    eps
        Of the BatchNorm.
    had_bias
        Whether the convolution had a bias of its own.
    """

    conv: str
    norm: str
    eps: float
    had_bias: bool


def fold_batch_norm(model: nn.Module, input_size: int) -> tuple[nn.Module, list[Fold]]:
    """A copy of `model` that computes the same, with BatchNorms folded into convolutions.

    With frozen statistics a BatchNorm is a fixed affine map; folding saves its forward and backward
    pass. Pairs are found by running one image; where the folded copy does not compute the same (a
    convolution's output used twice, say), the model is returned as it is, with no folds.
    """
    rng = rng_for("batch-norm-folding")
    image = torch.from_numpy(
        rng.standard_normal((1, 3, input_size, input_size), dtype=np.float32)
    ).to(next(model.parameters()).device)
    folded = copy.deepcopy(model).eval()
    with torch.no_grad():
        pairs = _conv_norm_pairs(folded, image)
        expected = folded(image)
        folds = [_fold_pair(folded, conv, norm) for conv, norm in pairs]
        error = (folded(image) - expected).abs().max()
    if not folds:
        return model, []
    # Rounding only: dozens of layers in float32 stay well below this.
    if not error <= 1e-3 * expected.abs().max():
        log.warning("BatchNorm cannot be folded into this network; its statistics are frozen")
        return model, []
    return folded, folds


def _conv_norm_pairs(model: nn.Module, image: torch.Tensor) -> list[tuple[str, str]]:
    """Names of convolutions whose output goes straight into a BatchNorm, with its name."""
    outputs: dict[int, tuple[str, torch.Tensor]] = {}
    pairs, hooks, calls = [], [], []
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d):

            def after(_: nn.Module, __: object, output: torch.Tensor, name: str = name) -> None:
                outputs[id(output)] = name, output  # kept, so that no other object gets its id
                calls.append(name)

            hooks.append(module.register_forward_hook(after))
        elif isinstance(module, nn.BatchNorm2d) and module.running_var is not None:

            def before(_: nn.Module, inputs: tuple[torch.Tensor, ...], name: str = name) -> None:
                if id(inputs[0]) in outputs:
                    pairs.append((outputs[id(inputs[0])][0], name))

            hooks.append(module.register_forward_pre_hook(before))
    model(image)
    for hook in hooks:
        hook.remove()
    return [(conv, norm) for conv, norm in pairs if calls.count(conv) == 1]


def _fold_pair(model: nn.Module, conv_name: str, norm_name: str) -> Fold:
    conv, norm = model.get_submodule(conv_name), model.get_submodule(norm_name)
    fold = Fold(conv_name, norm_name, norm.eps, conv.bias is not None)
    conv.weight, conv.bias = fuse_conv_bn_weights(
        conv.weight,
        conv.bias,
        norm.running_mean,
        norm.running_var,
        norm.eps,
        norm.weight,
        norm.bias,
    )
    # The bias is the BatchNorm's, and trained as that was; torch freezes one that is new.
    if norm.bias is not None:
        conv.bias.requires_grad_(norm.bias.requires_grad)
    parent, _, leaf = norm_name.rpartition(".")
    # timm's BatchNormAct2d also drops out and activates: that stays.
    rest = nn.Sequential(norm.drop, norm.act) if hasattr(norm, "act") else nn.Identity()
    setattr(model.get_submodule(parent), leaf, rest)
    return fold


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
