"""One attempt at a training: batches, updates, validation, and the state between two steps."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel

from labelbench_core.compute import distributed
from labelbench_core.compute.devices import on_device
from labelbench_core.compute.precision import autocast, training_precision
from labelbench_core.compute.randomness import seed_torch
from labelbench_core.errors import InputError
from labelbench_core.seeds import rng_for, seed_for
from labelbench_core.trainers import Batch, Problem, Step, Trainer
from labelbench_core.trainers.shared.losses import summed_loss
from labelbench_core.training.batches import Sampler
from labelbench_core.training.examples import Examples
from labelbench_core.training.network import Network, checkpoint_activations, set_mode
from labelbench_core.training.recipe import Recipe
from labelbench_core.training.schedule import (
    build_optimizer,
    learning_rate_factor,
    set_learning_rate,
)
from labelbench_core.training.window import Window, predicted_labels

VALIDATION_BATCH = 256
LONGEST_WINDOW = 50  # steps between two rows of the history, at most


@dataclass(frozen=True)
class Validation:
    """Labelled examples that are not trained on, their (V,) or (V, C) labels, and weights (V,)."""

    examples: Examples
    labels: np.ndarray
    weights: np.ndarray | None = None


@dataclass(frozen=True)
class Task:
    """What to train on.

    Attributes
    ----------
    labeled
        The labelled examples.
    labels
        (L,) int64, aligned with `labeled`; or (L, C) of 0 and 1.
    num_classes
        C.
    names
        What every random stream is derived from.
    device
        Where it is trained.
    unlabeled
        The unlabelled examples; None for trainers that need none, or where all are labelled.
    unlabeled_views
        Views that the trainer uses: 2, weak and strong, or 1, weak.
    validation
        The examples that the best weights are chosen by; None: the last weights are used.
    weights
        (L,) float32 weights of the labelled examples' losses, with a mean of 1; None: all are 1.
    """

    labeled: Examples
    labels: np.ndarray
    num_classes: int
    names: tuple[str | int, ...]
    device: torch.device
    unlabeled: Examples | None = None
    unlabeled_views: int = 2
    validation: Validation | None = None
    weights: np.ndarray | None = None


class TrainingRun:
    """One attempt: everything that changes from step to step, and so is in a checkpoint."""

    def __init__(
        self,
        network: Network,
        trainer: Trainer,
        recipe: Recipe,
        task: Task,
        learning_rate: float,
    ) -> None:
        self.network, self.trainer, self.recipe, self.task = network, trainer, recipe, task
        self.learning_rate = learning_rate
        if recipe.gradient_checkpointing:
            checkpoint_activations(network)
        self.forward = self._wrapped()
        self.optimizer = build_optimizer(network, recipe)
        self.dtype = training_precision(recipe.precision, task.device)
        self.scaler = torch.amp.GradScaler(task.device.type, enabled=self.dtype == torch.float16)
        set_mode(network, training=recipe.batch_norm == "batch")
        self.average = None
        if recipe.ema_decay:
            self.average = AveragedModel(network, multi_avg_fn=_moving(recipe.ema_decay))
            set_mode(self.average, training=False)
        self.sampler = Sampler(len(task.labels), recipe.batch_size, task.names)
        self.unlabeled_sampler = None
        if task.unlabeled is not None:
            size = recipe.unlabeled_ratio * recipe.batch_size
            names = (*task.names, "unlabeled")
            self.unlabeled_sampler = Sampler(len(task.unlabeled), size, names)
        sizes = [s.batch_size for s in (self.sampler, self.unlabeled_sampler) if s is not None]
        # All processes must have the same number of parts: they communicate in each.
        own = [size // distributed.processes() for size in sizes]
        self.num_parts = max(1, min(recipe.accumulate, *own))
        self.window_steps = min(
            -(-len(task.labels) // self.sampler.batch_size), LONGEST_WINDOW, recipe.steps
        )
        self.window = Window(task.num_classes, task.device)
        self.labels = on_device(task.labels, task.device)
        weights = task.weights
        self.weights = None if weights is None else on_device(weights, task.device)
        if task.labels.ndim == 1:
            counts = np.bincount(task.labels, weights, task.num_classes)
        elif weights is None:
            counts = task.labels.sum(axis=0, dtype=np.int64)
        else:
            counts = weights.astype(np.float64) @ task.labels
        self.problem = Problem(counts, 0 if task.unlabeled is None else len(task.unlabeled))
        self.state = trainer.state(self.problem)
        if self.state is not None:
            self.state.to(task.device)
        self.step = 0
        self.last_rate = 0.0
        self.looks: list[dict[str, Any]] = []
        self.best: dict[str, torch.Tensor] | None = None
        self.looks_since_best = 0

    def _wrapped(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """The network as it is called: compiled, its gradients averaged over processes."""
        forward: Any = torch.compile(self.network) if self.recipe.compile else self.network
        if distributed.processes() == 1:
            return forward
        examples = self.task.labeled
        one = next(iter(examples.batches([np.zeros(1, np.int64)])))
        inputs = examples.view("plain", *one, rng_for("unused"))
        return distributed.averaged(forward, self.network, inputs)

    def batches(self) -> Iterator[Batch]:
        """The batches of all steps that are left."""
        task, steps = self.task, range(self.step, self.recipe.steps)
        names = (*task.names, *self._process_names())
        labeled = task.labeled.batches(map(self._own_rows(self.sampler), steps))
        unlabeled = itertools.repeat(None)
        if self.unlabeled_sampler is not None:
            unlabeled = task.unlabeled.batches(map(self._own_rows(self.unlabeled_sampler), steps))
        for step, (rows, raw), others in zip(steps, labeled, unlabeled, strict=False):
            rng = rng_for("finetune-augmentation", *names, step)
            inputs = task.labeled.view("weak", rows, raw, rng)
            places = on_device(rows, task.device)
            weights = None if self.weights is None else self.weights[places]
            batch = Batch(inputs, self.labels[places], weights=weights)
            if others is not None:
                names_of_views = ("weak", "strong")[: task.unlabeled_views]
                views = {name: task.unlabeled.view(name, *others, rng) for name in names_of_views}
                batch = replace(batch, **views, rows=on_device(others[0], task.device))
            yield batch

    @staticmethod
    def _process_names() -> tuple[str, ...]:
        """Names that distinguish the random streams of several processes."""
        return ("process", str(distributed.rank())) if distributed.processes() > 1 else ()

    @staticmethod
    def _own_rows(sampler: Sampler) -> Callable[[int], np.ndarray]:
        """The rows of a step that are this process's."""
        return lambda step: distributed.own_rows(sampler.rows(step))

    def _own_shares(self, part: Batch) -> tuple[float, float]:
        """Weights of a part of a step's batch in the labelled and in the unlabelled loss."""
        labeled = distributed.own_share(len(part.labels), self.sampler.batch_size)
        if part.rows is None:
            return labeled, labeled
        size = self.unlabeled_sampler.batch_size
        return labeled, distributed.own_share(len(part.rows), size)

    def train_step(self, batch: Batch) -> None:
        """One update."""
        recipe = self.recipe
        names = (*self.task.names, *self._process_names())
        self.last_rate = self.learning_rate * learning_rate_factor(self.step, recipe)
        set_learning_rate(self.optimizer, self.last_rate)
        # Dropout uses only the global generator; its state is restored when training ends.
        seed_torch(seed_for("finetune-noise", *names, self.step) % 2**63, self.task.device)
        step = Step(
            self.step,
            recipe.steps,
            self.problem,
            rng_for("finetune-loss", *names, self.step),
            self.state,
            self.average,
        )
        self.optimizer.zero_grad()
        parts = batch.parts(self.num_parts)
        for part in parts[:-1]:
            with distributed.unsynchronised(self.forward):
                self._add_gradients(part, step)
        self._add_gradients(parts[-1], step)
        if recipe.gradient_clip:
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), recipe.gradient_clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.average is not None:
            self.average.update_parameters(self.network)
        self.step += 1

    def _add_gradients(self, part: Batch, step: Step) -> None:
        """The passes of a part of a step's batch."""
        try:
            with autocast(self.task.device, self.dtype):
                loss = self.trainer.loss(self.forward, part, step)
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):
                raise
            # A map of one pixel from one image has no batch statistics.
            raise InputError(
                f"training.batch_norm: batch; a pass of {len(part.labels)} labelled images gives "
                f"no batch statistics where this network's last feature maps have a single pixel; "
                "allowed: folded or frozen, or a larger batch_size, a smaller accumulate, or more "
                "labels"
            ) from error
        shares = self._own_shares(part)
        self.scaler.scale(loss.weighted(*shares)).backward()
        self.window.add(loss, part.labels, *shares)

    def is_validation_due(self) -> bool:
        """Whether to evaluate on the validation set: at intervals, and at the end."""
        is_last = self.step == self.recipe.steps
        due = is_last or self.step % self.recipe.validation_steps == 0
        return self.task.validation is not None and due

    def validate(self) -> None:
        """Evaluate on the validation set; keep the weights if its loss is the lowest so far."""
        network = self._evaluated()
        mode = network.training
        network.eval()
        losses, hits = [], 0
        validation = self.task.validation
        if validation is None:
            raise RuntimeError("there is no validation set")
        examples, labels, weights = validation.examples, validation.labels, validation.weights
        plans = np.array_split(np.arange(len(labels)), -(-len(labels) // VALIDATION_BATCH))
        with torch.inference_mode():
            for rows, raw in examples.batches(plans):
                with autocast(self.task.device, self.dtype):
                    logits = network(examples.view("plain", rows, raw, rng_for("unused"))).float()
                truth = on_device(labels[rows], logits.device)
                of_rows = None if weights is None else on_device(weights[rows], logits.device)
                losses.append(float(summed_loss(logits, truth, of_rows)))
                hits += int((predicted_labels(logits, truth) == truth).sum())
        set_mode(network, training=mode)
        loss = sum(losses) / (len(labels) if weights is None else float(weights.sum()))
        self.looks_since_best += 1
        # Diverged weights are never the best, and their loss is not recorded.
        if not math.isfinite(loss):
            return
        if all(loss < look["loss"] for look in self.looks):
            self.best, self.looks_since_best = self._weights(), 0
        self.looks.append({"step": self.step, "loss": loss, "accuracy": hits / labels.size})

    def has_ended(self) -> bool:
        """Whether all steps are done, or the last looks give no hope of a lower loss."""
        patience = self.recipe.patience
        is_hopeless = 0 < patience <= self.looks_since_best
        stops = distributed.from_first(is_hopeless, self.task.device) if patience else False
        return self.step == self.recipe.steps or stops

    def final_weights(self) -> dict[str, torch.Tensor]:
        """The weights to evaluate: the best on the validation set, else the last."""
        return self._weights() if self.best is None else self.best

    def _evaluated(self) -> torch.nn.Module:
        """The network that counts: the one trained, or its moving average."""
        return self.network if self.average is None else self.average.module

    def _weights(self) -> dict[str, torch.Tensor]:
        return {name: value.clone() for name, value in self._evaluated().state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """Everything that the rest of the training depends on."""
        return {
            "step": self.step,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "state": None if self.state is None else self.state.state_dict(),
            "window": self.window.state_dict(),
            "looks": self.looks,
            "best": self.best,
            "looks_since_best": self.looks_since_best,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state`."""
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        if self.state is not None:
            self.state.load_state_dict(state["state"])
        self.window.load_state_dict(state["window"])
        self.looks, self.best = state["looks"], state["best"]
        self.looks_since_best = state["looks_since_best"]


def _moving(decay: float) -> Callable[..., None]:
    """A moving average that is the plain mean until it has seen 1 / (1 − decay) steps.

    As in Mean Teacher's own code: otherwise it would retain the start of a short training.
    """

    def update(averages: Any, current: Any, number: Any) -> None:
        share = max(1 - decay, 1 / (int(number) + 1))
        torch._foreach_lerp_(averages, current, share)

    return update
