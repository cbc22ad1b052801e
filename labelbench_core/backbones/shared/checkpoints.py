"""Local weights files: reading cheaply what they hold, and why they do not fit a model."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelbench_core.backbones.shared.file_kinds import SAFETENSORS, TORCH_SAVE, kind_of
from labelbench_core.errors import InputError

if TYPE_CHECKING:
    import torch

HEADS = ("fc", "head", "heads", "classifier", "classification_head", "last_linear", "linear")
"""What layers are called that turn features into classes."""
MOST_NAMED = 3


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
        kind = kind_of(path)
        told = f"not a safetensors file: {error}" if kind in ("", SAFETENSORS) else kind
        raise not_weights(path, model, told) from error
    except OSError as error:
        raise not_weights(path, model, f"it cannot be read: {error}") from error
    # A file not written by torch can raise almost any error.
    except Exception as error:
        raise not_weights(path, model, _reason(path, also)) from error


def not_weights(path: str | Path, model: str, reason: object) -> InputError:
    """The error for a checkpoint that does not belong to `model`."""
    told = " ".join(str(reason).split())
    return InputError(f"checkpoint: {path}: not weights of {model} ({told})")


def mismatches(expected: Mapping[str, torch.Tensor], found: Mapping[str, Any]) -> str | None:
    """In which tensors `found` differs from `expected`, in words; None if in none."""
    told = [
        _some("missing", [name for name in expected if name not in found]),
        _some(
            "of another shape",
            [
                f"{name} {_shape(found[name])}, expected {_shape(tensor)}"
                for name, tensor in expected.items()
                if name in found and _shape(found[name]) != _shape(tensor)
            ],
        ),
        _some("not in the model", [name for name in found if name not in expected]),
    ]
    return "; ".join(filter(None, told)) or None


def classifier_tensors(
    found: Mapping[str, Any], trunk: Collection[str], known: Sequence[str] = ()
) -> list[str]:
    """Names of the tensors that belong to a classifier, of any number of classes, not to the trunk.

    Parameters
    ----------
    found
        A file's tensors.
    trunk
        Names of the model's tensors without its classifier.
    known
        Names of the layers that are the model's classifier; those of `HEADS` count as well, if they
        are linear: a matrix `weight` and perhaps a vector `bias`.
    """
    others = [name for name in found if name not in trunk]
    layers = {name.rpartition(".")[0] for name in others}
    linear = {
        layer
        for layer in layers
        if layer.rpartition(".")[2] in HEADS
        and _dimensions(found.get(f"{layer}.weight")) == 2
        and _dimensions(found.get(f"{layer}.bias")) in (None, 1)
    }
    return [
        name
        for name in others
        if name.startswith(tuple(f"{layer}." for layer in known))
        or (name.rpartition(".")[0] in linear and name.rpartition(".")[2] in ("weight", "bias"))
    ]


def with_shapes(names: Iterable[str], tensors: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of tensors with their shapes, for logs and manifests."""
    return tuple(f"{name} {_shape(tensors[name])}" for name in names)


def _some(what: str, names: Sequence[str]) -> str:
    """What is wrong with tensors, and the first of them."""
    if not names:
        return ""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{what}: {', '.join(names[:MOST_NAMED])}{more}"


def _dimensions(tensor: Any) -> int | None:
    return getattr(tensor, "ndim", None)


def _shape(tensor: Any) -> str:
    shape = getattr(tensor, "shape", None)
    return "no tensor" if shape is None else str(tuple(shape))


def wants_values(error: Exception) -> bool:
    """Whether a library's conversion failed only because tensors have no values."""
    told = str(error)
    return any(words in told for words in ("meta tensor", "meta device", "'Meta' backend"))


def _load_lazily(path: Path) -> Any:
    import warnings

    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other kinds of file, which are told as what they are
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
    kind = kind_of(path)
    if kind == TORCH_SAVE:
        return "a file of torch.save that cannot be read: copy or save it again"
    return kind or "neither a .safetensors file nor tensors saved by torch.save"
