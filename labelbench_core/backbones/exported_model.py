"""A file of torch.export (.pt2): the graph of a network and its weights in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from labelbench_core.backbones import Backbone, wrapping
from labelbench_core.backbones._building import require_file
from labelbench_core.datasets.framing import Framing
from labelbench_core.errors import InputError
from labelbench_core.registry.options import Pixels, PositiveShare, Share

if TYPE_CHECKING:
    import torch

INFO = {
    "summary": "a network in a file of torch.export",
    "license": "that of the weights",
    "paper": "",
    "required": ["file", "mean", "std", "interpolation", "resize_mode"],
    "weights_file": "file",
    "trainable": False,
}

LIBRARY = "torch"
WHAT = "a file of torch.export"


def check(*, file: str | None = None, **options: Any) -> None:
    """`InputError` if the options cannot work, as far as can be checked without torch."""
    path = require_file(file or "", "file")
    if path.suffix != ".pt2":
        raise InputError(f"file: {path}; allowed: a file of torch.export.save, named .pt2")
    wrapping.check_options(**options)


def framing(**options: Any) -> Framing:
    """How an image that is not square becomes one, for the options of `build`."""
    return wrapping.framing_of(**options)


def check_known(**options: Any) -> None:
    """`InputError` if the options cannot work, as loading the file tells."""
    build(**options)


def build(
    *,
    file: str | None = None,
    input_size: Pixels | None = None,
    mean: tuple[Share, Share, Share] | None = None,
    std: tuple[PositiveShare, PositiveShare, PositiveShare] | None = None,
    interpolation: Literal["bilinear", "bicubic"] | None = None,
    resize_mode: Literal["shortest", "longest", "squash"] | None = None,
    output: str | None = None,
    token: Literal["class", "mean", "patches"] | None = None,
    normalize: bool = False,
) -> Backbone:
    """The network as it was exported, in evaluation mode: it cannot be fine-tuned.

    Parameters
    ----------
    file
        Path of the file. Default: ours.
    input_size
        Height and width of the input, in pixels; null: the size that the file fixes. Default: the
        weights'.
    mean
        Mean of each colour channel, subtracted from values between 0 and 1. Default: the weights'.
    std
        Standard deviation of each colour channel; values are divided by it. Default: the weights'.
    interpolation
        Interpolation used when images are resized. Default: the weights'.
    resize_mode
        How an image becomes a square: "shortest" scales the shorter side and crops, "longest"
        scales the longer side and pads in the mean colour, "squash" changes the aspect ratio.
        Default: the weights'.
    output
        Which output has the features: a name, or a number from "0"; null: the only one. Default:
        ours.
    token
        How an output with tokens (B, T, D) becomes one vector: "class", the first token; "mean",
        the mean of all; "patches", the mean of all but the first. Maps (B, D, H, W): "mean", that
        of all places. null: the output has features (B, D). Default: ours.
    normalize
        Whether features get unit length. Default: ours.
    """
    import logging

    import torch

    check(file=file, mean=mean, std=std, interpolation=interpolation, resize_mode=resize_mode)
    path = require_file(file or "", "file")
    # Whole tracebacks are logged where a file is of another kind.
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        program = torch.export.load(str(path))
        network = program.module()
    # A file of another kind can raise almost any error.
    except Exception as error:
        raise wrapping.unreadable(path, WHAT, error) from error
    finally:
        logging.disable(disabled)
    batch_size, fixed = wrapping.fixed_input(_input_shape(program), f"file: {path}")
    return wrapping.wrap(
        network,
        input_size=wrapping.require_size(input_size, fixed, WHAT),
        mean=mean,
        std=std,
        interpolation=interpolation,
        resize_mode=resize_mode,
        output=output,
        token=token,
        normalize=normalize,
        file=path,
        batch_size=batch_size,
        frozen=True,
    )


def _input_shape(program: torch.export.ExportedProgram) -> tuple[Any, ...]:
    """The shape of the only input; sizes that may vary are not numbers."""
    names = list(program.graph_signature.user_inputs)
    if len(names) != 1:
        raise InputError(f"file: {len(names)} inputs; allowed: one, the images")
    (node,) = [node for node in program.graph.nodes if node.name == names[0]]
    return tuple(node.meta["val"].shape)
