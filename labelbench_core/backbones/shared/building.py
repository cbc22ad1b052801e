"""What the sources of backbones share: hashes of weights, seeds, finishing a `Backbone`."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labelbench_core.backbones import Backbone, Outline
from labelbench_core.backbones.shared.model_files import file_sha256
from labelbench_core.backbones.shared.preprocessing import check_given
from labelbench_core.datasets.images.framing import SHORTEST, Framing
from labelbench_core.errors import InputError
from labelbench_core.seeds import seed_for
from labelbench_core.storage.places import at_home, is_file, looking, printable

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)


def finish(
    model: torch.nn.Module,
    *,
    input_size: int,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    interpolation: str,
    layer: str,
    framing: Framing = SHORTEST,
    dropped: tuple[str, ...] = (),
    file: Path | None = None,
    weights_sha256: str | None = None,
) -> Backbone:
    """The `Backbone` of `model`; D is found by passing one grey image through it.

    `file` is that of the weights, if any. `weights_sha256` is that of the model's tensors unless it
    is given.
    """
    import torch

    check_given({"interpolation": interpolation})
    if dropped:
        log.info("not used of the weights file: %s", ", ".join(dropped))
    model = model.eval()
    weights_sha256 = weights_sha256 or hash_weights(model)
    # Not in inference mode: what the network caches in this pass must be usable in training.
    with torch.no_grad():
        features = _first_pass(model, torch.zeros(1, 3, input_size, input_size))
    model.eval()  # once more: drops what was cached of these weights
    if features.ndim != 2:
        raise InputError(f"backbone: output of shape {tuple(features.shape)}; allowed: (B, D)")
    return Backbone(
        model=model,
        num_features=features.shape[1],
        input_size=input_size,
        mean=tuple(float(value) for value in mean),
        std=tuple(float(value) for value in std),
        interpolation=interpolation,
        weights_sha256=weights_sha256,
        layer=layer,
        framing=framing,
        dropped=dropped,
        file_sha256=(file and file_sha256(file)) or "",
    )


def _first_pass(model: torch.nn.Module, image: torch.Tensor) -> torch.Tensor:
    """What a network makes of an image; `InputError` if it does not take one of that size."""
    try:
        return model(image)
    except InputError:
        raise
    # Networks of others can raise any error.
    except Exception as error:
        size, told = image.shape[-1], str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(
            f"input_size: {size}: the network does not take images of {size} x {size} pixels "
            f"({' '.join(told[-1].split())[:200]}); allowed: the size that it was made for"
        ) from error


def outlined(model: torch.nn.Module, input_size: int) -> Outline:
    """The `Outline` of a model on the device "meta"."""
    import torch

    model = model.eval()
    with torch.no_grad():
        features = model(torch.zeros(1, 3, input_size, input_size, device="meta"))
    return Outline(model, features.shape[1], input_size)


def hash_weights(model: torch.nn.Module) -> str:
    """SHA-256 over names, types, shapes and values of a model's tensors."""
    import torch

    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        plain = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {plain.dtype} {tuple(plain.shape)} ".encode())
        digest.update(plain.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


@contextlib.contextmanager
def seeded_initialisation(random_seed: int) -> Iterator[None]:
    """Random weights made in this block depend on `random_seed` only, and disturb no other stream.

    Layers draw only from torch's global generator, so its state is restored.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for("backbone-weights", random_seed) % 2**63)
        yield


def require_file(checkpoint: str, option: str = "checkpoint") -> Path:
    """The path of a local checkpoint; `InputError` if there is none that can be read."""
    path = at_home(checkpoint)
    told = f"{option}: {printable(path)}"
    with looking(told):
        is_there = is_file(path) and path.stat().st_size > 0
    if not is_there:
        what = "is a folder" if os.path.isdir(path) else "no such file, or it is empty"
        raise InputError(f"{told}: {what}; allowed: an existing file")
    if not os.access(path, os.R_OK):
        raise InputError(
            f"{told}: cannot be read: no permission; allowed: a file that you may read"
        )
    return path


def closest(name: str, names: Sequence[str]) -> str:
    """Names like one that is not known, to stand at a message's end; nothing if there are none."""
    found = difflib.get_close_matches(name, names, n=3)
    return f"; closest: {', '.join(found)}" if found else ""
