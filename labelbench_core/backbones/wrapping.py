"""Any network as a backbone: one of its outputs, tokens pooled, with preprocessing as given.

Nothing that a network or its file does not say is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from labelbench_core.backbones import Backbone, Framing
from labelbench_core.backbones.shared.file_kinds import kind_of
from labelbench_core.backbones.shared.model_files import file_sha256
from labelbench_core.backbones.shared.preprocessing import KEYS, check_given
from labelbench_core.errors import InputError, listed, shown, shown_value
from labelbench_core.registry.options import PositiveShare, Share

TOKENS = {
    "class": "the first",
    "mean": "the mean of all",
    "patches": "the mean of all but the first",
}


def check_options(**options: Any) -> None:
    """`InputError` if options of `wrap` are wrong or missing, as far as no network is needed."""
    given = check_given(options)
    if missing := [key for key in KEYS if key not in given]:
        raise InputError(
            f"options.{missing[0]}: missing; allowed: the value that the network was trained with; "
            f"networks do not record {listed(KEYS)}"
        )
    token = options.get("token")
    if token is not None and token not in TOKENS:
        raise InputError(f"token: {shown_value(token)}; allowed: {listed(TOKENS)} or null")


def options(
    *,
    mean: tuple[Share, Share, Share] | None = None,
    std: tuple[PositiveShare, PositiveShare, PositiveShare] | None = None,
    interpolation: Literal["bilinear", "bicubic"] | None = None,
    resize_mode: Literal["shortest", "longest", "squash"] | None = None,
    layer: str | None = None,
    output: str | None = None,
    token: Literal["class", "mean", "patches"] | None = None,
    normalize: bool = False,
) -> dict[str, Any]:
    """Options that backbones made by `wrap` have, beside their own (`INFO["options_of"]`).

    Parameters
    ----------
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
    layer
        Name of the layer inside the network whose output is used, as `named_modules` of torch has
        it (`encoder.norm`); null: the network's own output. A TorchScript or ONNX file has none to
        choose from. Default: ours.
    output
        Which output has the features: its name, or its number from "0" where outputs have no names;
        null: the only one. Default: ours.
    token
        How an output with tokens (B, T, D) becomes one vector: "class", the first token; "mean",
        the mean of all; "patches", the mean of all but the first. For maps (B, D, H, W): "mean",
        the mean over all places. null: the output has features (B, D). Default: ours.
    normalize
        Whether features get unit length. Default: ours.

    Returns
    -------
    Arguments of `wrap`.
    """
    return {
        "mean": mean,
        "std": std,
        "interpolation": interpolation,
        "resize_mode": resize_mode,
        "layer": layer,
        "output": output,
        "token": token,
        "normalize": normalize,
    }


def wrap(
    network: Callable[[Any], Any],
    *,
    input_size: int,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    interpolation: str | None,
    resize_mode: str | None,
    layer: str | None = None,
    output: str | None = None,
    token: str | None = None,
    normalize: bool = False,
    file: Path | None = None,
    batch_size: int | None = None,
    frozen: bool = False,
) -> Backbone:
    """The backbone of a network without a classifier; D is found by passing one grey image.

    Parameters
    ----------
    network
        Maps float32 images (B, 3, `input_size`, `input_size`), RGB, normalised by `mean` and `std`,
        to features (B, D), tokens (B, T, D) or maps (B, D, H, W), or several of these.
    mean, std, interpolation, resize_mode
        As in `Backbone` and its `framing`; "longest" pads with the mean colour.
    layer
        The layer of a module whose output is used, by its name in `named_modules`; the rest of the
        network runs, too. None: the network's own output.
    output
        Which of several outputs: a name, or a number from "0"; None: the only one.
    token
        What becomes of tokens: "class", "mean" or "patches"; of maps: "mean". None: features are
        given out as they are.
    normalize
        Whether features get unit length.
    file
        The file with network and weights, whose hash stands for them; None: the tensors' hash does.
    batch_size
        The number of images that the network takes, where it is fixed.
    frozen
        Whether the network cannot be trained.

    Raises
    ------
    InputError
        If the preprocessing is not given, there is no such layer, or an image does not give one
        vector.
    """
    from torch import nn

    from labelbench_core.backbones.shared import building, wrapped

    prepared = {"mean": mean, "std": std, "interpolation": interpolation}
    check_options(**prepared, resize_mode=resize_mode, token=token)
    assert mean is not None
    assert std is not None
    assert interpolation is not None
    assert resize_mode is not None
    if layer is not None and not isinstance(network, nn.Module):
        raise InputError(f"layer: {shown(layer)}; allowed: null, since a function has no layers")
    inner = network if isinstance(network, nn.Module) else wrapped.Called(network)
    inner = inner if layer is None else wrapped.AtLayer(inner, layer)
    model = wrapped.Wrapped(inner, output, token, normalize, batch_size, frozen=frozen)
    return building.finish(
        model,
        input_size=input_size,
        mean=tuple(mean),
        std=tuple(std),
        interpolation=interpolation,
        framing=Framing(resize_mode, _colour(mean)),
        layer=_told(layer, output, token, normalize),
        file=file,
        weights_sha256=file and file_sha256(file),
    )


def framing_of(*, mean: Sequence[float], resize_mode: str, **others: Any) -> Framing:
    """How an image that is not square is made square, for the options of `wrap`."""
    return Framing(resize_mode, _colour(mean))


def require_size(input_size: int | None, fixed: int | None, what: str) -> int:
    """The input's size, by the option or by what a file fixes; `InputError` if by neither."""
    if fixed is None and input_size is None:
        raise InputError(
            f"options.input_size: missing; allowed: height and width of the input, in pixels, "
            f"which {what} does not fix"
        )
    if None not in (input_size, fixed) and input_size != fixed:
        raise InputError(f"input_size: {input_size}; allowed: {fixed}, which {what} fixes")
    return int(input_size or fixed or 0)


