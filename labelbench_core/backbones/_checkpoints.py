"""Local weights files: reading cheaply what they hold, and why they do not fit a model."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelbench_core.errors import InputError

if TYPE_CHECKING:
    import torch


@contextlib.contextmanager
def without_values(path: Path, model: str, also: Sequence[type] = ()) -> Iterator[Path]:
    """A small file like the one at `path`, whose tensors have shapes but no values.

    A library reads and converts it like the file itself, but in almost no time and memory.

    Parameters
    ----------
    model
        Model whose weights it should hold, for messages.
    also
        Classes that the model's library allows in a file in addition to tensors.

    Raises
    ------
    InputError
        If it is not a file of tensors.
    """
    import torch

    content = _read_shapes(path, model, also)
    with tempfile.TemporaryDirectory(prefix="labelbench-") as folder:
        small = Path(folder) / "weights.pth"
        torch.save(content, small)
        yield small


def _read_shapes(path: Path, model: str, also: Sequence[type]) -> Any:
    import torch
    from safetensors import SafetensorError, safe_open

    try:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as file:
                return {
                    key: torch.empty(file.get_slice(key).get_shape(), device="meta")
                    for key in file.keys()  # noqa: SIM118 (no mapping)
                }
        with torch.serialization.safe_globals(list(also)):
            return _without_values(_load_lazily(path))
    except SafetensorError as error:
        raise not_weights(path, model, f"not a safetensors file: {error}") from error
    except OSError as error:
        raise not_weights(path, model, f"it cannot be read: {error}") from error
    # A file not written by torch can raise almost any error.
    except Exception as error:
        raise not_weights(path, model, _reason(path, also)) from error


def not_weights(path: str | Path, model: str, reason: object) -> InputError:
    """The error for a checkpoint that does not belong to `model`."""
    told = " ".join(str(reason).split())
    return InputError(f"checkpoint: {path}: not weights of {model} ({told})")


def first_mismatch(expected: Mapping[str, torch.Tensor], found: Mapping[str, Any]) -> str | None:
    """The first tensor in which `found` differs from `expected`, in words; None if none does."""
    for name, tensor in expected.items():
        if name not in found:
            return f"first mismatch: {name} is missing"
        shape = getattr(found[name], "shape", None)
        if shape != tensor.shape:
            told = "no tensor" if shape is None else f"of shape {tuple(shape)}"
            return f"first mismatch: {name} is {told}, expected {tuple(tensor.shape)}"
    unknown = next((name for name in found if name not in expected), None)
    return None if unknown is None else f"first mismatch: {unknown} is not in the model"


def wants_values(error: Exception) -> bool:
    """Whether a library's conversion failed only because tensors have no values."""
    told = str(error)
    return any(words in told for words in ("meta tensor", "meta device", "'Meta' backend"))


def _load_lazily(path: Path) -> Any:
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except RuntimeError:
        # torch's format before 1.6 cannot be mapped.
        return torch.load(path, map_location="cpu", weights_only=True)


def _without_values(content: Any) -> Any:
    """A copy of `content` whose tensors are on the device that holds none."""
    import torch

    if isinstance(content, torch.Tensor):
        return content.detach().to("meta")
    if isinstance(content, Mapping):
        return {key: _without_values(value) for key, value in content.items()}
    return content


def _reason(path: Path, also: Sequence[type]) -> str:
    """Why torch does not read `path` as tensors; torch's own message suggests unsafe loading."""
    import torch

    try:
        with torch.serialization.safe_globals(list(also)):
            unsafe = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except Exception:
        unsafe = []
    if unsafe:
        return f"it holds more than tensors: {', '.join(unsafe[:3])}; save its state_dict only"
    return "neither a .safetensors file nor tensors saved by torch.save"
