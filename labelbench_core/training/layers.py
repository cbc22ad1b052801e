"""Depth of a backbone's parameters, for learning rates that decay towards the input."""

from __future__ import annotations

import re

import torch

# Stands for the classifier among the names of the backbone's parameters.
CLASSIFIER = "classifier.weight"
# Parts outside of the numbered blocks that come after them; all others come before.
AFTER_BLOCKS = ("proj", "ln_post", "norm", "fc_norm", "attn_pool", "attnpool", "conv_head")
BLOCK = re.compile(r"(?:.*?\.)?\d+(?=\.)")


def layer_numbers(backbone: torch.nn.Module) -> dict[str, int]:
    """Parameter's name → number of its layer, from 0 for the one nearest to the input.

    The largest is that of `CLASSIFIER`, with what the backbone has after its last block: CLIP's
    projection, say. timm's networks, also as OpenCLIP's towers, say themselves what a layer is;
    elsewhere it is a numbered block ("transformer.resblocks.3").
    """
    names = [name for name, _ in backbone.named_parameters()]
    trunk = getattr(backbone, "trunk", backbone)
    if hasattr(trunk, "group_matcher"):
        from timm.models._manipulate import group_with_matcher

        prefix = "" if trunk is backbone else "trunk."
        inside = [(name.removeprefix(prefix), None) for name in names if name.startswith(prefix)]
        known = group_with_matcher(
            [*inside, (CLASSIFIER, None)], trunk.group_matcher(coarse=False), reverse=True
        )
        numbers = {
            name: known[name.removeprefix(prefix) if name.startswith(prefix) else CLASSIFIER]
            for name in names
        }
        return _consecutive({**numbers, CLASSIFIER: known[CLASSIFIER]})
    blocks = list(dict.fromkeys(m[0] for name in names if (m := BLOCK.match(name))))
    order = {block: place + 1 for place, block in enumerate(blocks)}
    numbers = {
        name: order[match[0]]
        if (match := BLOCK.match(name))
        else (len(blocks) + 1 if name.partition(".")[0] in AFTER_BLOCKS else 0)
        for name in names
    }
    return _consecutive({**numbers, CLASSIFIER: len(blocks) + 1})


def _consecutive(numbers: dict[str, int]) -> dict[str, int]:
    """The same order, without gaps."""
    ranks = {number: rank for rank, number in enumerate(sorted(set(numbers.values())))}
    return {name: ranks[number] for name, number in numbers.items()}
