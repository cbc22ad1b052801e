"""A function of an installed Python package that returns a network."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Callable
from typing import Any

from labelbench_core.backbones import Backbone, wrapping
from labelbench_core.datasets.images.framing import Framing
from labelbench_core.errors import InputError, did_you_mean, listed, shown
from labelbench_core.registry.options import Pixels

INFO = {
    "summary": "what a function of an installed package gives",
    "license": "that of the weights",
    "paper": "",
    "required": ["function", "mean", "std", "interpolation", "resize_mode"],
    "options_of": "labelbench_core.backbones.wrapping:options",
    "code": "function",
}

LIBRARY = "torch"
_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def check(*, function: str | None = None, input_size: int | None = None, **options: Any) -> None:
    """`InputError` if the options cannot work, as far as no code of others is run."""
    module = named(function)[0]
    if importlib.util.find_spec(module.partition(".")[0]) is None:
        raise InputError(
            f"function: {shown(function)}: no Python package {module.partition('.')[0]} is "
            "installed; allowed: PACKAGE.MODULE:FUNCTION of one that is; for a file of your own, "
            "implementation: ./FILE.py"
        )
    wrapping.require_size(input_size, None, "a function")
    wrapping.check_options(**options)


def framing(**options: Any) -> Framing:
    """How an image that is not square is made square, for the options of `build`."""
    return wrapping.framing_of(**options)


def check_known(**options: Any) -> None:
    """`InputError` if the options cannot work, as loading the network tells."""
    build(**options)


def build(
    *,
    function: str | None = None,
    input_size: Pixels | None = None,
    **shared: Any,
) -> Backbone:
    """The network that the function returns: a module of torch, or any function of images.

    The options of `wrapping.options` are allowed, too.

    Parameters
    ----------
    function
        `PACKAGE.MODULE:FUNCTION` of an installed package, called without arguments. What it returns
        maps normalised float32 images (B, 3, H, W), RGB, to features. Default: ours.
    input_size
        Height and width of the input, in pixels; it has to be given, since the function does not
        fix it. Default: the weights'.
    """
    module, name = named(function)
    size = wrapping.require_size(input_size, None, "a function")
    try:
        loaded = importlib.import_module(module)
    # Code of others can raise any error.
    except Exception as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"function: {shown(function)}: cannot be imported: {told}") from error
    if not callable(make := getattr(loaded, name, None)):
        known = [one for one, value in vars(loaded).items() if callable(value) and one[0] != "_"]
        told = f"function: {shown(function)}: {module} has no function {name}"
        raise InputError(f"{told}{did_you_mean(name, known)}; allowed: {listed(known)}")
    network = _called(make, function)
    return wrapping.wrap(
        network,
        input_size=size,
        **wrapping.options(**shared),
    )


def named(function: str | None) -> tuple[str, str]:
    """Module and name of a function; `InputError` unless written as PACKAGE.MODULE:FUNCTION."""
    if not function or not _FUNCTION.fullmatch(function):
        raise InputError(f"function: {shown(function)}; allowed: PACKAGE.MODULE:FUNCTION")
    module, _, name = function.partition(":")
    return module, name


def _called(make: Callable[[], Any], function: str | None) -> Callable[[Any], Any]:
    try:
        network = make()
    except Exception as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"function: {shown(function)}: raised {told}") from error
    if not callable(network):
        raise InputError(
            f"function: {shown(function)}: returned a {type(network).__name__}; allowed: a "
            "network, or a function of images"
        )
    return network
