"""What is tracked between two rows of the history: loss, accuracy, signs of divergence."""

from __future__ import annotations

from typing import Any

import torch

from labelbench_core.compute import distributed
from labelbench_core.trainers import Loss


def predicted_labels(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """What logits (B, C) predict, in the form of `labels`: (B,) classes, or (B, C) of 0 and 1."""
    if labels.ndim == 1:
        return logits.argmax(dim=1)
    return (logits >= 0).to(labels.dtype)


class Window:
    """Sums over some steps, kept on the device: only reading them waits for it."""

    def __init__(self, num_classes: int, device: torch.device) -> None:
        self._classes = torch.arange(num_classes, device=device)
        self._sums = {
            "steps": torch.zeros((), dtype=torch.float64, device=device),
            "parts": torch.zeros(2, dtype=torch.float64, device=device),
            "loss": torch.zeros((), dtype=torch.float64, device=device),
            "hits": torch.zeros((), dtype=torch.int64, device=device),
            "decisions": torch.zeros((), dtype=torch.int64, device=device),
            "predicted": torch.zeros(num_classes, dtype=torch.int64, device=device),
            "true": torch.zeros(num_classes, dtype=torch.int64, device=device),
        }
        self._unlabeled = False

    def add(
        self, loss: Loss, labels: torch.Tensor, share: float = 1.0, unlabeled_share: float = 1.0
    ) -> None:
        """Record a step, or the shares of its examples that were trained on by themselves."""
        self._sums["steps"] += share
        self._sums["loss"] += loss.weighted(share, unlabeled_share).detach()
        if loss.unlabeled is not None:
            parts = torch.stack([loss.unlabeled, loss.used]).detach()
            self._sums["parts"] += unlabeled_share * parts
            self._unlabeled = True
        if not share:  # labels that another process counts
            return
        predictions = predicted_labels(loss.logits.detach(), labels)
        self._sums["hits"] += (predictions == labels).sum()
        self._sums["decisions"] += labels.numel()
        if labels.ndim == 1:
            self._sums["predicted"] += (predictions[:, None] == self._classes).sum(dim=0)
            self._sums["true"] += (labels[:, None] == self._classes).sum(dim=0)

    def collect(self) -> None:
        """Add up what all processes have recorded."""
        for name, value in self._sums.items():
            distributed.add_up(value)
            if name in ("steps", "loss", "parts"):
                value /= distributed.processes()

    def summary(self) -> dict[str, float | None]:
        """Means per step: `loss`, `accuracy` on the labelled examples as trained on (of all classes
        of all examples, where an example can belong to any number of classes), `unlabeled_loss`,
        and the share of unlabelled examples `used`; None where there are none.
        """
        parts, steps = self._sums["parts"].tolist(), float(self._sums["steps"])
        return {
            "loss": float(self._sums["loss"]) / steps,
            "accuracy": float(self._sums["hits"]) / float(self._sums["decisions"]),
            "unlabeled_loss": parts[0] / steps if self._unlabeled else None,
            "used": parts[1] / steps if self._unlabeled else None,
        }

    def failure(self, *, is_last: bool) -> str | None:
        """Why the training counts as diverged, or None.

        A single predicted class counts only at the end: a training may well begin with one. It says
        nothing where a row belongs to any number of classes.
        """
        if not bool(self._sums["loss"].isfinite()):
            return "loss is not finite"
        predicted, true = (int((self._sums[key] > 0).sum()) for key in ("predicted", "true"))
        if is_last and predicted == 1 and true > 1:
            return "a single class is predicted"
        return None

    def reset(self) -> None:
        """Begin the next window."""
        for value in self._sums.values():
            value.zero_()

    def state_dict(self) -> dict[str, Any]:
        """The state for a checkpoint, the same in all processes."""
        sums = {name: value.clone() for name, value in self._sums.items()}
        for value in sums.values():
            distributed.add_up(value)
        return {"sums": sums, "unlabeled": self._unlabeled}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a checkpoint; the first process takes over the sums of all."""
        for name, value in state["sums"].items():
            self._sums[name].copy_(value if distributed.rank() == 0 else 0 * value)
        self._unlabeled = state["unlabeled"]
