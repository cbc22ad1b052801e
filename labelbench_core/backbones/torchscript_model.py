"""A TorchScript file, as torch.jit.save writes it: the network and its weights in one."""

from __future__ import annotations

from typing import Any

from labelbench_core.backbones import Backbone, wrapping
from labelbench_core.backbones.shared.building import require_file
from labelbench_core.backbones.shared.whole_files import check_whole
from labelbench_core.datasets.images.framing import Framing
from labelbench_core.registry.options import Pixels

INFO = {
    "summary": "a network in a TorchScript file",
    "license": "that of the weights",
    "paper": "",
    "required": ["file", "mean", "std", "interpolation", "resize_mode"],
    "options_of": "labelbench_core.backbones.wrapping:options",
    "weights_file": "file",
    "trainable": False,
}

LIBRARY = "torch"


def check(*, file: str | None = None, input_size: int | None = None, **options: Any) -> None:
    """`InputError` if the options cannot work, as far as can be checked without torch."""
    require_file(file or "", "file")
    wrapping.require_size(input_size, None, "a TorchScript file")
    wrapping.refuse_layer(options.get("layer"), "a TorchScript file")
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
    """The network as it was saved, in evaluation mode: it cannot be fine-tuned.

    The options of `wrapping.options` are allowed, too.

    Parameters
    ----------
    file
        Path of the file. Default: ours.
    input_size
        Height and width of the input, in pixels; it has to be given, since the file does not fix
        it. Default: the weights'.
    """
    import warnings

    import torch

    wrapping.refuse_layer(shared.get("layer"), "a TorchScript file")
    path = require_file(file or "", "file")
    check_whole(path, "file")
    size = wrapping.require_size(input_size, None, "a TorchScript file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it may go one day
            network = torch.jit.load(str(path), map_location="cpu")
    # A file of another kind can raise almost any error.
    except Exception as error:
        raise wrapping.unreadable(path, "a TorchScript file", error) from error
    return wrapping.wrap(
        network,
        input_size=size,
        file=path,
        frozen=True,
        **wrapping.options(**shared),
    )
