"""Semi-supervised trainers, and small batches and steps, for tests of them."""

import numpy as np
import pytest
import torch

from labelbench_core import registry
from labelbench_core.seeds import rng_for
from labelbench_core.trainers import Batch, Problem, Step

SEMI_SUPERVISED = [
    name
    for name in registry.names("trainers")
    if registry.describe("trainers", name).info["needs_unlabeled"]
]
every_trainer = pytest.mark.parametrize("name", SEMI_SUPERVISED)


def build(name, **options):
    return registry.load("trainers", name).build(**options)


def logits_of(*probabilities):
    return torch.tensor(probabilities).log()


def a_batch(num_classes=4, labeled=6, unlabeled=10, pool=30, scale=2.0, seed=0):
    rng = rng_for("batch", seed)
    inputs, weak, strong = (
        torch.from_numpy(scale * rng.standard_normal((count, num_classes), dtype=np.float32))
        for count in (labeled, unlabeled, unlabeled)
    )
    labels = torch.from_numpy(rng.integers(num_classes, size=labeled))
    rows = torch.from_numpy(rng.permutation(pool)[:unlabeled])
    return Batch(inputs, labels, weak, strong, rows)


def a_step(trainer, num_classes=4, pool=30, number=9, steps=10, state=None, teacher=None):
    problem = Problem(np.ones(num_classes, np.int64), pool)
    if state is None:
        state = trainer.state(problem)
    return Step(number, steps, problem, rng_for("step"), state, teacher or torch.nn.Identity())


def loss_of(trainer, batch, step, network=None):
    return trainer.loss(network or torch.nn.Identity(), batch, step)
