"""A training on arrays in memory, and one that is killed, for tests of the loop."""

import numpy as np
import torch

from labelbench_core import registry
from labelbench_core.training.checkpoints import Checkpoint
from labelbench_core.training.loop import train
from labelbench_core.training.network import Network
from labelbench_core.training.recipe import Recipe
from labelbench_core.training.run import Task


class FixedExamples:
    """Rows of an array, in views that are always the same."""

    def __init__(self, inputs):
        self.inputs = torch.from_numpy(inputs)

    def __len__(self):
        return len(self.inputs)

    def batches(self, plans):
        for rows in plans:
            yield rows, None

    def view(self, name, rows, raw, rng):
        return self.inputs[torch.from_numpy(rows)] * (0.5 if name == "strong" else 1.0)


class Killed(BaseException):
    """Stands for a signal that cannot be handled."""


class DyingCheckpoint(Checkpoint):
    """Saves after `save_at` steps and dies one later."""

    def __init__(self, path, save_at):
        super().__init__(path, "same")
        self.save_at, self.steps = save_at, 0

    def due(self):
        self.steps += 1
        if self.steps > self.save_at:
            raise Killed
        return self.steps == self.save_at


def fit(
    build, inputs, labels, unlabeled=None, trainer="supervised", checkpoint=None, weights=None,
    **recipe,
):  # fmt: skip
    """Train the backbone that `build` makes, the classifier from zeros.

    Parameters
    ----------
    build
        Gives a backbone and its number of features; called with the generator seeded.
    inputs, labels, unlabeled, weights
        Arrays; three classes.
    recipe
        Of the recipe, beside the trainer's `options`.

    Returns
    -------
    The network and the fit.
    """
    options = recipe.pop("options", {})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        backbone, features = build()
    network = Network(backbone, features, 3)
    task = Task(
        labeled=FixedExamples(inputs),
        labels=np.asarray(labels),
        num_classes=3,
        names=("fixed", 0),
        device=torch.device("cpu"),
        unlabeled=None if unlabeled is None else FixedExamples(unlabeled),
        weights=weights,
    )
    defaults = {"steps": 4, "batch_size": 8, "warmup_steps": 0, "learning_rate": 0.01}
    method = registry.load("trainers", trainer).build(**options)
    recipe = Recipe.from_options({**defaults, "head": "fresh", **recipe})
    return network, train(network, method, recipe, task, checkpoint or Checkpoint(None, "same"))
