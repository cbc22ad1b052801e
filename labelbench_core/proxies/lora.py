"""Low-rank adapters in the backbone (LoRA), trained in every round; the backbone is frozen."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import torch
from torch import nn

from labelbench_core.backbones import Backbone, Outline
from labelbench_core.errors import InputError
from labelbench_core.proxies import TrainingSet
from labelbench_core.proxies.shared.deep import DeepProxy
from labelbench_core.registry.options import Interval, Reference, ShareBelow1
from labelbench_core.training.on_images import Start, Trained

INFO = {
    "summary": "low-rank adapters in the backbone, trained in every round by any trainer",
    "paper": "Hu et al., ICLR 2022",
    "provides": ["probabilities", "head"],
    "cost": "steps B passes through the backbone and back, and N forward",
    "needs_torch": True,
    "needs_images": True,
    "weighted": True,
}


class LoraProxy(DeepProxy):
    """See the module and `build`."""

    def __init__(
        self, trainer: Mapping[str, Any], rank: int, alpha: float, dropout: float, threads: int
    ) -> None:
        # Folding would hide the layers that get adapters; the statistics are not changed.
        training = {**(trainer.get("training") or {}), "batch_norm": "frozen"}
        options = {"rank": rank, "alpha": alpha, "dropout": dropout}
        super().__init__({**trainer, "training": training}, options, threads)
        self.rank, self.alpha, self.dropout = rank, alpha, dropout

    def start(self, backbone: Backbone, training: TrainingSet, rng: np.random.Generator) -> Start:
        """The backbone with adapters that change nothing yet; only they are trained."""
        seed = int(rng.integers(2**63))
        return Start(dataclasses.replace(backbone, model=self._adapted(backbone.model, seed)))

    def outline(self, backbone: Outline) -> nn.Module:
        """The network with its adapters."""
        return self._adapted(backbone.model, 0)

    def _adapted(self, model: nn.Module, seed: int) -> nn.Module:
        """A network with adapters, whose weights alone have gradients."""
        from peft import LoraConfig, inject_adapter_in_model

        targets = adapted_layers(model)
        if not targets:
            told = "proxy lora: the backbone has no layer that can take adapters"
            raise InputError(f"{told}; allowed: one with linear layers or 1 × 1 convolutions")
        config = LoraConfig(
            r=self.rank,
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            target_modules="|".join(re.escape(name) for name in targets),
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return inject_adapter_in_model(config, model)

    def finish(self, trained: Trained) -> Trained:
        """Add the adapters to the weights: the network is as fast as the backbone again."""
        for name, module in list(trained.network.backbone.named_modules()):
            if hasattr(module, "merge") and hasattr(module, "get_base_layer"):
                module.merge()
                parent, _, leaf = name.rpartition(".")
                owner = trained.network.backbone.get_submodule(parent)
                setattr(owner, leaf, module.get_base_layer())
        return trained


def adapted_layers(model: nn.Module) -> list[str]:
    """Names of linear layers and of convolutions over single pixels, which are linear too.

    Layers of torch's own attention module are left out: it reads their weights directly.
    """
    inside = [
        f"{name}." for name, module in model.named_modules()
        if isinstance(module, nn.MultiheadAttention)
    ]  # fmt: skip
    return [
        name
        for name, module in model.named_modules()
        if _is_linear(module) and not name.startswith(tuple(inside))
    ]


def _is_linear(module: nn.Module) -> bool:
    if isinstance(module, nn.Conv2d):
        return module.kernel_size == (1, 1) and module.groups == 1
    return isinstance(module, nn.Linear)


def build(
    threads: int = 1,
    *,
    trainer: Annotated[str, Reference("trainers")] = "finetune-supervised",
    rank: Annotated[int, Interval(ge=1, le=10_000)] = 8,
    alpha: Annotated[float, Interval(gt=0, le=1_000_000)] = 16.0,
    dropout: ShareBelow1 = 0.0,
) -> LoraProxy:
    """A backbone with low-rank adapters.

    Parameters
    ----------
    threads
        Threads to use; the number can change the last digits.
    trainer
        Id in the catalogue's trainers.yaml of the trainer of the adapters and the classifier, with
        `head: fresh`. Default: ours.
    rank
        r, the rank of the update of each adapted layer. Default: ours.
    alpha
        The update is scaled by `alpha` / `rank`. Default: ours.
    dropout
        Probability with which an input of an adapter is dropped in training. Default: ours.
    """
    return LoraProxy(trainer, rank, alpha, dropout, threads)
