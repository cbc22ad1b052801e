"""Networks that give one vector for each image, made of networks that give something else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from labelbench_core.errors import InputError, did_you_mean, listed, shown

ALLOWED = {
    2: "null, since these are features",
    3: "class (the first token), mean (of all tokens), patches (the mean of all but the first)",
    4: "mean (of all places)",
}


class Called(nn.Module):
    """A function of images as a module, without weights."""

    def __init__(self, function: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()
        self._function = function

    def forward(self, pixels: torch.Tensor) -> Any:
        """What the function gives."""
        return self._function(pixels)


class AtLayer(nn.Module):
    """A network that gives out what one of its layers does; see `wrapping.wrap`."""

    def __init__(self, network: nn.Module, layer: str) -> None:
        super().__init__()
        known = [name for name, _ in network.named_modules() if name]
        if layer not in known:
            told = f"layer: {shown(layer)}; the network has no such layer"
            raise InputError(f"{told}{did_you_mean(layer, known)}; allowed: {listed(known)}")
        self.network, self._layer = network, layer

    def forward(self, pixels: torch.Tensor) -> Any:
        """What the layer gives for images."""
        found: list[Any] = []

        def keep(module: nn.Module, given: Any, result: Any) -> None:
            found.append(result)

        handle = self.network.get_submodule(self._layer).register_forward_hook(keep)
        try:
            self.network(pixels)
        finally:
            handle.remove()
        if len(found) != 1:
            told = f"layer: {shown(self._layer)}: runs {len(found)} times in the network"
            raise InputError(f"{told}; allowed: a layer that runs once")
        return found[0]


class Wrapped(nn.Module):
    """A network whose features are one of another's outputs; see `wrapping.wrap`."""

    def __init__(
        self,
        network: nn.Module,
        output: str | None,
        token: str | None,
        normalize: bool,
        batch_size: int | None,
        *,
        frozen: bool,
    ) -> None:
        super().__init__()
        self.network = network
        self._output, self._token, self._normalize = output, token, normalize
        self._batch_size, self._frozen = batch_size, frozen

    def train(self, mode: bool = True) -> Wrapped:
        """As for every module; a frozen network stays as it was exported."""
        if not self._frozen:
            return super().train(mode)
        self.training = mode
        return self

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Features (B, D) of images (B, 3, H, W)."""
        if self._batch_size is None:
            return self._features(pixels)
        parts = []
        for part in pixels.split(self._batch_size):
            # The last batch is filled up with copies of its last image.
            lacking = self._batch_size - len(part)
            whole = torch.cat([part, part[-1:].expand(lacking, -1, -1, -1)]) if lacking else part
            parts.append(self._features(whole)[: len(part)])
        return torch.cat(parts)

    def _features(self, pixels: torch.Tensor) -> torch.Tensor:
        found = self._chosen(self.network(pixels))
        if self._token not in allowed_tokens(found.ndim):
            shape, token = tuple(found.shape), self._token or "null"
            allowed = ALLOWED.get(
                found.ndim, "none: (B, D), (B, T, D) and (B, D, H, W) can be used"
            )
            raise InputError(
                f"token: {token}; the output has the shape {shape}; allowed: {allowed}"
            )
        if found.ndim == 4:
            found = found.mean(dim=(2, 3))
        elif found.ndim == 3:
            tokens = found[:, 1:] if self._token == "patches" else found
            found = found[:, 0] if self._token == "class" else tokens.mean(dim=1)
        if len(found) != len(pixels):
            raise InputError(
                f"output of {len(found)} rows for {len(pixels)} images; allowed: one row each"
            )
        return nn.functional.normalize(found, dim=1) if self._normalize else found

    def _chosen(self, given: Any) -> torch.Tensor:
        """The output that was chosen."""
        if isinstance(given, torch.Tensor):
            named: Mapping[str, Any] = {"0": given}
        elif isinstance(given, Mapping):
            named = {str(name): one for name, one in given.items()}
        elif isinstance(given, (list, tuple)):
            named = {str(number): one for number, one in enumerate(given)}
        else:
            raise InputError(f"output: a {type(given).__name__}; allowed: tensors")
        name = self._output
        if name is None and len(named) == 1:
            name = next(iter(named))
        if name not in named:
            shown_name = "null" if name is None else shown(name)
            raise InputError(f"output: {shown_name}; allowed: the network's {listed(named)}")
        if not isinstance(named[name], torch.Tensor):
            raise InputError(f"output: {name!r} is not a tensor; allowed: an output that is")
        return named[name]


def allowed_tokens(dimensions: int) -> tuple[str | None, ...]:
    """What `token` may be for an output with that many dimensions."""
    return {2: (None,), 3: ("class", "mean", "patches"), 4: ("mean",)}.get(dimensions, ())
