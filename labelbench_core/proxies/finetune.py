"""The whole backbone, fine-tuned in every round: the costly baseline of selection by proxy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
import torch

from labelbench_core.backbones import Backbone
from labelbench_core.errors import InputError
from labelbench_core.proxies import TrainingSet
from labelbench_core.proxies.shared.deep import DeepProxy
from labelbench_core.registry.options import Reference
from labelbench_core.training.network import portable_state
from labelbench_core.training.on_images import Start, Trained, zero_shot_start

INFO = {
    "summary": "the whole backbone, fine-tuned in every round by any trainer",
    "paper": "Zhang et al. 2024 (LabelBench)",
    "provides": ["probabilities", "head"],
    "cost": "steps B passes through the backbone and back, and N forward",
    "needs_torch": True,
    "needs_images": True,
    "weighted": True,
}
PREFIX = "network."


class FineTuneProxy(DeepProxy):
    """See the module and `build`."""

    def __init__(self, trainer: Mapping[str, Any], start: str, threads: int) -> None:
        super().__init__(trainer, {"start": start}, threads)
        self.is_warm = start == "warm"
        self.state: dict[str, np.ndarray] = {}

    def start(self, backbone: Backbone, training: TrainingSet, rng: np.random.Generator) -> Start:
        """The pretrained weights, or those of the previous round."""
        if self.options["start"] == "zero-shot":
            if training.zero_shot is None:
                raise InputError(
                    "options.start: 'zero-shot'; the head of the class names is not given; allowed "
                    "without it: pretrained, warm"
                )
            return zero_shot_start(backbone, training.zero_shot)
        state = {
            name.removeprefix(PREFIX): torch.from_numpy(values.astype(np.float32))
            for name, values in training.previous.items()
            if name.startswith(PREFIX)
        }
        if not self.is_warm or not state:
            return Start(backbone)
        parts = {
            name.removeprefix("backbone."): values
            for name, values in state.items()
            if name.startswith("backbone.")
        }
        backbone.model.load_state_dict(parts)
        head = state["head.weight"].numpy().T, state["head.bias"].numpy()
        return Start(backbone, head)

    def finish(self, trained: Trained) -> Trained:
        """Keep the weights, if the next round starts from them."""
        if self.is_warm:
            state = portable_state(trained.network, trained.folds)
            self.state = {PREFIX + name: values.numpy() for name, values in state.items()}
        return trained

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays of `DeepProxy`; for warm starts also the weights in float16, `network.…`."""
        return {**super().arrays(), **self.state}


def build(
    threads: int = 1,
    *,
    trainer: Annotated[str, Reference("trainers")] = "finetune-supervised",
    start: Literal["pretrained", "zero-shot", "warm"] = "pretrained",
) -> FineTuneProxy:
    """A backbone that is fine-tuned in every round.

    Parameters
    ----------
    threads
        Threads to use; the number can change the last digits.
    trainer
        Id in the catalogue's trainers.yaml of the trainer of the backbone, with `head: fresh`, or
        with `head: zero-shot` if rounds start from it. Default: ours.
    start
        Weights that a round starts from: "pretrained", with a classifier of zeros; "zero-shot", the
        same with the classifier that a CLIP-like backbone makes from the class names, on embeddings
        of unit length; or "warm", those of the previous round. Default: ours.
    """
    return FineTuneProxy(trainer, start, threads)
