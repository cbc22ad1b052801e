"""The one training loop: trainers differ only in the loss of a batch."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from labelbench_core.compute import distributed
from labelbench_core.compute.convolutions import fast_gradients
from labelbench_core.compute.randomness import reproducible
from labelbench_core.progress import Progress
from labelbench_core.trainers import Trainer
from labelbench_core.training.checkpoints import Checkpoint
from labelbench_core.training.network import Network
from labelbench_core.training.recipe import Recipe
from labelbench_core.training.run import Task, TrainingRun

log = logging.getLogger(__name__)

# Factor of the learning rate when a diverged training is tried once more.
RETRY_FACTORS = (1.0, 0.1)
HISTORY_COLUMNS = (
    "attempt", "step", "learning_rate", "loss", "accuracy", "unlabeled_loss", "used"
)  # fmt: skip


@dataclass(frozen=True)
class Fit:
    """How a training went.

    Attributes
    ----------
    history
        Rows with `HISTORY_COLUMNS`; at least one per epoch.
    attempts
        Peak learning rate and outcome of each attempt: "finished", or why it counts as diverged.
    diverged
        Whether the last attempt diverged too.
    validation
        Step, loss and accuracy of every evaluation on the validation set, in the last attempt.
    """

    history: list[dict[str, Any]]
    attempts: list[dict[str, Any]]
    diverged: bool
    validation: list[dict[str, Any]]

    def record(self, flops: int) -> dict[str, Any]:
        """The entry of a round's record; a loss that is not finite is None."""
        loss = self.history[-1]["loss"]
        return {
            "attempts": self.attempts,
            "converged": not self.diverged,
            "steps": self.attempts[-1]["steps"],
            "loss": float(f"{loss:.6g}") if math.isfinite(loss) else None,
            "flops": flops,
        }


def train(
    network: Network, trainer: Trainer, recipe: Recipe, task: Task, checkpoint: Checkpoint
) -> Fit:
    """Train `network` in place; resumes from `checkpoint`.

    The same inputs, device and number of threads give the same weights, interrupted or not.
    """
    network.to(device=task.device, memory_format=torch.channels_last)
    start = {name: value.detach().clone() for name, value in network.state_dict().items()}
    saved = checkpoint.load()
    history, attempts = (saved["history"], saved["attempts"]) if saved else ([], [])
    # What is compiled has kernels of its own.
    fast = contextlib.nullcontext() if recipe.compile else fast_gradients(task.device)
    with reproducible(task.device, compiled=recipe.compile), fast:
        while True:
            network.load_state_dict(start)
            learning_rate = recipe.learning_rate * RETRY_FACTORS[len(attempts)]
            run = TrainingRun(network, trainer, recipe, task, learning_rate)
            if saved is not None:
                run.load_state_dict(saved["run"])
                log.info("resumed after step %d of %d", run.step, recipe.steps)
                saved = None

            def save(run: TrainingRun = run) -> None:
                checkpoint.save({"history": history, "attempts": attempts, "run": run.state_dict()})

            failure = _run_attempt(run, len(attempts) + 1, history, checkpoint, save)
            attempts.append(
                {
                    "learning_rate": learning_rate,
                    "outcome": failure or "finished",
                    "steps": run.step,
                }
            )
            if failure is None:
                break
            log.warning("attempt %d diverged: %s", len(attempts), failure)
            if len(attempts) == len(RETRY_FACTORS):
                break
    final = run.final_weights()
    # Weights that are not finite predict nothing; the initial network predicts something.
    is_sound = all(bool(value.isfinite().all()) for value in final.values())
    network.load_state_dict(final if is_sound else start)
    network.eval()
    return Fit(history, attempts, failure is not None, run.looks)


def _run_attempt(
    run: TrainingRun,
    attempt: int,
    history: list[dict[str, Any]],
    checkpoint: Checkpoint,
    save: Callable[[], None],
) -> str | None:
    """Run the remaining steps of an attempt (from 1) until it diverges; the reason, or None."""
    recipe, every = run.recipe, run.window_steps
    progress = None
    if distributed.rank() == 0:
        progress = Progress("train", recipe.steps, "steps", done=run.step)
    with progress or contextlib.nullcontext():
        # An attempt that was saved after its patience had run out is not continued.
        for batch in () if run.has_ended() else run.batches():
            run.train_step(batch)
            if run.is_validation_due():
                run.validate()
            is_last = run.has_ended()
            # Windows are aligned with the last step, so that, reached, it ends a whole one.
            if is_last or (recipe.steps - run.step) % every == 0:
                run.window.collect()
                row = {"attempt": attempt, "step": run.step, "learning_rate": run.last_rate}
                row |= run.window.summary()
                history.append(row)
                failure = run.window.failure(is_last=is_last)
                if failure is not None:
                    return f"{failure} at step {run.step}"
                run.window.reset()
            if progress is not None:
                progress.update(1, f"loss {history[-1]['loss']:.3f}" if history else "")
            if distributed.from_first(checkpoint.due(), run.task.device):
                save()
            if is_last:
                break
    if not all(bool(value.isfinite().all()) for value in run.network.parameters()):
        return f"weights are not finite at step {run.step}"
    return None
