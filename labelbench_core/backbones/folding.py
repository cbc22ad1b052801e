"""Folding batch normalisation into the convolution before it: the same features for less work."""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from labelbench_core.seeds import rng_for

if TYPE_CHECKING:
    import torch
    from torch import nn

log = logging.getLogger(__name__)

# Rounding only: dozens of layers in float32 stay well below this share of the largest feature.
LARGEST_ERROR = 1e-3


@dataclass(frozen=True)
class Fold:
    """A BatchNorm that became part of the convolution before it.

    Attributes
    ----------
    conv, norm
        Names of the modules.
    eps
        ε of the BatchNorm.
    had_bias
        Whether the convolution had a bias of its own.
    """

    conv: str
    norm: str
    eps: float
    had_bias: bool


def fold_batch_norm(model: nn.Module, input_size: int) -> tuple[nn.Module, list[Fold]]:
    """A copy of `model` that computes the same, with BatchNorms folded into convolutions.

    With fixed statistics a BatchNorm is an affine map. Which one follows which convolution is
    observed while an image passes through the network, so that it works for any architecture;
    anything else a BatchNorm does (timm's also apply dropout and an activation) is kept.

    The copy's weights are ordinary tensors: they can be trained, and used outside inference mode.
    Weights made in inference mode could not, and even inference fails on small batches, for which
    torch needs the version of a tensor.

    Parameters
    ----------
    model
        The network, in evaluation mode.
    input_size
        Height and width of its input.

    Returns
    -------
    model, folds
        The folded copy and what was folded. The model itself and no folds if there is nothing to
        fold, or if the copy does not compute the same (for example, because a convolution's output
        is used twice).
    """
    import torch

    if not any(isinstance(module, torch.nn.BatchNorm2d) for module in model.modules()):
        return model, []
    rng = rng_for("batch-norm-folding")
    noise = rng.standard_normal((1, 3, input_size, input_size), dtype=np.float32)
    image = torch.from_numpy(noise).to(next(model.parameters()).device)
    folded = copy.deepcopy(model).eval()
    with torch.no_grad():
        pairs = _conv_norm_pairs(folded, image)
        expected = folded(image)
        folds = [_fold_pair(folded, conv, norm) for conv, norm in pairs]
        error = (folded(image) - expected).abs().max()
    if not folds:
        return model, []
    if not error <= LARGEST_ERROR * expected.abs().max():
        log.warning("BatchNorm cannot be folded in this network; it is left unchanged")
        return model, []
    return folded, folds


def _conv_norm_pairs(model: nn.Module, image: torch.Tensor) -> list[tuple[str, str]]:
    """(convolution, BatchNorm that gets its output), by module name, where each is used once."""
    from torch import nn

    made_by: dict[int, tuple[str, torch.Tensor]] = {}
    pairs: list[tuple[str, str]] = []
    calls: dict[str, int] = {}

    def after_conv(name: str, output: torch.Tensor) -> None:
        calls[name] = calls.get(name, 0) + 1
        # The tensor is kept alive, so that no other can reuse its id.
        made_by[id(output)] = name, output

    def before_norm(name: str, value: torch.Tensor) -> None:
        calls[name] = calls.get(name, 0) + 1
        if id(value) in made_by:
            pairs.append((made_by[id(value)][0], name))

    hooks = []
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(
                module.register_forward_hook(lambda _m, _i, out, name=name: after_conv(name, out))
            )
        elif isinstance(module, nn.BatchNorm2d) and module.running_var is not None:
            hooks.append(
                module.register_forward_pre_hook(
                    lambda _m, args, name=name: before_norm(name, args[0])
                )
            )
    try:
        model(image)
    finally:
        for hook in hooks:
            hook.remove()
    return [(conv, norm) for conv, norm in pairs if calls[conv] == calls[norm] == 1]


def _fold_pair(model: nn.Module, conv_name: str, norm_name: str) -> Fold:
    """Scale a convolution's weights as its BatchNorm scales its output; drop the BatchNorm."""
    import torch
    from torch import nn

    conv = cast("nn.Conv2d", model.get_submodule(conv_name))
    norm = cast("nn.BatchNorm2d", model.get_submodule(norm_name))
    # Only BatchNorms with running statistics are paired.
    running = cast("tuple[torch.Tensor, torch.Tensor]", (norm.running_mean, norm.running_var))
    mean, variance = running
    fold = Fold(conv_name, norm_name, norm.eps, conv.bias is not None)
    gain = torch.ones_like(variance) if norm.weight is None else norm.weight
    shift = torch.zeros_like(mean) if norm.bias is None else norm.bias
    bias = torch.zeros_like(mean) if conv.bias is None else conv.bias
    # The bias is trained as the BatchNorm's was, which it replaces.
    trained_as = conv.bias if norm.bias is None else norm.bias
    scale = gain.double() / torch.sqrt(variance.double() + norm.eps)
    weight = conv.weight.double() * scale.view(-1, 1, 1, 1)
    offset = (bias.double() - mean.double()) * scale + shift.double()
    dtype = conv.weight.dtype
    conv.weight = nn.Parameter(weight.to(dtype), conv.weight.requires_grad)
    conv.bias = nn.Parameter(offset.to(dtype), trained_as is not None and trained_as.requires_grad)
    # timm's BatchNormAct2d also applies dropout and an activation: those stay.
    rest = nn.Sequential(norm.drop, norm.act) if hasattr(norm, "act") else nn.Identity()
    model.set_submodule(norm_name, rest)
    return fold