def fixed_input(shape: Sequence[Any], what: str) -> tuple[int | None, int | None]:
    """Number of images of a batch, and their size, where the shape of a network's input fixes them.

    `InputError` unless it is (B, 3, H, W) with equal H and W.
    """
    sizes = [one if isinstance(one, int) and one > 0 else None for one in shape]
    sides = set(sizes[2:]) - {None}
    if len(sizes) != 4 or sizes[1] not in (3, None) or len(sides) > 1:
        told = shown(tuple("any" if one is None else one for one in sizes))
        raise InputError(f"{what}: its input has the shape {told}; allowed: (B, 3, H, W), H = W")
    return sizes[0], next(iter(sides), None)


def unreadable(path: Path, kind: str, error: Exception) -> InputError:
    """The error for a file that is not one of a kind, or that is one and cannot be loaded."""
    told = (str(error).strip().splitlines() or [type(error).__name__])[0]
    told = " ".join(told.split())[:200]
    found = kind_of(path)
    if found.startswith(kind):
        return InputError(f"file: {path}: {kind} that cannot be loaded here ({told})")
    return InputError(f"file: {path}: not {kind} ({found or told})")


def _colour(mean: Sequence[float]) -> tuple[int, int, int]:
    red, green, blue = (round(255 * value) for value in mean)
    return red, green, blue


def refuse_layer(layer: str | None, what: str) -> None:
    """`InputError` for a layer of a network whose layers cannot be told apart any more."""
    if layer is not None:
        raise InputError(
            f"layer: {shown(layer)}; allowed: null, since layers inside {what} cannot be chosen; "
            "save the network with what that layer gives among its outputs, and name it by `output`"
        )


def _told(layer: str | None, output: str | None, token: str | None, normalize: bool) -> str:
    parts = ["output"] if layer is None else [f"output of layer {layer}"]
    parts[0] += f" {output}" if output is not None and layer is None else ""
    parts += [f"output {output} of it"] if output is not None and layer is not None else []
    parts += [f"{TOKENS[token]} of its tokens"] if token else []
    return ", ".join([*parts, *(["unit length"] if normalize else [])])
