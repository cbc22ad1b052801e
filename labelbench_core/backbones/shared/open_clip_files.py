"""Local files of OpenCLIP's models: both towers or the image tower alone, with any classifier."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelbench_core.backbones.shared import libraries
from labelbench_core.backbones.shared.checkpoints import (
    classifier_tensors,
    mismatches,
    not_weights,
    wants_values,
    with_shapes,
    without_values,
)
from labelbench_core.backbones.shared.prefixes import Part, SeveralParts, part_of
from labelbench_core.backbones.shared.whole_files import check_whole

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

VISUAL = "visual."
BIG_VISION = (".npz", ".npy")


def check_file(outline: torch.nn.Module, path: Path, model: str) -> None:
    """`InputError` if a file is not one of the weights of a network, judged by shapes alone."""
    import torch

    # OpenCLIP converts big_vision's arrays value by value.
    if path.suffix in BIG_VISION:
        return
    with without_values(path, model) as shapes, torch.device("meta"):
        _load(outline, shapes, path, model)


def load_file(
    network: torch.nn.Module, path: Path, model: str, *, text: bool = False
) -> tuple[str, ...]:
    """Load a file into a network; the tensors of it that are a classifier's, which are dropped.

    Parameters
    ----------
    text
        Whether the text tower is needed: without it, a file may hold the image tower alone.

    Raises
    ------
    InputError
        If a tensor that is needed is missing or has another shape, if one is not known, or if the
        file is damaged as far as that can be told.
    """
    check_whole(path, "checkpoint")
    return _load(network, path, path, model, text=text)


def _load(
    network: torch.nn.Module, file: Path, told_as: Path, model: str, *, text: bool = False
) -> tuple[str, ...]:
    """As `load_file`, of a file that messages call `told_as`."""
    open_clip = libraries.open_clip()

    expected = network.state_dict()
    try:
        told = open_clip.load_checkpoint(network, str(file), strict=False)
    # A file that does not hold such weights can raise almost any error.
    except Exception as error:
        # A conversion that looks at values is known to work only when there are some.
        if wants_values(error):
            return ()
        if file == told_as:
            with without_values(file, model):
                """Says what is wrong with a file that holds no tensors."""
        if (others := _load_part(network, file, told_as, model, text=text)) is not None:
            return others
        lacking = f"missing: {error.args[0]}" if isinstance(error, KeyError) else error
        problem = _problem(expected, file, text) or lacking
        raise not_weights(told_as, model, problem) from error
    if not (getattr(told, "missing_keys", None) or getattr(told, "unexpected_keys", None)):
        return ()
    # As OpenCLIP has converted it.
    kept = {name: tensor for name, tensor in expected.items() if name not in told.missing_keys}
    others = {name: None for name in told.unexpected_keys}
    found = open_clip.factory.load_state_dict(str(file))
    others |= {name: found[name] for name in others if name in found}
    dropped = classifier_tensors(others, expected)
    kept |= {name: tensor for name, tensor in others.items() if name not in dropped}
    if problem := mismatches(_needed(expected, kept, text), kept):
        if (others := _load_part(network, file, told_as, model, text=text)) is not None:
            return others
        raise not_weights(told_as, model, problem)
    return with_shapes(dropped, others)


def _load_part(
    network: torch.nn.Module, file: Path, told_as: Path, model: str, *, text: bool
) -> tuple[str, ...] | None:
    """As `_load`, of a file in which the model, or its image tower, is a part; None if it is none.

    The image tower's tensors may lack their "visual.", as its own `state_dict` has them.
    """
    open_clip = libraries.open_clip()

    expected = network.state_dict()
    tower = [name for name in expected if name.startswith(VISUAL)]
    inside = [name.removeprefix(VISUAL) for name in tower]
    try:
        found = open_clip.factory.load_state_dict(str(file))
        part, before = part_of(found, expected) or part_of(found, tower), ""
        if part is None and all(name in found for name in inside):
            part, before = Part("", found, ()), VISUAL
        elif part is None:
            part, before = part_of(found, inside), VISUAL
    except SeveralParts as error:
        raise not_weights(told_as, model, error) from error
    except Exception:  # it holds no such tensors, which its caller says
        return None
    if part is None:
        return None
    tensors = {before + name: tensor for name, tensor in part.tensors.items()}
    open_clip.model.resize_pos_embed(tensors, network)
    dropped = classifier_tensors(tensors, expected)
    kept = {name: tensor for name, tensor in tensors.items() if name not in dropped}
    if problem := mismatches(_needed(expected, kept, text), kept):
        raise not_weights(told_as, model, problem)
    if part.prefix:
        log.info("used of the weights file: tensors that begin with %r", part.prefix)
    network.load_state_dict(kept, strict=False)
    left_out = [name.removeprefix(before) for name in dropped]
    return (*with_shapes(left_out, part.tensors), *part.others)


def _needed(
    expected: Mapping[str, torch.Tensor], found: Mapping[str, Any], text: bool
) -> Mapping[str, torch.Tensor]:
    """What a file must have: all, or the image tower where it has nothing else of the model."""
    if text or any(name in found and not name.startswith(VISUAL) for name in expected):
        return expected
    return {name: tensor for name, tensor in expected.items() if name.startswith(VISUAL)}


def _problem(expected: Mapping[str, torch.Tensor], file: Path, text: bool) -> str | None:
    """Why a file's tensors, as it names them, do not fit; None if they do."""
    open_clip = libraries.open_clip()

    try:
        found = open_clip.factory.load_state_dict(str(file))
        left_out = classifier_tensors(found, expected)
        kept = {name: tensor for name, tensor in found.items() if name not in left_out}
        return mismatches(_needed(expected, kept, text), kept)
    except (AttributeError, TypeError, StopIteration):
        return "it holds no named tensors"
    except Exception:  # torch could not read it, and has said so before
        return None
