"""Depth of a backbone's parameters, for learning rates that decay towards the input."""

from __future__ import annotations

import re

import torch

# Parts outside of the numbered blocks that come after them; all others come before.
AFTER_BLOCKS = ("proj", "ln_post", "norm", "fc_norm", "attn_pool", "attnpool", "conv_head")
BLOCK = re.compile(r"(?:.*?\.)?\d+(?=\.)")


def layer_numbers(backbone: torch.nn.Module) -> dict[str, int]:
    """Parameter's name → number of its layer, from 0 for the one nearest to the input.

    timm's networks say themselves what a layer is; elsewhere it is a numbered block
    ("transformer.resblocks.3"), with what stands before the first and after the last of them.
    """
    names = [name for name, _ in backbone.named_parameters()]
    if hasattr(backbone, "group_matcher"):
        from timm.models import group_parameters

        known = group_parameters(backbone, backbone.group_matcher(coarse=False), reverse=True)
        numbers = {name: known[name] for name in names if name in known}
        # Folding a batch norm gives its convolution a bias that timm does not know of.
        for name in names:
            numbers.setdefault(name, known.get(name.replace("bias", "weight"), 0))
        return _consecutive(numbers)
    blocks = list(dict.fromkeys(m[0] for name in names if (m := BLOCK.match(name))))
    order = {block: place + 1 for place, block in enumerate(blocks)}
    return _consecutive(
        {
            name: order[match[0]]
            if (match := BLOCK.match(name))
            else (len(blocks) + 1 if name.partition(".")[0] in AFTER_BLOCKS else 0)
            for name in names
        }
    )


def _consecutive(numbers: dict[str, int]) -> dict[str, int]:
    """The same order, without gaps."""
    ranks = {number: rank for rank, number in enumerate(sorted(set(numbers.values())))}
    return {name: ranks[number] for name, number in numbers.items()}
