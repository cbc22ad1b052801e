"""Classifiers made from class names by the text tower of a CLIP-like backbone, without labels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labelbench_core import registry
from labelbench_core.backbones.shared import libraries
from labelbench_core.errors import InputError, listed, shown

NAMED = {
    "openai-imagenet": "OPENAI_IMAGENET_TEMPLATES",
    "simple-imagenet": "SIMPLE_IMAGENET_TEMPLATES",
}
"""Names of templates: what the package open_clip, which has them, calls them. They are those of
CLIP's authors for ImageNet (Radford et al. 2021, 3.1.4): all 80, and the seven that do best."""


def build_zero_shot_head(
    backbone: Mapping[str, Any], class_names: Sequence[str], prompts: Sequence[str] | str | None
) -> dict[str, np.ndarray]:
    """`weights`, (D, C) float32 columns of unit length, and `scale`, the factor on cosines.

    Parameters
    ----------
    backbone
        The catalogue's entry.
    class_names
        Class names of the data set; underscores become spaces.
    prompts
        Templates with `{}` for the name, or what they are called (`NAMED`); None: the backbone's
        own.

    Raises
    ------
    InputError
        If the backbone has no text tower, a prompt no place for the name, or there are no prompts
        of that name.
    """
    if isinstance(prompts, str):
        prompts = named_prompts(prompts)
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


def named_prompts(name: str) -> list[str]:
    """The templates of a name, with `{}` for the class; `InputError` for an unknown name."""
    if name not in NAMED:
        told = f"prompts: {shown(name)}; allowed: a list of templates, or {listed(NAMED)}"
        raise InputError(told)
    return [template("{}") for template in getattr(libraries.open_clip(), NAMED[name])]


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
