"""An ONNX file, run by onnxruntime on the CPU."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from labelbench_core.backbones import Backbone, wrapping
from labelbench_core.backbones.shared.building import require_file
from labelbench_core.datasets.images.framing import Framing
from labelbench_core.errors import InputError
from labelbench_core.registry.options import Pixels

if TYPE_CHECKING:
    import torch

INFO = {
    "summary": "a network in an ONNX file, run by onnxruntime",
    "license": "that of the weights",
    "paper": "",
    "required": ["file", "mean", "std", "interpolation", "resize_mode"],
    "options_of": "labelbench_core.backbones.wrapping:options",
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
    wrapping.refuse_layer(options.get("layer"), WHAT)
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
    """The network as it was exported: it cannot be fine-tuned, and its operations are not counted.

    The options of `wrapping.options` are allowed, too.

    Parameters
    ----------
    file
        Path of the file. Default: ours.
    input_size
        Height and width of the input, in pixels; null: the size that the file fixes. Default: the
        weights'.
    """
    import torch

    onnxruntime = importlib.import_module(LIBRARY)

    wrapping.refuse_layer(shared.get("layer"), WHAT)
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
        file=path,
        batch_size=batch_size,
        frozen=True,
        **wrapping.options(**shared),
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
