"""Classifiers made from class names by the text tower of a CLIP-like backbone, without labels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labelbench_core import registry
from labelbench_core.errors import InputError, shown


def build_zero_shot_head(
    backbone: Mapping[str, Any], class_names: Sequence[str], prompts: Sequence[str] | None
) -> dict[str, np.ndarray]:
    """`weights`, (D, C) float32 columns of unit length, and `scale`, the factor on cosines.

    Parameters
    ----------
    backbone
        The catalogue's entry.
    class_names
        Class names of the data set; underscores become spaces.
    prompts
        Templates with `{}` for the name; None: the backbone's own.

    Raises
    ------
    InputError
        If the backbone has no text tower, or a prompt no place for the name.
    """
    for prompt in prompts or ():
        if "{}" not in prompt or prompt.count("{") != 1 or prompt.count("}") != 1:
            raise InputError(
                f"prompts: {shown(prompt)}; allowed: strings with {{}} once, for the class name, "
                f"and no other braces"
            )
    require_text(backbone)
    component = registry.load("backbones", backbone["implementation"])
    names = [name.replace("_", " ") for name in class_names]
    weights, scale = component.zero_shot_head(names, prompts, **registry.options_of(backbone))
    return {"weights": weights.astype(np.float32), "scale": np.float32(scale)}


def require_text(backbone: Mapping[str, Any]) -> None:
    """`InputError` unless the backbone of a catalogue entry has a text tower."""
    if not registry.describe("backbones", backbone["implementation"]).info.get("text"):
        able = [
            name
            for name in registry.names("backbones")
            if registry.describe("backbones", name).info.get("text")
        ]
        raise InputError(
            f"implementation: {backbone['implementation']!r}; it has no text "
            f"tower; allowed for zero-shot: {', '.join(able)}"
        )
