"""Averages over steps of what the network predicts: for thresholds, weights, alignment."""

from __future__ import annotations

import torch

from labelbench_core.compute import distributed


class Averages(torch.nn.Module):
    """Buffers that are exponential moving averages over steps.

    A step's batch may come in parts (`accumulate`) and be divided over processes. Each part moves
    the averages from their values before the step to those given by all rows of the step so far:
    after the last part they are those of the undivided batch.

    Parameters
    ----------
    decay
        λ of m ← λ m + (1 − λ) x.
    start
        Name → value before the first step; NaN: that of the first step.
    """

    def __init__(self, decay: float, **start: torch.Tensor) -> None:
        super().__init__()
        for name, value in start.items():
            self.register_buffer(name, value)
        self._decay = decay
        self._number: int | None = None
        self._seen: list[torch.Tensor] = []
        self._before: dict[str, torch.Tensor] = {}

    def seen(self, number: int, *values: torch.Tensor) -> list[torch.Tensor]:
        """All rows of each of `values` (n, ...) in step `number` up to this part."""
        seen = [distributed.gather(rows) for rows in values]
        if number == self._number:
            seen = [torch.cat(rows) for rows in zip(self._seen, seen, strict=True)]
        else:
            self._before = dict(self.named_buffers())
        self._number, self._seen = number, seen
        return seen

    def move(self, name: str, value: torch.Tensor) -> None:
        """Update the average `name` with `value`, that of the step's rows so far."""
        before = self._before[name]
        moved = before.lerp(value, 1 - self._decay)
        setattr(self, name, torch.where(before.isnan(), value, moved))


def histogram(classes: torch.Tensor, num_classes: int, weights: torch.Tensor) -> torch.Tensor:
    """(C,) sums of `weights` (n,) by class; waits for no device, unlike a bincount."""
    sums = torch.zeros(num_classes, dtype=weights.dtype, device=weights.device)
    return sums.index_add(0, classes, weights)


def align(probabilities: torch.Tensor, target: torch.Tensor, model: torch.Tensor) -> torch.Tensor:
    """Distribution alignment (Berthelot et al., "ReMixMatch", ICLR 2020, section 3.1).

    Parameters
    ----------
    probabilities
        (n, C) predictions.
    target, model
        (C,) target distribution of classes, and that of the network's predictions.

    Returns
    -------
    (n, C) probabilities × target / model, normalised.
    """
    aligned = probabilities * ((target + 1e-6) / (model + 1e-6))
    return aligned / aligned.sum(dim=1, keepdim=True)
