"""The preprocessing that weights expect: what was given, what is known, what is missing.

Local weights do not say how images were preprocessed, and a wrong guess gives features that look
right: the preprocessing has to be given where neither a tag of published weights nor a file beside
the weights defines it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelbench_core.datasets.images.framing import RESIZE_MODES, Framing
from labelbench_core.errors import InputError, shown
from labelbench_core.storage.places import at_home, is_file

INTERPOLATIONS = ("bilinear", "bicubic")
KEYS = ("mean", "std", "interpolation", "resize_mode")


@dataclass(frozen=True)
class Preprocessing:
    """The part of a `Backbone` that describes the preprocessing; see there."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str
    framing: Framing


def check_given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `KEYS` that are among a backbone's `options` and not None; `InputError` if wrong."""
    given = {key: options[key] for key in KEYS if options.get(key) is not None}
    for key, low in (("mean", 0.0), ("std", 1e-6)):
        if key in given and not _is_channels(given[key], low):
            bounds = "from 0 to 1" if key == "mean" else "above 0, at most 1"
            raise InputError(
                f"{key}: {shown(given[key])}; allowed: three numbers {bounds}, for red, green and "
                "blue (pixel values are from 0 to 1)"
            )
    for key, allowed in (("interpolation", INTERPOLATIONS), ("resize_mode", RESIZE_MODES)):
        if key in given and given[key] not in allowed:
            raise InputError(f"{key}: {shown(given[key])}; allowed: {', '.join(allowed)}")
    return given


def check_values(values: Mapping[str, Any], source: str) -> None:
    """`InputError` if the known values for the weights `source` are not valid; as `check_given`."""
    try:
        check_given(values)
    except InputError as error:
        raise InputError(f"{source}: its preprocessing is not valid: {error}") from error


def settle(
    given: Mapping[str, Any], known: Mapping[str, Any] | None, source: str, cures: str
) -> Preprocessing:
    """The preprocessing from given values, completed by known ones.

    Parameters
    ----------
    given
        What `check_given` returned.
    known
        Values of `KEYS` and `fill`; None if nothing is known.
    source
        The weights, for messages.
    cures
        Ways to make it known other than giving it, for messages.

    Raises
    ------
    InputError
        If a value is neither given nor known, or is not supported.
    """
    missing = [key for key in KEYS if key not in given and key not in (known or {})]
    if missing:
        raise InputError(
            f"{source}: how to preprocess its images is not known: {cures}; or give "
            f"{', '.join(missing)}, for example mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], "
            f"interpolation: bicubic (allowed: {', '.join(INTERPOLATIONS)}), "
            f"resize_mode: shortest (allowed: {', '.join(RESIZE_MODES)})"
        )
    values = {"fill": (0, 0, 0), **(known or {}), **given}
    check_values(values, source)
    return Preprocessing(
        tuple(map(float, values["mean"])),
        tuple(map(float, values["std"])),
        values["interpolation"],
        Framing(values["resize_mode"], tuple(values["fill"])),
    )


def square(size: int | Sequence[int], source: str) -> int:
    """Height and width of a network's input, an int or the last two of `size`, which must agree."""
    height, width = (size, size) if isinstance(size, int) else size[-2:]
    if height != width:
        raise InputError(
            f"{source}: its input has {height} x {width} pixels; allowed: a square input, which "
            "input_size can set"
        )
    return int(height)


def read_beside(checkpoint: str, name: str, key: str) -> Mapping[str, Any] | None:
    """The object `key` in the JSON file `name` beside a checkpoint; None if there is none."""
    path = _beside(checkpoint, name)
    found = _content(path).get(key)
    if not isinstance(found, dict | None):
        raise InputError(f"{path}: {key}: {shown(found)}; allowed: a JSON object; fix or remove it")
    return found


def check_architecture(checkpoint: str, name: str, model: str, known_as: Sequence[str]) -> None:
    """`InputError` if the JSON file `name` beside a checkpoint is about another model.

    Parameters
    ----------
    model
        The architecture's name.
    known_as
        Further names of the same architecture.
    """
    path = _beside(checkpoint, name)
    told = _content(path).get("architecture")
    if told is not None and told not in (model, *known_as):
        raise InputError(
            f"{path}: architecture: {shown(told)}; allowed beside a checkpoint of model "
            f"{model!r}: {model}; fix or remove it, or change model"
        )


def _beside(checkpoint: str, name: str) -> Path:
    return at_home(checkpoint).parent / name


def _content(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty if there is no file, or something else in it."""
    try:
        if not is_file(path):
            return {}
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON ({error}); fix or remove it") from error
    return content if isinstance(content, dict) else {}


def _is_channels(value: Any, low: float) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and len(value) == 3
        and all(
            isinstance(one, (int, float)) and not isinstance(one, bool) and low <= one <= 1
            for one in value
        )
    )
