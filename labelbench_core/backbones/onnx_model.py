"""An ONNX file, run by onnxruntime on the CPU."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any, Literal

from labelbench_core.backbones import Backbone, wrapping
from labelbench_core.backbones._building import require_file
from labelbench_core.datasets.framing import Framing
from labelbench_core.errors import InputError
from labelbench_core.registry.options import Pixels, PositiveShare, Share

if TYPE_CHECKING:
    import torch

INFO = {
    "summary": "a network in an ONNX file, run by onnxruntime",
    "license": "that of the weights",
    "paper": "",
    "required": ["file", "mean", "std", "interpolation", "resize_mode"],
    "weights_file": "file",
    "trainable": False,
    "environment": "onnx",
}

LIBRARY = "onnxruntime"
WHAT = "an ONNX file"
INSTALL = "pip install 'onnxruntime>=1.20'"


def check(*, file: str | None = None, **options: Any) -> None:
    """`InputError` if the options cannot work, as far as can be checked without onnxruntime."""
    if importlib.util.find_spec(LIBRARY) is None:
        raise InputError(f"Python package {LIBRARY} is not installed: {INSTALL}")
    require_file(file or "", "file")
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
    """The network as it was exported: it cannot be fine-tuned, and its operations are not counted.

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
        Which output has the features: its name; null: the only one. Default: ours.
    token
        How an output with tokens (B, T, D) becomes one vector: "class", the first token; "mean",
        the mean of all; "patches", the mean of all but the first. Maps (B, D, H, W): "mean", that
        of all places. null: the output has features (B, D). Default: ours.
    normalize
        Whether features get unit length. Default: ours.
    """
    import torch

    onnxruntime = importlib.import_module(LIBRARY)

    path = require_file(file or "", "file")
    chosen = onnxruntime.SessionOptions()
    chosen.intra_op_num_threads = torch.get_num_threads()
    chosen.log_severity_level = 4  # what fails is raised
    try:
        session = onnxruntime.InferenceSession(
            str(path), chosen, providers=["CPUExecutionProvider"]
        )
    # A file of another kind raises errors of many types.
    except Exception as error:
        raise wrapping.unreadable(path, WHAT, error) from error
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise InputError(f"file: {path}: {len(inputs)} inputs; allowed: one, the images")
    if inputs[0].type != "tensor(float)":
        raise InputError(f"file: {path}: its input is a {inputs[0].type}; allowed: tensor(float)")
    batch_size, fixed = wrapping.fixed_input(inputs[0].shape, f"file: {path}")
    return wrapping.wrap(
        _Runs(session),
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


class _Runs:
    """A session as a function of tensors; a copy is the session itself, which has no state."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name
        self._outputs = [one.name for one in session.get_outputs()]

    def __call__(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        """Outputs by name, on the device of the images."""
        import torch

        images = pixels.detach().float().contiguous().cpu().numpy()
        found = self._session.run(self._outputs, {self._input: images})
        tensors = [torch.from_numpy(one).to(pixels.device) for one in found]
        return dict(zip(self._outputs, tensors, strict=True))

    def __deepcopy__(self, known: dict[int, Any]) -> _Runs:
        """The same: a session cannot be copied."""
        return self
