"""A file of torch.export (.pt2): the graph of a network and its weights in one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelbench_core.backbones import Backbone, wrapping
from labelbench_core.backbones.shared.building import require_file
from labelbench_core.backbones.shared.whole_files import check_whole
from labelbench_core.datasets.images.framing import Framing
from labelbench_core.errors import InputError
from labelbench_core.registry.options import Pixels

if TYPE_CHECKING:
    import torch

INFO = {
    "summary": "a network in a file of torch.export",
    "license": "that of the weights",
    "paper": "",
    "required": ["file", "mean", "std", "interpolation", "resize_mode"],
    "options_of": "labelbench_core.backbones.wrapping:options",
    "weights_file": "file",
    "trainable": False,
}

LIBRARY = "torch"
WHAT = "a file of torch.export"


def check(*, file: str | None = None, **options: Any) -> None:
    """`InputError` if the options cannot work, as far as can be checked without torch."""
    path = require_file(file or "", "file")
    if path.suffix != ".pt2":
        raise InputError(f"file: {path}; allowed: a file that torch.export.save wrote, *.pt2")
    wrapping.check_options(**options)


def framing(**options: Any) -> Framing:
    """How an image that is not square is made square, for the options of `build`."""
    return wrapping.framing_of(**options)


def check_known(**options: Any) -> None:
    """`InputError` if the options cannot work, as loading the file tells."""
    build(**options)


def build(
    *,
    file: str | None = None,
    input_size: Pixels | None = None,
    **shared: Any,
) -> Backbone:
    """The network as it was exported, in evaluation mode: it cannot be fine-tuned.

    The options of `wrapping.options` are allowed, too.

    Parameters
    ----------
    file
        Path of the file. Default: ours.
    input_size
        Height and width of the input, in pixels; null: the size that the file fixes. Default: the
        weights'.
    """
    import logging
    import warnings

    import torch

    check(file=file, **shared)
    layer = shared.get("layer")
    path = require_file(file or "", "file")
    check_whole(path, "file")
    # Whole tracebacks are logged where a file is of another kind.
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        program = torch.export.load(str(path))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch about itself, when it copies the graph
            # As one graph, or with its modules, one of which is `layer`.
            network = program.module() if layer is None else torch.export.unflatten(program)
    # A file of another kind can raise almost any error.
    except Exception as error:
        raise wrapping.unreadable(path, WHAT, error) from error
    finally:
        logging.disable(disabled)
    batch_size, fixed = wrapping.fixed_input(_input_shape(program, path), f"file: {path}")
    return wrapping.wrap(
        network,
        input_size=wrapping.require_size(input_size, fixed, WHAT),
        file=path,
        batch_size=batch_size,
        frozen=True,
        **wrapping.options(**shared),
    )


def _input_shape(program: torch.export.ExportedProgram, path: Path) -> tuple[Any, ...]:
    """The shape of the only input; sizes that may vary are not numbers."""
    names = list(program.graph_signature.user_inputs)
    if len(names) != 1:
        raise InputError(f"file: {path}: {len(names)} inputs; allowed: one, the images")
    (node,) = [node for node in program.graph.nodes if node.name == names[0]]
    return tuple(node.meta["val"].shape)
