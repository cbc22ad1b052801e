"""Folding batch normalisation into the convolution before it: same features, less work."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn


def fold_batch_norm(model: nn.Module, example: torch.Tensor) -> nn.Module:
    """A copy of `model` in which every batch norm that follows a convolution is part of it.

    Which follows which is observed while `example` passes through the network, so that it works for
    any architecture; what a batch norm does besides (timm's also hold the activation) is kept.

    Parameters
    ----------
    model
        In evaluation mode.
    example
        Input of `model`, (1, 3, H, W).

    Returns
    -------
    nn.Module
        The folded copy; an unfolded one if folding changed the features by more than rounding
        (a convolution whose output is used twice, say).
    """
    import torch

    folded = copy.deepcopy(model).eval()
    if not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules()):
        return folded
    with torch.inference_mode():
        expected = model(example)
        for norm_name, conv_name in _observe_pairs(folded, example).items():
            _fold_pair(folded, conv_name, norm_name)
        found = folded(example)
        rounding = 1e-4 * float(expected.abs().nan_to_num().max())
        close = torch.allclose(found, expected, rtol=1e-3, atol=rounding)
    return folded if close else copy.deepcopy(model).eval()


def _observe_pairs(model: nn.Module, example: torch.Tensor) -> dict[str, str]:
    """Batch norm → the convolution whose output it gets; by module name, each used once."""
    from torch import nn

    made_by: dict[int, tuple[str, torch.Tensor]] = {}
    pairs: dict[str, str] = {}
    calls: dict[str, int] = {}

    def after_conv(name: str, output: torch.Tensor) -> None:
        calls[name] = calls.get(name, 0) + 1
        # The tensor is kept alive, so that no other can take its id.
        made_by[id(output)] = (name, output)

    def before_norm(name: str, value: torch.Tensor) -> None:
        calls[name] = calls.get(name, 0) + 1
        if id(value) in made_by:
            pairs[name] = made_by[id(value)][0]

    hooks = []
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(
                module.register_forward_hook(lambda _m, _i, out, name=name: after_conv(name, out))
            )
        elif isinstance(module, nn.BatchNorm2d) and module.track_running_stats:
            hooks.append(
                module.register_forward_pre_hook(
                    lambda _m, args, name=name: before_norm(name, args[0])
                )
            )
    try:
        model(example)
    finally:
        for hook in hooks:
            hook.remove()
    return {norm: conv for norm, conv in pairs.items() if calls[norm] == calls[conv] == 1}


def _fold_pair(model: nn.Module, conv_name: str, norm_name: str) -> None:
    """Scale a convolution's weights as its batch norm scales its output; drop the batch norm."""
    import torch
    from torch import nn

    conv, norm = model.get_submodule(conv_name), model.get_submodule(norm_name)
    gain = torch.ones_like(norm.running_var) if norm.weight is None else norm.weight
    shift = torch.zeros_like(norm.running_mean) if norm.bias is None else norm.bias
    scale = gain.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    bias = torch.zeros_like(norm.running_mean) if conv.bias is None else conv.bias
    weight = conv.weight.double() * scale.view(-1, 1, 1, 1)
    offset = (bias.double() - norm.running_mean.double()) * scale + shift.double()
    conv.weight = nn.Parameter(weight.to(conv.weight.dtype), requires_grad=False)
    conv.bias = nn.Parameter(offset.to(conv.weight.dtype), requires_grad=False)
    model.set_submodule(norm_name, getattr(norm, "act", nn.Identity()))
